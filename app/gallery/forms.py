"""The forms that take pictures: several at once on the page, one in the admin."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django import forms

from azureblob.direct.file import saved_together
from azureblob.direct.forms import DirectUploadField, DirectUploadInput
from azureblob.uploads.inspection_cache import marked
from azureblob.uploads.names import shown_name
from gallery.models import Picture
from gallery.places import pictures

if TYPE_CHECKING:  # generic for the type checker alone
    _PictureModelForm = forms.ModelForm[Picture]
else:
    _PictureModelForm = forms.ModelForm

_LONGEST_TITLE = 120


class PicturesInput(DirectUploadInput):
    template_name = "gallery/pictures_input.html"


class PicturesForm(forms.Form):
    """One picture or more. A title is for a single one; any others are called by their files."""

    image = DirectUploadField(
        place=pictures,
        multiple=True,
        most=50,
        widget=PicturesInput({"aria-describedby": "image-hint image-error"}),
        error_messages={"required": "Choose a picture first."},
    )
    title = forms.CharField(
        max_length=_LONGEST_TITLE,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "aria-describedby": "title-hint"}),
    )

    def save(self) -> list[Picture]:
        """All of them, or none.

        Raises azure.core.exceptions.AzureError, and quarantine.Gone for an upload that was used
        meanwhile.
        """
        files = self.cleaned_data["image"]
        title = self.cleaned_data["title"] if len(files) == 1 else ""
        with saved_together():
            return [
                Picture.objects.create(image=file, title=title or title_of(file)) for file in files
            ]


class PictureForm(_PictureModelForm):
    """The admin's. A title that is left out is taken from the file's name."""

    image = DirectUploadField(place=pictures)

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
    """What its owner called it, without the ending: `my cat 1` for `my_cat 1.png`."""
    known = marked(file)
    stem = PurePath(shown_name(known.original)).stem if known else ""
    return " ".join(stem.replace("_", " ").split())[:_LONGEST_TITLE] or "Untitled"
