"""manage.py check: each id fires when it should, is silent otherwise, and is in the docs."""

from __future__ import annotations

import contextlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, free_port

STATICFILES = "django.contrib.staticfiles"
OURS = "azureblob.staticfiles.StaticBlobStorage"
DJANGOS = "django.contrib.staticfiles.storage.StaticFilesStorage"
BLOBS = "azureblob.storage.BlobStorage"
KEY = "bm8ga2V5"
ENDPOINT = "https://someaccount.blob.core.windows.net/"
# A project with only this app, as in docs/publishing.md.
GOOD: dict[str, Any] = {
    "AZURE_ACCOUNT_NAME": "someaccount",
    "AZURE_ACCOUNT_KEY": KEY,
    "AZURE_BLOB_ENDPOINT": None,
    "AZURE_CUSTOM_DOMAIN": None,
    "AZURE_AUTH_MODE": "key",
    "STATIC_URL": f"{ENDPOINT}static/",
    "MEDIA_URL": f"{ENDPOINT}media/",
}
IDENTITY: dict[str, Any] = {"AZURE_ACCOUNT_KEY": None, "AZURE_AUTH_MODE": "identity"}

Check = Callable[..., list[Any]]


def storages(
    default: dict[str, Any] | None = None,
    static: dict[str, Any] | None = None,
    backend: str = BLOBS,
    static_backend: str = OURS,
) -> dict[str, Any]:
    own = backend == BLOBS
    return {
        "default": {
            "BACKEND": backend,
            "OPTIONS": {**({"azure_container": "media"} if own else {}), **(default or {})},
        },
        "staticfiles": {"BACKEND": static_backend, "OPTIONS": static or {}},
    }


@pytest.fixture
def check(django_site: None) -> Check:
    """The messages of the library about a good project with these changes."""
    from django.core.checks import run_checks
    from django.test import override_settings

    def run(*, deploy: bool = False, **changed: Any) -> list[Any]:
        with override_settings(**{**GOOD, "STORAGES": storages(), **changed}):
            found = run_checks(include_deployment_checks=deploy)
        return [message for message in found if str(message.id).startswith("azureblob.")]

    return run


def test_a_good_project_gets_no_message(check: Check) -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("order", "backend", "expected"),
    [
        (["azureblob", STATICFILES], OURS, []),
        ([STATICFILES, "azureblob"], OURS, ["azureblob.E001"]),
        ([STATICFILES, "azureblob"], "backend.custom_azure.AzureStaticStorage", ["azureblob.E001"]),
        ([STATICFILES, "azureblob"], DJANGOS, []),
        (["azureblob"], OURS, []),
        ([STATICFILES, "azureblob"], "nowhere.Storage", []),
    ],
)
def test_the_order_of_the_apps_is_checked(
    django_site: None, order: list[str], backend: str, expected: list[str]
) -> None:
    from django.test import override_settings

    from azureblob.checks import commands_are_ours

    storages: dict[str, Any] = {"staticfiles": {"BACKEND": backend}}
    with override_settings(INSTALLED_APPS=order, STORAGES=storages):
        assert [message.id for message in commands_are_ours(None)] == expected


def test_collectstatic_stops_at_it(django_site: None) -> None:
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError
    from django.test import override_settings

    with (
        override_settings(INSTALLED_APPS=[STATICFILES, "azureblob"]),
        pytest.raises(SystemCheckError, match="comes after"),
    ):
        call_command("collectstatic", interactive=False, skip_checks=False)


