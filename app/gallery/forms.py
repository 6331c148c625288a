"""The forms for pictures: several at once on the page, one in the admin."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django import forms

from azureblob.direct.forms import DirectUploadField, DirectUploadInput
from azureblob.direct.uploadedfile import saved_together
from azureblob.uploads.filenames import shown_name
from azureblob.uploads.inspection import cached_inspection
from gallery.models import Picture
from gallery.uploads import pictures

if TYPE_CHECKING:  # generic for the type checker only
    _PictureModelForm = forms.ModelForm[Picture]
else:
    _PictureModelForm = forms.ModelForm

_MAX_TITLE = 120


class PicturesInput(DirectUploadInput):
    template_name = "gallery/pictures_input.html"


class PicturesForm(forms.Form):
    """One or more pictures. The title is for a single one; several are titled by file name."""

    image = DirectUploadField(
        endpoint=pictures,
        multiple=True,
        max_files=50,
        widget=PicturesInput({"aria-describedby": "image-hint image-error"}),
        error_messages={"required": "Choose a picture first."},
    )
    title = forms.CharField(
        max_length=_MAX_TITLE,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "aria-describedby": "title-hint"}),
    )

    def save(self) -> list[Picture]:
        """Save all of them, or none.

        Raises azure.core.exceptions.AzureError, and azureblob.exceptions.UploadGone for an upload
        that was used before.
        """
        files = self.cleaned_data["image"]
        title = self.cleaned_data["title"] if len(files) == 1 else ""
        with saved_together():
            return [
                Picture.objects.create(image=file, title=title or title_of(file)) for file in files
            ]


class PictureForm(_PictureModelForm):
    """For the admin. Without a title, the picture is titled by its file name."""

    image = DirectUploadField(endpoint=pictures)

    class Meta:
        model = Picture
        fields = ("image", "title")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("image") and not cleaned.get("title"):
            cleaned["title"] = title_of(cleaned["image"])
        return cleaned


def title_of(file: Any) -> str:
    """The original file name without its extension: `my cat 1` for `my_cat 1.png`."""
    cached = cached_inspection(file)
    stem = PurePath(shown_name(cached.original_name)).stem if cached else ""
    return " ".join(stem.replace("_", " ").split())[:_MAX_TITLE] or "Untitled"
