"""An account with containers of every access level, and the doctor run against it."""

from __future__ import annotations

import io
import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient, CorsRule, PublicAccess

from localazure.azurite import Azurite
from tests.app.conftest import django_site  # noqa: F401  # for the fixtures below
from tests.conftest import free_port

ACCOUNT = "examined"
PAGES = "https://www.example.com"
READS = "https://reads.example.com"
NARROW = "https://narrow.example.com"
# All containers of the account; the names describe their level or their flaw.
LEVELS: dict[str, PublicAccess | None] = {
    "static": PublicAccess.BLOB,
    "listed": PublicAccess.CONTAINER,
    "closed": None,
    "media": PublicAccess.BLOB,
    "private": None,
    "quarantine": None,
    "open": PublicAccess.BLOB,
    "unpublished": PublicAccess.BLOB,
    "garbled": PublicAccess.BLOB,
    "holes": PublicAccess.BLOB,
}


@dataclass(frozen=True)
class Account:
    port: int
    key: str

    @property
    def endpoint(self) -> str:
        return self.through(self.port)

    def through(self, port: int) -> str:
        return f"http://127.0.0.1:{port}/{ACCOUNT}/"

    def client(self) -> BlobServiceClient:
        credential = AzureNamedKeyCredential(ACCOUNT, self.key)
        return BlobServiceClient(self.endpoint.rstrip("/"), credential=credential)

    def left_in_quarantine(self, container: str = "quarantine") -> list[str]:
        with self.client() as service:
            return list(service.get_container_client(container).list_blob_names())


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    key = b64encode(secrets.token_bytes(64)).decode()
    azurite = Azurite(tmp_path_factory.mktemp("doctor"), free_port())
    azurite.serve_accounts({ACCOUNT: (key,)})
    azurite.start()
    made = Account(azurite.port, key)
    _fill(made)
    yield made
    azurite.stop()


def _fill(account: Account) -> None:
    with account.client() as service:
        for name, level in LEVELS.items():
            service.create_container(name, public_access=level)
        manifest = {"version": "1.1", "paths": {"a.css": "a.0a1b2c3d4e5f.css"}}
        for name in ("static", "listed", "closed", "holes"):
            service.get_blob_client(name, "staticfiles.json").upload_blob(json.dumps(manifest))
            if name != "holes":
                service.get_blob_client(name, "a.0a1b2c3d4e5f.css").upload_blob(b"a {}")
        service.get_blob_client("garbled", "staticfiles.json").upload_blob(b'{"paths": 7}')
        service.set_service_properties(
            cors=[
                CorsRule([PAGES, READS], ["GET", "HEAD"], allowed_headers=["*"]),
                CorsRule([PAGES], ["PUT"], allowed_headers=["content-type", "x-ms-*"]),
                CorsRule([NARROW], ["GET", "PUT"], allowed_headers=["content-type"]),
            ]
        )


@dataclass(frozen=True)
class Examined:
    code: int
    findings: list[dict[str, Any]]
    text: str

    def __getitem__(self, name: str) -> dict[str, Any]:
        """The only finding of this id, or of `id origin`."""
        (found,) = (
            f for f in self.findings if name in {f["id"], f"{f['id']} {f['subject']}".strip()}
        )
        return found

    def state(self, name: str) -> str:
        return str(self[name]["state"])

    @property
    def failed(self) -> list[str]:
        return [f["id"] for f in self.findings if f["state"] == "fail"]


Examine = Callable[..., Examined]


@pytest.fixture
def examine(django_site: None, account: Account) -> Examine:  # noqa: F811
    """Run the command with the settings of a healthy site, changed by the arguments."""
    from django.core.management import call_command
    from django.test import override_settings

    def run(*flags: str, **changed: Any) -> Examined:
        settings = site_settings(account, **changed)
        out = io.StringIO()
        code = 0
        with override_settings(**settings):
            try:
                call_command("doctor", "--json", *flags, stdout=out)
            except SystemExit as end:
                code = int(end.code or 0)
        text = out.getvalue()
        key = settings["AZURE_ACCOUNT_KEY"]
        assert not key or key not in text
        assert "sig=" not in text
        return Examined(code, json.loads(text)["findings"], text)

    return run


def site_settings(account: Account, **changed: Any) -> dict[str, Any]:
    """`static`, `media` and `quarantine` name containers; `endpoint` is the account's."""
    endpoint = changed.pop("endpoint", account.endpoint)
    static = changed.pop("static", "static")
    media = changed.pop("media", "media")
    access = changed.get("AZURE_MEDIA_ACCESS", "public")
    domain = changed.get("AZURE_CUSTOM_DOMAIN") or endpoint.partition("://")[2].rstrip("/")
    scheme = endpoint.partition("://")[0]
    front = f"{scheme}://{domain}/"
    return {
        "AZURE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_ACCOUNT_KEY": account.key,
        "AZURE_BLOB_ENDPOINT": endpoint,
        "AZURE_CUSTOM_DOMAIN": domain,
        "AZURE_MEDIA_ACCESS": access,
        "AZURE_DIRECT_UPLOAD": True,
        "STATIC_LOCATION": static,
        "MEDIA_LOCATION": media,
        "AZURE_QUARANTINE_CONTAINER": changed.pop("quarantine", "quarantine"),
        "STATIC_URL": f"{front}{static}/",
        "MEDIA_URL": f"{front if access == 'public' else endpoint}{media}/",
        "CSRF_TRUSTED_ORIGINS": [PAGES],
        "ALLOWED_HOSTS": [],
        "STORAGES": {
            "default": {"BACKEND": "backend.custom_azure.AzureMediaStorage"},
            "staticfiles": {"BACKEND": "backend.custom_azure.AzureStaticStorage"},
        },
        **changed,
    }