# Id, settings that it fires for, part of the hint, and similar settings that are right.
FIRES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "E014",
        {"MIDDLEWARE": [], "STORAGES": storages({"signed": True})},
        "azureblob.middleware.BlobMiddleware",
        {
            "MIDDLEWARE": ["azureblob.middleware.BlobMiddleware"],
            "STORAGES": storages({"signed": True}),
        },
    ),
    (
        "E017",
        {"AZUREBLOB_ADVICE": "backend.advice.Missing"},
        "remove AZUREBLOB_ADVICE",
        {"AZUREBLOB_ADVICE": "backend.advice.StackAdvice"},
    ),
    (
        "E002",
        {"STORAGES": storages({"expiration_secs": 600})},
        "STORAGES['default']['OPTIONS']",
        {"STORAGES": storages({"signed": True, "signed_seconds": 600})},
    ),
    (
        "E003",
        {"AZURE_ACCOUNT_NAME": None, "AZURE_BLOB_ENDPOINT": ENDPOINT},
        "Set AZURE_ACCOUNT_NAME",
        {"AZURE_BLOB_ENDPOINT": ENDPOINT},
    ),
    ("E004", {"AZURE_ACCOUNT_KEY": ""}, "AZURE_AUTH_MODE = 'identity'", IDENTITY),
    (
        "E005",
        {"AZURE_AUTH_MODE": "identity"},
        "Remove AZURE_ACCOUNT_KEY",
        {"AZURE_AUTH_MODE": "key"},
    ),
    (
        "E006",
        {
            **IDENTITY,
            "AZURE_BLOB_ENDPOINT": "http://127.0.0.1:1/a/",
            "AZURE_CUSTOM_DOMAIN": "someaccount.blob.core.windows.net",
        },
        "https address",
        {
            "AZURE_BLOB_ENDPOINT": "http://127.0.0.1:1/a/",
            "STATIC_URL": "http://127.0.0.1:1/a/static/",
            "MEDIA_URL": "http://127.0.0.1:1/a/media/",
        },
    ),
    (
        "E007",
        {"STORAGES": storages({"signed": True, "signed_seconds": 3 * 24 * 3600 + 1})},
        "from 1 to 259200",
        {"STORAGES": storages({"signed": True, "signed_seconds": "259200"})},
    ),
    (
        "E008",
        {"AZURE_ACCOUNT_KEY": "[secret]"},
        "--show-secrets",
        {"AZURE_ACCOUNT_KEY": KEY},
    ),
    (
        "E009",
        {"AZURE_QUARANTINE_CONTAINER": "media"},
        "a container of its own",
        {"AZURE_QUARANTINE_CONTAINER": "waiting"},
    ),
    (
        "E013",
        {"AZURE_REQUEST_SECONDS": "soon"},
        "AZURE_REQUEST_SECONDS = 8",
        {"AZURE_REQUEST_SECONDS": "2.5"},
    ),
    (
        "E013",
        {"AZURE_WAITING_REQUESTS": 0},
        "AZURE_WAITING_REQUESTS = 3",
        {"AZURE_WAITING_REQUESTS": "7"},
    ),
    (
        "W001",
        {"DEFAULT_FILE_STORAGE": BLOBS},
        "STORAGES = {'default': {'BACKEND': 'azureblob.storage.BlobStorage'}",
        {},
    ),
    ("W002", {"AZURE_LOCATION": "westeurope"}, "['OPTIONS']['location']", {"AZURE_LOCATION": ""}),
    (
        "W003",
        {"AZURE_URL_EXPIRATION_SECS": 600},
        "signed=True and signed_seconds",
        {"AZURE_OVERWRITE_FILES": False},
    ),
    (
        "W010",
        {"QUARANTINE_LOCATION": "quarantine"},
        "Remove it",
        {"AZURE_QUARANTINE_CONTAINER": "waiting"},
    ),
    (
        "W011",
        {"AZURE_CONTAINER": "files", "AZURE_MEDIA_CONTAINER": "media"},
        "Remove AZURE_CONTAINER",
        {"AZURE_CONTAINER": "media", "AZURE_MEDIA_CONTAINER": "media"},
    ),
    (
        "W004",
        {"STATIC_URL": "/static/"},
        f"Set STATIC_URL = '{ENDPOINT}static/'",
        {"STATIC_URL": "https://cdn.example.com/static/", "AZURE_CUSTOM_DOMAIN": "cdn.example.com"}
        | {"MEDIA_URL": "https://cdn.example.com/media/"},
    ),
    (
        "W005",
        {"STORAGES": storages(backend="django.core.files.storage.FileSystemStorage")},
        "STORAGES['default'] =",
        {
            "MEDIA_URL": "/media/",
            "STORAGES": storages(backend="django.core.files.storage.FileSystemStorage"),
        },
    ),
    (
        "W006",
        {"MEDIA_URL": f"{ENDPOINT}uploads/"},
        f"Set MEDIA_URL = '{ENDPOINT}media/'",
        {"MEDIA_URL": ""},
    ),
]


