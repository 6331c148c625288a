"""A form's field for files that are held against rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.base import File

from azureblob.uploads import svg
from azureblob.uploads.inspection import inspect
from azureblob.uploads.inspection_cache import Mark, mark, marked
from azureblob.uploads.rules import UploadRules


def checked(file: File[Any], name: str, rules: UploadRules) -> Mark:
    """Inspect `file`, unless it is marked by these rules, and mark it. An SVG has the bytes that it
    is to be stored with from then on, whatever storage it goes to. Raises Refused."""
    known = marked(file, rules)
    if known is None:
        inspected = inspect(file, name, file.size, rules)
        if inspected.content_type == svg.MIME:
            svg.sanitize(file)
        known = mark(file, inspected, name, rules)
    return known


class CheckedFileField(forms.FileField):
    """The cleaned file is marked: `marks.marked(file)` has its type, its size and its name."""

    def __init__(self, *, rules: UploadRules | None = None, **options: Any) -> None:
        self.rules = rules or UploadRules()
        # The rules limit the name; the model's max_length is that of the blob's, which is made.
        super().__init__(**{**options, "max_length": None, "allow_empty_file": True})

    def to_python(self, data: Any) -> Any:
        """Raises Refused."""
        file = super().to_python(data)
        if file is not None:
            checked(file, file.name or "", self.rules)
        return file

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attributes: dict[str, Any] = super().widget_attrs(widget)
        if isinstance(widget, forms.FileInput) and self.rules.others == "refuse":
            attributes.setdefault("accept", ",".join(self.rules.types))
        return attributes
