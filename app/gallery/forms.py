"""What may be uploaded: a real picture of a type that browsers show, and not too large."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from gallery.models import Picture

if TYPE_CHECKING:  # generic for the type checker alone
    _PictureModelForm = forms.ModelForm[Picture]
else:
    _PictureModelForm = forms.ModelForm

MAX_BYTES = 10 * 1024 * 1024
# Pillow's name of the format, and the ending that the blob gets.
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp"}


class PictureForm(_PictureModelForm):
    """A title that is left out is taken from the file's name."""

    class Meta:
        model = Picture
        fields = ("image", "title")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].required = False
        self.fields["title"].widget.attrs["autocomplete"] = "off"
        self.fields["image"].widget = forms.FileInput(
            attrs={
                "accept": "image/jpeg,image/png,image/gif,image/webp",
                "aria-describedby": "image-hint image-error",
                "data-max-bytes": MAX_BYTES,
            }
        )

    def clean_image(self) -> Any:
        """Django has opened it with Pillow before, so `image` is what the bytes say."""
        upload = self.cleaned_data["image"]
        if not isinstance(upload, UploadedFile):
            return upload  # the admin's form, the picture unchanged
        size = upload.size or 0
        if size > MAX_BYTES:
            raise forms.ValidationError(
                f"This picture has {filesizeformat(size)}; "
                f"at most {filesizeformat(MAX_BYTES)} can be stored.",
                code="too_large",
            )
        kind = getattr(upload, "image").format  # noqa: B009  # Django sets it on the upload
        if kind not in FORMATS:
            raise forms.ValidationError(
                f"This is a picture of type {kind}, which browsers do not show: "
                "save it as JPEG, PNG, GIF or WebP.",
                code="format",
            )
        self._file_name = PurePath(upload.name or "").stem
        upload.name = f"picture{FORMATS[kind]}"
        return upload

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("image") and not cleaned.get("title"):
            name = " ".join(getattr(self, "_file_name", "").replace("_", " ").split())
            cleaned["title"] = name[:120] or "Untitled"
        return cleaned