@pytest.mark.parametrize(("number", "settings", "hint", "right"), FIRES)
def test_each_check_fires_and_says_what_to_type_and_is_silent_where_all_is_right(
    check: Check, number: str, settings: dict[str, Any], hint: str, right: dict[str, Any]
) -> None:
    found = check(**settings)
    assert {message.id for message in found} == {f"azureblob.{number}"}
    assert hint in found[0].hint
    assert KEY not in str(found)
    assert check(**right) == []


def test_a_setting_of_both_storages_is_reported_once(check: Check) -> None:
    assert len(check(AZURE_AUTH_MODE="identity")) == 1


@pytest.mark.parametrize("seconds", ["600", 1, "1"])
def test_seconds_may_be_text(check: Check, seconds: Any) -> None:
    assert check(STORAGES=storages({"signed_seconds": seconds})) == []


@pytest.mark.parametrize("seconds", ["an hour", 0, -1, True, 1.5, "9" * 50, None])
def test_invalid_seconds_are_refused(check: Check, seconds: Any) -> None:
    found = check(STORAGES=storages({"signed_seconds": seconds}))
    assert [message.id for message in found] == ["azureblob.E007"]


def test_static_files_and_uploads_in_one_container_are_refused(check: Check) -> None:
    found = check(STORAGES=storages({"azure_container": "static"}), MEDIA_URL="")
    assert [message.id for message in found] == ["azureblob.E009"]


def test_a_storage_created_by_a_function_is_not_checked(check: Check) -> None:
    assert check(STORAGES=storages(static_backend="operator.add")) == []


def test_without_a_storage_of_the_library_the_account_is_not_checked(check: Check) -> None:
    plain = storages(backend="django.core.files.storage.FileSystemStorage", static_backend=DJANGOS)
    settings = {"AZURE_ACCOUNT_NAME": None, "AZURE_LOCATION": "x", "MEDIA_URL": "/media/"}
    assert check(STORAGES=plain, **settings) == []


def test_settings_are_not_called_ignored_if_django_storages_reads_them(check: Check) -> None:
    ignored = {"AZURE_LOCATION": "folder", "AZURE_SSL": False}
    assert {message.id for message in check(**ignored)} == {"azureblob.W002", "azureblob.W003"}
    theirs = {"BACKEND": "storages.backends.azure_storage.AzureStorage"}
    assert check(**ignored, STORAGES={**storages(), "other": theirs}) == []


