"""A storage that a file field has of its own, in a migration."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import MigrationWriter

from azureblob.staticfiles import StaticBlobStorage
from azureblob.storage import BlobStorage

SECRET = "c2VjcmV0IG9mIHRoZSBhY2NvdW50"
KINDS = [(BlobStorage, {"signed": True}), (StaticBlobStorage, {"gzip": False})]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_storage_is_written_and_made_again(
    django_site: None, kind: Any, options: dict[str, Any]
) -> None:
    storage = kind(azure_container="own", **options)
    text, imports = MigrationWriter.serialize(storage)
    names: dict[str, Any] = {}
    exec("\n".join(imports), names)  # noqa: S102 - as a migration is
    again = eval(text, names)  # noqa: S307
    assert type(again) is kind
    assert again.deconstruct() == storage.deconstruct()
    assert again.azure_container == "own"


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_the_same_storage_is_no_change_and_another_is_one(
    django_site: None, kind: Any, options: dict[str, Any]
) -> None:
    detector = MigrationAutodetector(ProjectState(), ProjectState())
    one, same, other = (
        detector.deep_deconstruct(kind(azure_container=name, **options))
        for name in ("own", "own", "other")
    )
    assert one == same != other


@pytest.mark.parametrize("kind", [BlobStorage, StaticBlobStorage])
def test_a_key_is_not_written_into_a_migration(django_site: None, kind: Any) -> None:
    storage = kind(azure_container="own", account_key=SECRET)
    with pytest.raises(ImproperlyConfigured, match="Pass the field a function") as refused:
        MigrationWriter.serialize(storage)
    assert "account_key" in str(refused.value)
    assert SECRET not in str(refused.value)
