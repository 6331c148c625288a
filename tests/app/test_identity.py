"""Signing in as an identity: half-configured sites, tokens against a real service, lent keys.

Azurite takes tokens over TLS, so reading and writing are real. It lends no delegation keys: these
are tested at the request, against a small service of our own, and at the signature.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import logging
import os
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from azureblob.delegation import EARLY_SECONDS, LIFETIME_SECONDS, DelegationKeys
from backend import environment
from localazure.azurite import MAIN, find_node
from tests.app.test_environment import GOOD, KEY, problem_of
from tests.conftest import free_port

IDENTITY: dict[str, str | None] = {"AZURE_ACCOUNT_KEY": None, "AZURE_AUTH_MODE": "identity"}
ACCOUNT = "identityaccount"


# --- The environment ------------------------------------------------------------------------------


def test_a_site_with_an_identity_needs_no_key() -> None:
    variables = {k: v for k, v in {**GOOD, **IDENTITY}.items() if v is not None}
    env = environment.load(variables)
    assert (env.auth_mode, env.account_key) == ("identity", "")


def test_a_key_beside_an_identity_is_refused_and_not_shown() -> None:
    said = problem_of(AZURE_AUTH_MODE="identity")
    assert "AZURE_ACCOUNT_KEY is set although AZURE_AUTH_MODE is identity" in said
    assert KEY not in said


def test_neither_key_nor_identity_is_refused_with_both_ways_out() -> None:
    said = problem_of(AZURE_ACCOUNT_KEY=None)
    assert "AZURE_ACCOUNT_KEY is missing." in said
    assert "Set AZURE_ACCOUNT_KEY, or AZURE_AUTH_MODE=identity" in said


def test_a_token_never_goes_over_plain_http() -> None:
    said = problem_of(**IDENTITY, AZURE_BLOB_ENDPOINT="http://127.0.0.1:10000/a/")
    assert "needs https" in said


def test_an_unknown_way_to_sign_in_is_refused() -> None:
    assert "AZURE_AUTH_MODE is 'msi'; it has to be: key or identity" in problem_of(
        AZURE_AUTH_MODE="msi"
    )


def test_everything_half_configured_is_told_at_once() -> None:
    said = problem_of(
        AZURE_AUTH_MODE="identity", AZURE_BLOB_ENDPOINT="http://a/", AZURE_MEDIA_ACCESS="open"
    )
    for part in ("AZURE_ACCOUNT_KEY is set", "needs https", "AZURE_MEDIA_ACCESS"):
        assert part in said


def test_the_package_that_signs_in_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install -r app/requirements.txt" in problem_of(**IDENTITY)


def test_a_storage_with_both_is_refused(django_site: None) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from backend.custom_azure import AzureMediaStorage

    with pytest.raises(ImproperlyConfigured, match="account key and an identity"):
        AzureMediaStorage(auth_mode="identity")
    with pytest.raises(ImproperlyConfigured, match="account key and an identity"):
        AzureMediaStorage(token_credential=Credential())


def test_a_url_that_would_outlive_every_key_is_refused(django_site: None) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from backend.custom_azure import AzureMediaStorage

    with pytest.raises(ImproperlyConfigured, match="signed_seconds is 345600"):
        AzureMediaStorage(signed_seconds=4 * 24 * 3600)


# --- A service that takes tokens ------------------------------------------------------------------


class Credential:
    """A token with the claims that Azurite looks at; signed by nobody."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        assert scopes == ("https://storage.azure.com/.default",)
        now = int(time.time())
        claims = {
            "aud": "https://storage.azure.com",
            "iss": "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 3600,
        }
        parts = [{"alg": "none", "typ": "JWT"}, claims]
        body = ".".join(_url64(json.dumps(part).encode()) for part in parts)
        return AccessToken(f"{body}.{_url64(b'unsigned')}", now + 3600)


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Certificate:
    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certificate]:
    """A certificate for 127.0.0.1 that this process trusts."""
    import ipaddress

    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = Certificate(folder / "cert.pem", folder / "key.pem")
    files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(files.certificate))
        yield files


