"""Model fields whose files are what their rules allow, however they come in: by a form, the admin,
or a line of code."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.files.base import File
from django.db import models
from django.db.models.fields.files import FieldFile, ImageFieldFile

from azureblob.uploads import forms
from azureblob.uploads.inspection_cache import Mark
from azureblob.uploads.names import random_name
from azureblob.uploads.refusal import Refused
from azureblob.uploads.rules import UploadRules


class CheckedFile(FieldFile):
    """A field's file. What is assigned is checked before it is stored."""

    _committed: bool
    field: CheckedFileField

    def save(self, name: str, content: File[Any], save: bool = True) -> None:
        """Under a name of the field's making. Raises Refused."""
        known = forms.checked(content, name, self.field.rules)
        made = self.field.generate_filename(self.instance, f"file{known.inspected.extension}")
        self.name = self.storage.save(made, content, max_length=self.field.max_length)
        self._committed = True
        stored = self.field.attr_class(self.instance, self.field, self.name)
        stored.remember(known)
        setattr(self.instance, self.field.attname, stored)
        if save:
            self.instance.save()

    save.alters_data = True  # type: ignore[attr-defined]  # templates must not call it

    def remember(self, known: Mark) -> None:
        """What the check found of the file that is stored now."""

    def check(self) -> Mark | None:
        """What is known of a file that is not stored yet. Raises Refused."""
        if not self or self._committed:
            return None
        return forms.checked(self.file, self.name or "", self.field.rules)


class CheckedImage(CheckedFile, ImageFieldFile):
    field: CheckedImageField

    def remember(self, known: Mark) -> None:
        """Its size: Django would download it to ask."""
        self._dimensions_cache = (known.inspected.width, known.inspected.height)

    def _get_image_dimensions(self) -> tuple[int | None, int | None]:
        """Of a new file what the check found: Django would open it unchecked."""
        if self._committed:
            found: tuple[int | None, int | None] = super()._get_image_dimensions()  # type: ignore[misc]
            return found
        try:
            known = self.check()
        except Refused:  # to be raised by the model's validation, or as the file is stored
            known = None
        return (known.inspected.width, known.inspected.height) if known else (None, None)


class CheckedFileField(models.FileField):
    """`rules` may be changed without a migration.

    `upload_to` is a folder, in which names are random, or a callable that is given the name `file`
    with the ending of the file's real type.
    """

    attr_class = CheckedFile

    def __init__(self, *args: Any, rules: UploadRules | None = None, **options: Any) -> None:
        self.rules = rules or UploadRules()
        super().__init__(*args, **options)

    def generate_filename(self, instance: Any, filename: Any) -> str:
        if callable(self.upload_to):
            return super().generate_filename(instance, filename)
        folder = datetime.datetime.now().strftime(str(self.upload_to))
        return random_name(folder, f".{str(filename).rpartition('.')[2]}")

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """The model's validation. Raises Refused."""
        if isinstance(value, CheckedFile):
            value.check()
        return super().clean(value, model_instance)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(
            **{"form_class": forms.CheckedFileField, "rules": self.rules, **options}
        )


class CheckedImageField(CheckedFileField, models.ImageField):
    attr_class = CheckedImage
