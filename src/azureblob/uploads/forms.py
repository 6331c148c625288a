"""A form field for files that are checked against rules."""

from __future__ import annotations

from typing import Any

from django import forms

from azureblob.uploads.inspection import inspect_file
from azureblob.uploads.rules import UploadRules


class CheckedFileField(forms.FileField):
    """`inspection.cached_inspection(file)` of the cleaned file has its type, its size in pixels and
    its original name."""

    def __init__(self, *, rules: UploadRules | None = None, **options: Any) -> None:
        self.rules = rules or UploadRules()
        # The rules limit the original name. The model's max_length is for the blob's name, which
        # is generated; an empty file is refused by the rules.
        super().__init__(**{**options, "max_length": None, "allow_empty_file": True})

    def to_python(self, data: Any) -> Any:
        """Raises FileRefused."""
        file = super().to_python(data)
        if file is not None:
            inspect_file(file, file.name or "", self.rules)
        return file

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attributes: dict[str, Any] = super().widget_attrs(widget)
        if isinstance(widget, forms.FileInput) and self.rules.others == "refuse":
            attributes.setdefault("accept", ",".join(self.rules.types))
        return attributes