@pytest.fixture(scope="module")
def token_service(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An Azurite over TLS that takes tokens; its blob endpoint."""
    port, folder = free_port(), tmp_path_factory.mktemp("oauth")
    log = (folder / "log").open("wb")
    key = base64.b64encode(os.urandom(32)).decode()
    tls = ["--cert", str(certificate.certificate), "--key", str(certificate.key)]
    where = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    options = ["--oauth", "basic", "--skipApiVersionCheck", "--disableTelemetry"]
    process = subprocess.Popen(
        [find_node(), str(MAIN), *where, *tls, *options],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
    )
    try:
        _wait_for(port, process)
        yield f"https://127.0.0.1:{port}/{ACCOUNT}/"
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(200):
        assert process.poll() is None
        try:
            urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=context, timeout=2)
        except urllib.error.HTTPError as answer:
            answer.close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("it does not answer")


def test_an_identity_stores_reads_and_deletes(django_site: None, token_service: str) -> None:
    from django.core.files.base import ContentFile

    from backend.custom_azure import AzureMediaStorage

    storage = AzureMediaStorage(
        account_name=ACCOUNT,
        account_key=None,
        blob_endpoint=token_service,
        token_credential=Credential(),
    )
    storage.client.create_container()
    name = storage.save("by-identity.txt", ContentFile(b"no key in sight"))
    with storage.open(name) as file:
        assert file.read() == b"no key in sight"
    assert storage.listdir("")[1] == [name]
    storage.delete(name)
    assert not storage.exists(name)


def test_an_identity_publishes_static_files(
    django_site: None, token_service: str, tmp_path: Path
) -> None:
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.management import call_command
    from django.test import override_settings

    (tmp_path / "site.css").write_text("body { color: red }")
    options = {
        "account_name": ACCOUNT,
        "account_key": None,
        "blob_endpoint": token_service,
        "token_credential": Credential(),
        "azure_container": "published",
    }
    storages = {
        "staticfiles": {"BACKEND": "azureblob.staticfiles.StaticBlobStorage", "OPTIONS": options}
    }
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    with override_settings(
        STORAGES=storages, STATICFILES_DIRS=[tmp_path], STATICFILES_FINDERS=finders
    ):
        storage: Any = staticfiles_storage
        storage.service(retries=0, connect=5, read=5).create_container("published")
        call_command("collectstatic", interactive=False, verbosity=0)
        stored = storage.stored_name("site.css")
        assert stored != "site.css"
        with storage.open(stored) as file:
            assert file.read() == b"body { color: red }"


def test_a_token_never_publishes_over_plain_http(django_site: None) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from azureblob.staticfiles import StaticBlobStorage

    with pytest.raises(ImproperlyConfigured, match="only sent over https"):
        StaticBlobStorage(
            account_key=None,
            blob_endpoint="http://127.0.0.1:1/plain/",
            token_credential=Credential(),
        )


def test_a_token_that_the_service_refuses_is_forbidden(
    django_site: None, token_service: str
) -> None:
    from azure.core.exceptions import HttpResponseError

    from azureblob.health import word_for
    from backend.custom_azure import AzureMediaStorage

    class Stranger(Credential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            token = super().get_token(*scopes).token.split(".")
            claims = json.loads(base64.urlsafe_b64decode(token[1] + "=="))
            token[1] = _url64(json.dumps({**claims, "aud": "https://other.example"}).encode())
            return AccessToken(".".join(token), int(time.time()) + 3600)

    storage = AzureMediaStorage(
        account_name=ACCOUNT,
        account_key=None,
        blob_endpoint=token_service,
        token_credential=Stranger(),
    )
    with pytest.raises(HttpResponseError) as refused:
        storage.exists("a.txt")
    assert word_for(refused.value) == "forbidden"


def test_no_identity_at_all_has_a_word_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.identity import CredentialUnavailableError

    from azureblob.health import word_for

    assert word_for(CredentialUnavailableError("nobody is signed in")) == "no identity"


# --- Keys that Azure lends ------------------------------------------------------------------------


@dataclass
class Lender:
    """Answers Get User Delegation Key and counts; `broken` makes it refuse."""

    endpoint: str = ""
    asked: list[str] = field(default_factory=list)
    secret: bytes = b"a key that was lent for some days"
    broken: bool = False


@pytest.fixture
def lender(certificate: Certificate) -> Iterator[Lender]:
    state = Lender()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            query = parse_qs(urlsplit(self.path).query)
            assert (query["restype"], query["comp"]) == (["service"], ["userdelegationkey"])
            assert self.headers["Authorization"].startswith("Bearer ")
            time.sleep(0.05)  # long enough for sixteen threads to meet
            state.asked.append(body)
            start, expiry = (
                body.partition(f"<{tag}>")[2].partition("<")[0] for tag in ("Start", "Expiry")
            )
            guid = "11111111-2222-3333-4444-555555555555"
            answer = (
                '<?xml version="1.0" encoding="utf-8"?><UserDelegationKey>'
                f"<SignedOid>{guid}</SignedOid><SignedTid>{guid}</SignedTid>"
                f"<SignedStart>{start}</SignedStart><SignedExpiry>{expiry}</SignedExpiry>"
                "<SignedService>b</SignedService><SignedVersion>2021-12-02</SignedVersion>"
                f"<Value>{base64.b64encode(state.secret).decode()}</Value></UserDelegationKey>"
            ).encode()
            self.send_response(403 if state.broken else 200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(0 if state.broken else len(answer)))
            self.end_headers()
            if not state.broken:
                self.wfile.write(answer)

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    state.endpoint = f"https://127.0.0.1:{server.server_port}/{ACCOUNT}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join(5)


def private_media(lender: Lender) -> Any:
    from backend.custom_azure import AzureMediaStorage

    return AzureMediaStorage(
        account_name=ACCOUNT,
        account_key=None,
        blob_endpoint=lender.endpoint,
        custom_domain="front.example.com",
        token_credential=Credential(),
        signed=True,
    )


def test_an_identity_signs_with_a_lent_key_and_asks_once(django_site: None, lender: Lender) -> None:
    storage = private_media(lender)
    urls = {storage.url(f"{number}.png") for number in range(1000)}
    assert len(urls) == 1000
    assert len(lender.asked) == 1
    query = parse_qs(urlsplit(storage.url("a.png")).query)
    assert (query["sp"], query["sr"], query["spr"]) == (["r"], ["b"], ["https"])
    assert query["skoid"] == ["11111111-2222-3333-4444-555555555555"]


def test_the_signature_is_made_with_the_lent_key(django_site: None, lender: Lender) -> None:
    """Recomputed from "Create a user delegation SAS", version 2025-07-05 and later."""
    query = {
        name: value[0]
        for name, value in parse_qs(
            urlsplit(private_media(lender).url("a.png")).query, keep_blank_values=True
        ).items()
    }
    resource = f"/blob/{ACCOUNT}/media/a.png"
    known = ("sp", "st", "se", resource, "skoid", "sktid", "skt", "ske", "sks", "skv")
    fields = [query.get(name, name if name == resource else "") for name in known]
    # No authorized or unauthorized object, correlation, delegated tenant or user; no address.
    rest = ["", query["spr"], query["sv"], query["sr"]]
    # No snapshot, encryption scope, request headers or parameters, or headers of the answer.
    text = "\n".join([*fields, *[""] * 5, *rest, *[""] * 9])
    digest = hmac.new(lender.secret, text.encode(), hashlib.sha256).digest()
    assert query["sig"] == base64.b64encode(digest).decode()


def test_signed_urls_lead_to_the_account_and_not_to_what_stands_in_front_of_it(
    django_site: None, lender: Lender
) -> None:
    url = private_media(lender).url("a.png")
    assert url.startswith(f"{lender.endpoint}media/a.png?")


def keys_of(lender: Lender) -> DelegationKeys:
    storage = private_media(lender)
    return DelegationKeys(lambda: storage.service(retries=0, connect=5, read=5))


def test_sixteen_cold_threads_fetch_one_key(django_site: None, lender: Lender) -> None:
    keys, moment = keys_of(lender), time.time() + 3600
    threads = [threading.Thread(target=keys.valid_until, args=(moment,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(lender.asked) == 1


def test_a_key_is_renewed_a_day_before_it_has_to_be(
    django_site: None, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, now = keys_of(lender), time.time()
    keys.valid_until(now + 3600)
    later = now + LIFETIME_SECONDS - EARLY_SECONDS
    for moment, fetched in ((later - 7200, 1), (later, 2)):
        monkeypatch.setattr("azureblob.delegation.time.time", lambda moment=moment: moment)
        keys.valid_until(moment + 3600)
        assert len(lender.asked) == fetched


def test_a_failed_renewal_leaves_the_old_key_and_is_logged_without_a_token(
    django_site: None,
    lender: Lender,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keys, now = keys_of(lender), time.time()
    first = keys.valid_until(now + 3600)
    lender.broken = True
    later = now + LIFETIME_SECONDS - EARLY_SECONDS
    monkeypatch.setattr("azureblob.delegation.time.time", lambda: later)
    with caplog.at_level(logging.WARNING, "azureblob.delegation"):
        assert keys.valid_until(later + 3600) is first
        assert keys.valid_until(later + 3600) is first  # and does not ask again at once
    assert len(lender.asked) == 2
    own = [record for record in caplog.records if record.name == "azureblob.delegation"]
    assert len(own) == 1
    assert "could not be renewed" in caplog.text
    assert "Bearer" not in caplog.text


def test_without_any_key_the_reason_is_raised(django_site: None) -> None:
    from backend.custom_azure import AzureMediaStorage

    storage = AzureMediaStorage(
        account_name=ACCOUNT,
        account_key=None,
        blob_endpoint=f"https://127.0.0.1:{free_port()}/{ACCOUNT}/",
        token_credential=Credential(),
    )
    keys = DelegationKeys(lambda: storage.service(retries=0, connect=1, read=1))
    with pytest.raises(ServiceRequestError):
        keys.valid_until(time.time() + 60)


def test_the_site_starts_with_an_identity_and_asks_nobody(tmp_path: Path) -> None:
    """In a process of its own: settings, checks and both storages, with no service anywhere.

    A static file's URL needs the manifest; where the files lie is known without.
    """
    variables = {k: v for k, v in {**GOOD, **IDENTITY}.items() if v is not None}
    program = (
        "import django; django.setup()\n"
        "from django.core.files.storage import storages\n"
        "print(storages['staticfiles'].url(''), storages['default'].azure_container)\n"
    )
    done = subprocess.run(
        [*_python(), "-c", program],
        cwd=Path(environment.__file__).parent.parent,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "DJANGO_"))},
            **variables,
            "DJANGO_SETTINGS_MODULE": "backend.settings",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == (
        "https://djangoaccountstorage.blob.core.windows.net/static/ media"
    )


def _python() -> list[str]:
    import sys

    return [sys.executable, "-W", "error"]
