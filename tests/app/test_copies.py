"""Storages that are copied and pickled: with a new connection, and without the account's key."""

from __future__ import annotations

import base64
import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile

from azureblob.staticfiles import StaticBlobStorage
from azureblob.storage import BlobStorage
from tests.app.conftest import site_environment
from tests.app.contract.conftest import media_storage, read, static_storage
from tests.app.test_identity import Credential

OTHER_KEY = base64.b64encode(b"a key that was given in code").decode()
KINDS = [BlobStorage, StaticBlobStorage]


def container_of(storage: Any) -> Any:
    return storage.client if isinstance(storage, BlobStorage) else storage.blobs.client


def pickled(storage: Any) -> Any:
    return pickle.loads(pickle.dumps(storage))  # noqa: S301


WAYS = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("again", WAYS)
@pytest.mark.parametrize("make", [media_storage, static_storage])
def test_a_copy_reads_and_writes_by_a_connection_of_its_own(
    django_site: None, make: Any, again: Any
) -> None:
    storage = make()
    storage.save("a.txt", ContentFile(b"one"))
    other = again(storage)
    assert type(other) is type(storage)
    assert other is not storage
    assert other.deconstruct() == storage.deconstruct()
    assert other.url("a.txt") == storage.url("a.txt")
    assert read(other, "a.txt") == b"one"
    assert read(storage, other.save("b.txt", ContentFile(b"two"))) == b"two"
    assert container_of(other) is not container_of(storage)


@pytest.mark.parametrize("again", WAYS)
def test_the_options_of_a_storage_are_those_of_its_copy(django_site: None, again: Any) -> None:
    options = {"signed": True, "signed_seconds": "60", "location": "folder", "check_content": True}
    other = again(media_storage(**options))
    assert (other.signed, other.signed_seconds, other.location, other.check_content) == (
        (True, 60, "folder", True)
    )


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("make", [media_storage, static_storage])
def test_the_key_of_the_settings_is_not_in_a_pickle(
    django_site: None, make: Any, protocol: int
) -> None:
    from django.conf import settings

    storage = make()
    storage.exists("a.txt")
    assert settings.AZURE_ACCOUNT_KEY.encode() not in pickle.dumps(storage, protocol)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_code_gave_is_copied_and_not_pickled(django_site: None, kind: Any) -> None:
    storage = kind(azure_container="own", account_key=OTHER_KEY)
    assert copy.copy(storage).account_key == OTHER_KEY
    assert copy.deepcopy(storage).account_key == OTHER_KEY
    with pytest.raises(pickle.PicklingError, match="account_key in code") as refused:
        pickle.dumps(storage)
    assert OTHER_KEY not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_an_identity_is_shared_by_copies_and_not_pickled(django_site: None, kind: Any) -> None:
    identity = Credential()
    storage = kind(
        azure_container="own",
        account_key=None,
        blob_endpoint="https://x.example.com/",
        token_credential=identity,
    )
    assert copy.deepcopy(storage).token_credential is identity
    with pytest.raises(pickle.PicklingError, match="token_credential in code"):
        pickle.dumps(storage)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_in_storages_is_read_from_there_again(django_site: None, kind: Any) -> None:
    from django.conf import settings
    from django.core.files.storage import StorageHandler
    from django.test import override_settings

    def entry(**options: Any) -> dict[str, Any]:
        return {"BACKEND": f"{kind.__module__}.{kind.__qualname__}", "OPTIONS": options}

    stock = settings.STORAGES
    second = base64.b64encode(b"the second key of the account").decode()
    with override_settings(
        STORAGES={
            **stock,
            "wrong": entry(azure_container="own"),
            "other": entry(azure_container="own", account_key=OTHER_KEY),
            "missing": {"BACKEND": "no.such.Storage"},
        }
    ):
        handler: Any = StorageHandler(settings.STORAGES)  # type: ignore[arg-type]
        text = pickle.dumps(handler["other"])
        assert OTHER_KEY.encode() not in text
        assert pickle.loads(text).account_key == OTHER_KEY  # noqa: S301
    with override_settings(
        STORAGES={**stock, "other": entry(azure_container="own", account_key=second)}
    ):
        assert pickle.loads(text).account_key == second  # noqa: S301
    with pytest.raises(ImproperlyConfigured, match=r"STORAGES\['other'\]"):
        pickle.loads(text)  # noqa: S301


def test_a_row_with_a_file_is_deep_copied_and_pickled(django_site: None) -> None:
    from gallery.models import Picture

    picture = Picture(image="pictures/a.png", width=1, height=1)
    for again in (copy.deepcopy(picture), pickled(picture)):
        assert again.image.url == picture.image.url
        assert again.image.storage.url("x") == picture.image.storage.url("x")
    file = pickled(picture.image)  # a FieldFile alone
    assert file.url == picture.image.url
    field = copy.deepcopy(Picture._meta.get_field("image"))
    assert field.storage.url("x") == picture.image.storage.url("x")


def test_djangos_lazy_default_storage_is_pickled(django_site: None) -> None:
    from django.core.files.storage import default_storage

    assert pickled(default_storage).url("x") == default_storage.url("x")


def set_up() -> None:
    import django

    django.setup()


def size_of(storage: Any, name: str) -> int:
    return int(storage.size(name))


def url_of(file: Any) -> str:
    return str(file.url)


def test_processes_of_a_pool_use_a_storage_that_was_sent_to_them(
    django_site: None,
    azure_env: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gallery.models import Picture

    for name, value in site_environment(azure_env, tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "backend.settings")
    file = Picture(image="pictures/a.png", width=1, height=1).image
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned, initializer=set_up) as pool:
        for storage in (media_storage(), static_storage()):
            storage.save("a.txt", ContentFile(b"three"))
            assert pool.submit(size_of, storage, "a.txt").result(timeout=60) == 5
        assert pool.submit(url_of, file).result(timeout=60) == file.url
