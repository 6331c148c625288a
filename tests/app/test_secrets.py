"""No object's repr, no local variable on an error page shows a secret."""

from __future__ import annotations

import base64
import gc
import pprint
import sys
from typing import Any

import pytest

from azureblob.credentials import Secret
from azureblob.signing import Signer
from backend import environment
from tests.app.test_environment import GOOD, KEY
from tests.app.test_identity import (  # noqa: F401
    Certificate,
    Lender,
    certificate,
    lender,
    private_media,
)

PASSWORD = "hunter2-of-the-database"
DATABASE_URL = f"postgres://user:{PASSWORD}@host/site"
OURS = ("azureblob", "backend", "gallery")


def shown(value: Any) -> str:
    """What debugging tools print of an object, and of its attributes."""
    slots = [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
    return "\n".join(
        [repr(value), str(value), pprint.pformat(getattr(value, "__dict__", {})), repr(slots)]
    )


def objects_of_the_app() -> list[Any]:
    return [
        found
        for found in gc.get_objects()
        if isinstance(getattr(type(found), "__module__", None), str)
        and type(found).__module__.partition(".")[0] in OURS
    ]


def test_no_object_of_the_app_shows_a_secret(
    django_site: None,
    lender: Lender,  # noqa: F811
) -> None:
    from django.conf import settings
    from django.core.files.storage import storages
    from django.test import RequestFactory

    from azureblob.account import open_transport
    from azureblob.checks.configuration import entries
    from azureblob.direct.quarantine import site_quarantine
    from azureblob.doctor.site import site
    from azureblob.serving import serving
    from azureblob.staticfiles import StaticBlobStorage
    from azureblob.storage import BlobStorage

    given = base64.b64encode(b"a key that is given in code, once").decode()
    explicit = BlobStorage(azure_container="own", account_key=given)
    static = StaticBlobStorage(azure_container="own", account_key=given)
    configured: Any = storages["default"], storages["staticfiles"]
    blob_storages: list[BlobStorage] = [explicit, configured[0]]
    identity = private_media(lender)
    identity.url("a.txt")
    transport = open_transport(configured[1])
    alive = [
        environment.load({**GOOD, "DATABASE_URL": DATABASE_URL}),
        [(storage, storage.signer) for storage in blob_storages],
        [storage.service_client for storage in blob_storages],
        (static.blobs, configured[1].blobs.client),
        (list(entries()), site(), site_quarantine(), transport),
    ]
    secrets = {
        "the account's key": settings.AZURE_ACCOUNT_KEY,
        "a key of an option": given,
        "the key of the environment": KEY,
        "the database's password": PASSWORD,
        "Django's secret key": settings.SECRET_KEY,
        "the environment's secret key": GOOD["DJANGO_SECRET_KEY"],
        "a lent key": base64.b64encode(lender.secret).decode(),
    }
    found = objects_of_the_app()
    names = {type(one).__name__ for one in found}
    # The test is worth something as long as it meets these.
    assert {
        "Environment", "Signer", "DelegationKeys", "AzureMediaStorage", "AzureStaticStorage",
        "BlobStorage", "StaticBlobStorage", "StorageEntry", "Site", "SharedKey", "Quarantine",
    } <= names  # fmt: skip
    with serving(RequestFactory().get("/")):  # some of them are forms, and str() renders those
        leaks = {
            f"{type(one).__module__}.{type(one).__name__} shows {what}"
            for one in found
            # The database's settings are a dict among Environment's attributes; Django hides those.
            for what, secret in secrets.items()
            if not isinstance(one, Secret)
            and str(secret) in (repr(one) if type(one).__name__ == "Environment" else shown(one))
        }
    assert leaks == set()
    assert alive


def test_the_objects_of_the_sdk_show_no_key_either(django_site: None) -> None:
    from django.conf import settings

    from backend.custom_azure import AzureMediaStorage

    storage = AzureMediaStorage()
    client = storage.service_client
    assert settings.AZURE_ACCOUNT_KEY not in pprint.pformat(
        [client.credential, vars(client.credential), storage._credential(), vars(client)]
    )


def test_a_signer_does_not_show_its_key_whatever_text_it_is() -> None:
    assert KEY not in repr(Signer("someaccount", KEY))


def test_each_secret_of_the_environment_is_left_out_of_its_repr() -> None:
    fields = environment.Environment.model_fields
    hidden = {name for name, field in fields.items() if not field.repr}
    assert hidden == {"account_key", "secret_key", "database"}


def test_a_hidden_text_is_a_text_in_every_other_way() -> None:
    secret = Secret("abc")
    assert (secret, hash(secret), f"{secret}", secret + "d") == ("abc", hash("abc"), "abc", "abcd")
    assert repr(secret) == "'********'"
    assert repr(Secret()) == "''"  # that one is missing is no secret
    assert "abc" not in f"{secret!r} {[secret]} {pprint.pformat({'a': secret})}"


@pytest.mark.parametrize("debug", [True, False])
def test_the_page_of_an_error_while_signing_shows_no_key(
    django_site: None, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    """With DEBUG on Django shows each frame's local variables, whatever they are called."""
    from django.conf import settings
    from django.test import RequestFactory, override_settings
    from django.views.debug import ExceptionReporter

    from backend.custom_azure import AzureMediaStorage

    def broken(*_: object) -> str:
        raise RuntimeError("no signature")

    monkeypatch.setattr("azure.storage.blob._shared_access_signature.sign_string", broken)
    storage = AzureMediaStorage(account_key=base64.b64encode(b"given in code, and wrong").decode())
    with override_settings(DEBUG=debug):
        request = RequestFactory(DATABASE_URL=DATABASE_URL).get("/")
        try:
            storage.url("a.txt", expire=60)
        except RuntimeError:
            reporter = ExceptionReporter(request, *sys.exc_info())
        else:
            pytest.fail("it signed")
        page = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert "generate_blob_sas" in page
    assert storage.account_key not in page
    assert settings.AZURE_ACCOUNT_KEY not in page
    assert settings.SECRET_KEY not in page
    assert PASSWORD not in page
