"""Model fields whose files keep to their rules, however they come in: by a form, the admin, or a
line of code."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.files.base import File
from django.db import models
from django.db.models.fields.files import FieldFile, ImageFieldFile

from azureblob.exceptions import FileRefused
from azureblob.uploads import forms
from azureblob.uploads.filenames import random_name
from azureblob.uploads.inspection import CachedInspection, Inspection, inspect_file
from azureblob.uploads.rules import UploadRules


class CheckedFieldFile(FieldFile):
    """The value of a CheckedFileField. An assigned file is checked before it is stored."""

    _committed: bool
    field: CheckedFileField

    def save(self, name: str, content: File[Any], save: bool = True) -> None:
        """Store under a name that the field generates. Raises FileRefused."""
        inspection = inspect_file(content, name, self.field.rules).inspection
        generated = self.field.generate_filename(self.instance, f"file{inspection.extension}")
        self.name = self.storage.save(generated, content, max_length=self.field.max_length)
        self._committed = True
        stored = self.field.attr_class(self.instance, self.field, self.name)
        stored.remember(inspection)
        setattr(self.instance, self.field.attname, stored)
        if save:
            self.instance.save()

    save.alters_data = True  # type: ignore[attr-defined]  # templates must not call it

    def remember(self, inspection: Inspection) -> None:
        """Take over the findings for the file that has just been stored."""

    def check(self) -> CachedInspection | None:
        """The inspection of a file that is not stored yet. Raises FileRefused."""
        if not self or self._committed:
            return None
        return inspect_file(self.file, self.name or "", self.field.rules)


class CheckedImageFieldFile(CheckedFieldFile, ImageFieldFile):
    field: CheckedImageField

    def remember(self, inspection: Inspection) -> None:
        """Django would download the image to find its dimensions."""
        self._dimensions_cache = (inspection.width, inspection.height)

    def _get_image_dimensions(self) -> tuple[int | None, int | None]:
        """Of a file that is not stored yet, those of its inspection: Django would open it
        unchecked."""
        if self._committed:
            found: tuple[int | None, int | None] = super()._get_image_dimensions()  # type: ignore[misc]
            return found
        try:
            cached = self.check()
        except FileRefused:  # raised again by the model's validation, or when the file is stored
            cached = None
        return (cached.inspection.width, cached.inspection.height) if cached else (None, None)


class CheckedFileField(models.FileField):
    """`rules` can be changed without a migration.

    `upload_to` is a folder, in which names are random, or a callable, which receives the name
    `file` with the extension of the file's real type.
    """

    attr_class = CheckedFieldFile

    def __init__(self, *args: Any, rules: UploadRules | None = None, **options: Any) -> None:
        self.rules = rules or UploadRules()
        super().__init__(*args, **options)

    def generate_filename(self, instance: Any, filename: Any) -> str:
        if callable(self.upload_to):
            return super().generate_filename(instance, filename)
        folder = datetime.datetime.now().strftime(str(self.upload_to))
        return random_name(folder, f".{str(filename).rpartition('.')[2]}")

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """The model's validation. Raises FileRefused."""
        if isinstance(value, CheckedFieldFile):
            value.check()
        return super().clean(value, model_instance)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(
            **{"form_class": forms.CheckedFileField, "rules": self.rules, **options}
        )


class CheckedImageField(CheckedFileField, models.ImageField):
    attr_class = CheckedImageFieldFile