def test_options_of_a_class_are_seen_without_creating_the_storage_twice(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a subclass sets them: an attribute comes before the setting."""
    from azureblob.storage import BlobStorage

    created: list[BlobStorage] = []

    class Own(BlobStorage):
        azure_container = "static"

        def __init__(self, **given: Any) -> None:
            created.append(self)
            super().__init__(**given)

    monkeypatch.setattr("backend.custom_azure.Own", Own, raising=False)
    found = check(STORAGES=storages(backend="backend.custom_azure.Own"), MEDIA_URL="")
    assert [message.id for message in found] == ["azureblob.E009"]
    assert len(created) == 1


def test_an_unknown_option_is_reported_with_its_storage(check: Check) -> None:
    [found] = check(STORAGES=storages({"azure_containr": "media"}), MEDIA_URL="")
    assert found.id == "azureblob.E002"
    assert "STORAGES['default'] is refused: Invalid setting 'azure_containr'" in found.msg


def test_collectstatic_reports_stale_settings_as_well(django_site: None) -> None:
    from django.core.checks import Tags, run_checks
    from django.test import override_settings

    with override_settings(STATICFILES_STORAGE=OURS):
        found = run_checks(tags=[Tags.staticfiles])
    assert [message.id for message in found] == ["azureblob.W001"]


# --- With --deploy --------------------------------------------------------------------------------


def test_unchecked_content_types_are_reported_before_a_deployment(check: Check) -> None:
    dead = {"AZURE_BLOB_ENDPOINT": f"http://127.0.0.1:{free_port()}/a/", "MEDIA_URL": ""}
    dead["STATIC_URL"] = f"{dead['AZURE_BLOB_ENDPOINT']}static/"
    unchecked = storages({"check_content": False})
    found = check(deploy=True, **dead, STORAGES=unchecked)
    assert [message.id for message in found] == ["azureblob.W007"]
    assert "STORAGES['default']" in found[0].msg
    assert check(deploy=True, **dead) == []
    assert check(**dead, STORAGES=unchecked) == []
    [setting] = check(deploy=True, **dead, AZURE_CHECK_CONTENT=False)
    assert setting.id == "azureblob.W007"


DEAD = "http://127.0.0.1:9/a/"
PRIVATE = {
    "AZURE_MEDIA_ACCESS": "private",
    "AZURE_BLOB_ENDPOINT": DEAD,
    "STATIC_URL": f"{DEAD}static/",
    "MEDIA_URL": f"{DEAD}media/",
}


def test_a_second_storage_with_unsigned_urls_of_private_uploads_is_reported(check: Check) -> None:
    assert check(deploy=True, **PRIVATE) == []
    other = {"BACKEND": BLOBS, "OPTIONS": {"azure_container": "media", "signed": False}}
    [found] = check(deploy=True, **PRIVATE, STORAGES={**storages(), "other": other})
    assert found.id == "azureblob.W009"
    assert "STORAGES['other']" in found.msg
    # Also if the option of the default storage, and no setting, makes uploads private.
    public = {**PRIVATE, "AZURE_MEDIA_ACCESS": "public"}
    [found] = check(deploy=True, **public, STORAGES={**storages({"signed": True}), "other": other})
    assert found.id == "azureblob.W009"


def test_a_storage_that_an_app_created_itself_is_reported(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As django-filer does: in its own module, and as the storage of a field."""
    import gallery.models
    from azureblob.storage import BlobStorage

    def made() -> Any:
        return BlobStorage(azure_container="own", check_content=False, signed=False)

    monkeypatch.setattr("gallery.uploads.thumbnails", made(), raising=False)
    field = gallery.models.Picture._meta.get_field("image")
    monkeypatch.setattr(field, "storage", made())
    found = {
        (message.id, message.msg.partition(" stores")[0])
        for message in check(deploy=True, **PRIVATE)
    }
    assert ("azureblob.W007", "gallery.uploads.thumbnails") in found
    assert ("azureblob.W007", "The storage of the field gallery.Picture.image") in found
    assert len([1 for number, _ in found if number == "azureblob.W009"]) == 2


def test_looking_for_storages_evaluates_no_lazy_object(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.utils.functional import SimpleLazyObject

    lazy = SimpleLazyObject(lambda: pytest.fail("it was made"))
    monkeypatch.setattr("gallery.uploads.lazy", lazy, raising=False)
    assert check(deploy=True, **PRIVATE) == []


@pytest.fixture
def containers(azure_env: dict[str, str], django_site: None) -> Any:
    """The stack's account with one more container, `closed`; media are public there."""
    from azure.core.exceptions import ResourceExistsError

    from backend.custom_azure import AzureMediaStorage

    with AzureMediaStorage().service(retries=0, connect=5, read=5) as service:
        with contextlib.suppress(ResourceExistsError):
            service.create_container("closed")
        yield service


@pytest.mark.parametrize(
    ("settings", "expected", "command"),
    [
        ({}, [], ""),
        ({"AZURE_MEDIA_ACCESS": "private", "MEDIA_LOCATION": "closed"}, [], ""),
        (
            {"AZURE_MEDIA_ACCESS": "private"},
            ["azureblob.E010"],
            "pulumi config set mediaAccess private",
        ),
        ({"MEDIA_LOCATION": "closed"}, ["azureblob.E011"], "pulumi config set mediaAccess public"),
        (
            {"AZURE_QUARANTINE_CONTAINER": "static"},
            ["azureblob.E012"],
            "--name static --public-access off",
        ),
        ({"MEDIA_LOCATION": "not-there"}, [], ""),
        ({"AZURE_ACCOUNT_KEY": "d3Jvbmcta2V5"}, [], ""),
    ],
)
def test_the_access_levels_are_checked_before_a_deployment(
    containers: Any, settings: dict[str, Any], expected: list[str], command: str
) -> None:
    from django.test import override_settings

    from azureblob.checks import access_levels_match

    both = {
        "default": {"BACKEND": "backend.custom_azure.AzureMediaStorage"},
        "staticfiles": {"BACKEND": "backend.custom_azure.AzureStaticStorage"},
    }
    with override_settings(STORAGES=both, **settings):
        found = access_levels_match(None)
    assert [message.id for message in found] == expected
    assert not found or command in str(found[0].hint)


def test_no_request_is_sent_without_deploy(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is registered for deployments only."""

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("it asked")

    monkeypatch.setattr("azureblob.checks.deployment._level", fail)
    assert check() == []
    with pytest.raises(AssertionError):
        check(deploy=True)


def test_missing_middleware_is_reported_before_a_deployment(
    check: Check,
) -> None:
    from django.test import override_settings

    from azureblob.checks import requests_are_bounded

    lacking = {"MIDDLEWARE": ["django.middleware.security.SecurityMiddleware"]}
    assert "azureblob.W008" not in {message.id for message in check(**lacking)}
    assert requests_are_bounded(None) == []
    with override_settings(**lacking):
        [found] = requests_are_bounded(None)
    assert found.id == "azureblob.W008"
    assert "azureblob.health.HealthMiddleware and azureblob.middleware.BlobMiddleware" in found.msg
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    with override_settings(**lacking, STORAGES={"default": files, "staticfiles": files}):
        assert requests_are_bounded(None) == []


@pytest.mark.parametrize(
    ("module", "settings", "id", "extra"),
    [
        ("azure.identity", {"AZURE_AUTH_MODE": "identity"}, "E015", "identity"),
        ("PIL", {"STORAGES": storages({})}, "E016", "uploads"),
        ("filetype", {"STORAGES": storages({})}, "E016", "uploads"),
    ],
)
def test_a_missing_extra_is_named(
    check: Check,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    settings: dict[str, Any],
    id: str,
    extra: str,
) -> None:
    from azureblob import extras

    assert f"azureblob.{id}" not in {message.id for message in check(**settings)}
    find = importlib.util.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == module else find(name))
    [found] = [message for message in check(**settings) if message.id == f"azureblob.{id}"]
    assert f"pip install 'django-azure-blob[{extra}]'" in str(found.hint)


# --- The docs -------------------------------------------------------------------------------------


def test_the_docs_list_every_id_of_the_code_and_no_other() -> None:
    code = "".join(
        path.read_text() for path in (ROOT / "src" / "azureblob" / "checks").glob("*.py")
    )
    ids = set(re.findall(r"azureblob\.([EW]\d{3})", code))
    rows = re.findall(r"^\| `azureblob\.([EW]\d{3})` \|", _page(), re.M)
    assert len(rows) == len(set(rows))
    assert set(rows) == ids
    deploying = {"E010", "E011", "E012", "W007", "W008", "W009"}
    assert {number for number, *_ in FIRES} | {"E001", "E015", "E016"} | deploying == ids


def _page() -> str:
    return Path(ROOT / "docs" / "checks.md").read_text()
