"""manage.py doctor: each probe passes if all is well, and otherwise fails with the fix."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from tests.app.test_identity import Certificate, Credential, certificate  # noqa: F401
from tests.conftest import free_port
from tests.doctor.conftest import NARROW, PAGES, READS, Account, Examine, site_settings
from tests.doctor.services import WebServer, clock_off_by, refusing, serving, silence
from tests.faults import Fault, FaultProxy, Rule

PROBES = [
    "settings",
    "name",
    "connection",
    "clock",
    "signin",
    "container.static",
    "container.media",
    "container.quarantine",
    "access.static",
    "access.media",
    "access.quarantine",
    "quarantine.write",
    "quarantine.read",
    "quarantine.visitor",
    "quarantine.signature",
    "quarantine.delete",
    "preflight.get",
    "preflight.put",
    "manifest",
    "files",
]


def test_a_healthy_site_passes_every_probe_and_leaves_nothing_behind(
    examine: Examine, account: Account
) -> None:
    done = examine()
    assert [f["id"] for f in done.findings] == PROBES
    assert {f["state"] for f in done.findings} == {"pass"}
    assert done.code == 0
    assert account.left_in_quarantine() == []


def test_a_healthy_site_with_private_media_passes_every_probe(examine: Examine) -> None:
    done = examine(media="private", AZURE_MEDIA_ACCESS="private")
    assert {f["state"] for f in done.findings} == {"pass"}
    assert done["access.media"]["detail"] == "private refuses visitors"


@pytest.mark.usefixtures("dead_proxy")
def test_an_account_on_this_machine_is_tried_without_the_proxy(examine: Examine) -> None:
    assert {f["state"] for f in examine().findings} == {"pass"}


# --- The connection -------------------------------------------------------------------------------


def test_a_name_that_does_not_resolve_is_reported_and_dependent_probes_are_skipped(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # by itself, this is no proxy
    done = examine(endpoint="https://account.invalid/")
    assert done.failed == ["name"], done.text
    assert "account.invalid does not resolve" in done["name"]["detail"]
    assert done["name"]["commands"] == ["make env STACK=<stack>"]
    skipped = {f["id"]: f["detail"] for f in done.findings if f["state"] == "skip"}
    assert list(skipped) == PROBES[2:]
    assert set(skipped.values()) == {"name failed"}
    assert done.code == 1


def test_a_port_where_nothing_listens_is_reported(examine: Examine, account: Account) -> None:
    done = examine(endpoint=account.through(free_port()))
    assert done.failed == ["connection"]
    assert "the connection was refused" in done["connection"]["detail"]
    assert done["connection"]["commands"] == ["make up"]


def test_a_service_that_never_responds_is_waited_for_briefly(
    examine: Examine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azureblob.doctor.anonymous.REQUEST_SECONDS", 0.3)
    with silence() as port:
        done = examine(endpoint=account.through(port))
    assert done.failed == ["connection"]
    assert "it timed out" in done["connection"]["detail"]


def test_a_web_server_is_not_taken_for_a_blob_service(examine: Examine, account: Account) -> None:
    with serving(WebServer) as port:
        done = examine(endpoint=account.through(port))
    assert done.failed == ["connection"]
    assert "is not a blob service" in done["connection"]["detail"]


def test_an_untrusted_certificate_is_named(
    examine: Examine,
    certificate: Certificate,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate, certificate.key)
    with serving(WebServer, tls) as port:
        done = examine(endpoint=f"https://127.0.0.1:{port}/a/")
    assert done.failed == ["connection"]
    assert "certificate is not trusted" in done["connection"]["detail"]
    assert "REQUESTS_CA_BUNDLE" in done["connection"]["fix"]


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(-1000, "fail"), (1000, "fail"), (-800, "warn"), (800, "warn"), (70, "warn"), (30, "pass")],
)
def test_a_clock_off_by_15_minutes_fails_and_by_a_minute_is_a_warning(
    examine: Examine, account: Account, seconds: int, state: str
) -> None:
    with clock_off_by(seconds, account.port) as port:
        done = examine(endpoint=account.through(port))
    assert done.state("clock") == state
    side = "behind" if seconds > 0 else "ahead of"
    assert f" {side} the service's" in done["clock"]["detail"]
    assert done.code == (state == "fail")
    assert done.state("signin") == ("skip" if state == "fail" else "pass")


# --- Signing in -----------------------------------------------------------------------------------


def test_a_wrong_key_is_reported_and_not_shown(examine: Examine) -> None:
    done = examine(AZURE_ACCOUNT_KEY="d3Jvbmcta2V5")
    assert done.failed == ["signin"]
    assert "The account key is wrong or was renewed" in done["signin"]["detail"]
    assert done["signin"]["commands"] == ["make up"]
    assert done.state("preflight.put") == "pass"  # which needs no key
    assert done.state("files") == "skip"


@pytest.mark.parametrize(
    ("code", "text", "command"),
    [
        ("KeyBasedAuthenticationNotPermitted", "does not allow shared keys", "make up"),
        ("AuthenticationFailed", "The account key is wrong", "make up"),
        ("AccountIsDisabled", "refused the request (403 AccountIsDisabled)", None),
    ],
)
def test_each_refusal_of_a_key_has_its_own_text(
    examine: Examine, account: Account, code: str, text: str, command: str | None
) -> None:
    rule = Rule(path="*/media", status=403, code=code)
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    assert done.failed == ["signin"]
    assert text in done["signin"]["detail"]
    assert done["signin"]["commands"] == ([command] if command else [])


@pytest.mark.parametrize(
    ("status", "code", "text", "command"),
    [
        (
            403,
            "AuthorizationPermissionMismatch",
            "The identity lacks a role",
            "pulumi config set --path 'dataPrincipals[<n>]' ServicePrincipal:<object id>",
        ),
        (
            403,
            "AuthorizationFailure",
            "firewall blocks this machine",
            "pulumi config set --path 'allowedIpRanges[<n>]' <address>",
        ),
        (401, "InvalidAuthenticationInfo", "rejected the identity's token", "az login"),
        (503, "ServerBusy", "The service failed (503 ServerBusy)", None),
    ],
)
def test_each_refusal_of_an_identity_has_its_own_text(
    examine: Examine,
    certificate: Certificate,  # noqa: F811
    status: int,
    code: str,
    text: str,
    command: str | None,
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate, certificate.key)
    with serving(refusing(status, code), tls) as port:
        done = examine(**_identity(f"https://127.0.0.1:{port}/examined/", Credential()))
    assert text in done["signin"]["detail"]
    assert done.failed[0] == "signin"
    commands = done["signin"]["commands"]
    assert commands[0].startswith(command) if command else commands == []


def test_a_machine_without_an_identity_is_reported(
    examine: Examine,
    certificate: Certificate,  # noqa: F811
) -> None:
    class Nobody:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise ClientAuthenticationError("secret=hunter2 at every place that was tried")

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate, certificate.key)
    with serving(refusing(403, "AuthorizationFailure"), tls) as port:
        done = examine(**_identity(f"https://127.0.0.1:{port}/examined/", Nobody()))
    assert done["signin"]["detail"] == "No identity is signed in on this machine."
    assert done["signin"]["commands"] == ["az login"]
    assert "hunter2" not in done.text


def _identity(endpoint: str, credential: Any) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "AZURE_ACCOUNT_KEY": "",
        "AZURE_AUTH_MODE": "identity",
        "AZURE_TOKEN_CREDENTIAL": credential,
    }


# --- Containers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["static", "media", "quarantine"])
def test_a_container_that_is_missing_is_named(examine: Examine, role: str) -> None:
    done = examine(**{role: "not-there"})
    assert done.failed == [f"container.{role}"]
    assert "The container does not exist" in done[f"container.{role}"]["detail"]
    assert done[f"container.{role}"]["commands"] == ["make up"]
    assert done.state("signin") == "pass"
    assert done.state(f"access.{role}") == "skip"


def test_private_media_that_anyone_can_read_are_reported_with_what_to_type(
    examine: Examine,
) -> None:
    done = examine(media="media", AZURE_MEDIA_ACCESS="private")
    assert done.failed == ["access.media"]
    assert "Anyone can read media" in done["access.media"]["detail"]
    assert done["access.media"]["commands"] == ["make up"]


def test_media_that_are_private_only_by_the_account_are_a_warning(
    examine: Examine, account: Account
) -> None:
    rule = Rule(path="*/media/doctor/*", method="GET", status=409, code="PublicAccessNotPermitted")
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port), AZURE_MEDIA_ACCESS="private")
    assert (done.state("access.media"), done.code) == ("warn", 0)
    assert "only because the account does not allow public access" in done["access.media"]["detail"]


def test_public_media_that_visitors_cannot_read_are_reported_with_what_to_type(
    examine: Examine,
) -> None:
    done = examine(media="private")
    assert done.failed == ["access.media"]
    assert "Visitors cannot read private" in done["access.media"]["detail"]
    assert "pulumi config set mediaAccess public" in done["access.media"]["commands"]


def test_static_files_that_visitors_cannot_read_are_reported(examine: Examine) -> None:
    done = examine(static="closed")
    assert done.failed == ["access.static"]


def test_a_listable_container_is_a_warning(examine: Examine) -> None:
    done = examine(static="listed")
    assert (done.state("access.static"), done.code) == ("warn", 0)
    assert "Anyone can list listed" in done["access.static"]["detail"]


def test_an_account_without_public_access_is_reported(examine: Examine, account: Account) -> None:
    rule = Rule(path="*/static/doctor/*", method="GET", status=409, code="PublicAccessNotPermitted")
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    assert done.failed == ["access.static"]
    assert "does not allow public containers" in done["access.static"]["detail"]


def test_the_address_that_pages_link_to_is_tried_and_not_the_account_alone(
    examine: Examine, account: Account
) -> None:
    done = examine(AZURE_CUSTOM_DOMAIN=f"127.0.0.1:{free_port()}")
    assert set(done.failed) == {"access.static", "access.media", "preflight.get"}
    assert "AZURE_CUSTOM_DOMAIN" in done["access.static"]["fix"]


def test_a_public_quarantine_is_reported_and_left_empty(examine: Examine, account: Account) -> None:
    done = examine(quarantine="open")
    assert done.failed == ["access.quarantine", "quarantine.visitor"]
    assert "unchecked uploads" in done["access.quarantine"]["detail"]
    assert account.left_in_quarantine("open") == []


# --- Rights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "failed"),
    [("PUT", "quarantine.write"), ("DELETE", "quarantine.delete")],
)
def test_a_missing_right_is_reported(
    examine: Examine, account: Account, method: str, failed: str
) -> None:
    rule = Rule(
        path="*/quarantine/doctor/*",
        method=method,
        status=403,
        code="AuthorizationPermissionMismatch",
    )
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    _empty(account)
    assert done.failed == [failed]
    assert "lacks a role" in done[failed]["detail"]


def test_refused_reads_and_signed_urls_are_reported_and_the_blob_is_deleted(
    examine: Examine, account: Account
) -> None:
    rule = Rule(path="*/quarantine/doctor/*.txt", method="GET", status=403)
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    assert done.failed == ["quarantine.read", "quarantine.signature"]
    assert account.left_in_quarantine() == []


def test_an_interrupted_run_leaves_no_blob(
    django_site: None,
    account: Account,
) -> None:
    from django.test import override_settings

    from azureblob.doctor.runner import diagnose
    from azureblob.doctor.site import site

    with override_settings(**site_settings(account)):
        results = diagnose(site())
        for result in results:
            if result.id == "quarantine.write":
                break
        assert len(account.left_in_quarantine()) == 1
        results.close()
    assert account.left_in_quarantine() == []


def _empty(account: Account) -> None:
    with account.client() as service:
        for name in account.left_in_quarantine():
            service.get_blob_client("quarantine", name).delete_blob()


# --- Preflights -----------------------------------------------------------------------------------


def test_each_origin_is_tried_and_the_fix_names_it(examine: Examine) -> None:
    other = "https://other.example.com:8443"
    flags = [f"--origin={origin}" for origin in (PAGES, READS, NARROW, other)]
    done = examine(*flags)
    states = {
        f"{f['id'].removeprefix('preflight.')} {f['subject']}": f["state"]
        for f in done.findings
        if f["id"].startswith("preflight.")
    }
    assert states == {
        f"get {PAGES}": "pass",
        f"put {PAGES}": "pass",
        f"get {READS}": "pass",
        f"put {READS}": "fail",
        f"get {NARROW}": "pass",
        f"put {NARROW}": "fail",
        f"get {other}": "fail",
        f"put {other}": "fail",
    }
    assert done[f"preflight.put {other}"]["commands"] == [
        f"pulumi config set --path 'corsOrigins[<n>]' {other}",
        "pulumi up",
    ]


def test_headers_that_pages_may_not_send_are_named(examine: Examine, account: Account) -> None:
    """As a service responds that allows the origin but not the header."""
    from azureblob.doctor.network import missing_headers

    assert missing_headers("Content-Type, X-MS-Blob-Type") == []
    assert missing_headers("content-type") == ["x-ms-blob-type"]
    assert missing_headers("*") == []


def test_origins_come_from_the_settings_without_wildcards(examine: Examine) -> None:
    done = examine(
        CSRF_TRUSTED_ORIGINS=["https://*.example.com", PAGES],
        ALLOWED_HOSTS=["www.example.com", ".example.com", "*", "reads.example.com", "127.0.0.1"],
    )
    asked = [f["subject"] for f in done.findings if f["id"] == "preflight.get"]
    assert asked == [PAGES, READS]


def test_a_local_account_is_tried_with_the_local_page(examine: Examine) -> None:
    done = examine(CSRF_TRUSTED_ORIGINS=[])
    assert done["preflight.get"]["subject"] == "http://127.0.0.1:8000"


def test_a_site_that_receives_uploads_itself_needs_no_put(examine: Examine) -> None:
    done = examine(f"--origin={READS}", AZURE_DIRECT_UPLOAD=False)
    assert done.state("preflight.put") == "skip"
    assert "AZURE_DIRECT_UPLOAD" in done["preflight.put"]["detail"]
    assert done.code == 0


# --- The manifest ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "failed", "text"),
    [
        ("unpublished", "manifest", "unpublished has no staticfiles.json"),
        ("garbled", "manifest", "is not a manifest of Django"),
        ("holes", "files", "1 of 1 files are missing: a.0a1b2c3d4e5f.css"),
    ],
)
def test_a_missing_or_incomplete_publish_is_reported(
    examine: Examine, container: str, failed: str, text: str
) -> None:
    done = examine(static=container)
    assert done.failed == [failed]
    assert text in done[failed]["detail"]
    assert done[failed]["commands"] == ["python manage.py collectstatic --noinput"]


def test_plain_names_need_no_manifest(examine: Examine) -> None:
    storages = {
        "default": {"BACKEND": "backend.custom_azure.AzureMediaStorage"},
        "staticfiles": {
            "BACKEND": "backend.custom_azure.AzureStaticStorage",
            "OPTIONS": {"hashed_names": False},
        },
    }
    done = examine(static="unpublished", STORAGES=storages)
    assert (done.state("manifest"), done.state("files"), done.code) == ("skip", "skip", 0)


# --- Settings, and the whole ----------------------------------------------------------------------


def test_contradicting_settings_are_the_first_result(examine: Examine) -> None:
    done = examine(AZURE_AUTH_MODE="identity")
    assert {f["id"] for f in done.findings} == {"settings"}
    assert done["settings azureblob.E005"]["state"] == "fail"
    assert "Remove AZURE_ACCOUNT_KEY" in done["settings azureblob.E005"]["fix"]
    assert done.code == 1


def test_a_warning_of_the_checks_is_a_warning_and_the_rest_is_tried(examine: Examine) -> None:
    done = examine(AZURE_LOCATION="westeurope")
    assert done["settings azureblob.W002"]["state"] == "warn"
    assert (done.state("files"), done.code) == ("pass", 0)


def test_a_site_without_a_storage_of_the_library_is_refused(examine: Examine) -> None:
    from django.core.management.base import CommandError

    plain = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with pytest.raises(CommandError, match="nothing to examine"):
        examine(STORAGES=plain)


def test_all_probes_together_are_bounded(
    examine: Examine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that responds at first and then hangs."""
    monkeypatch.setattr("azureblob.doctor.runner._ALL_SECONDS", 0.8)
    rule = Rule(path="*/media", fault=Fault.HANG)
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    assert done.failed == ["signin"]
    assert "no response within" in done["signin"]["detail"]
    assert "the time limit of" in done["preflight.put"]["detail"]


def test_the_text_of_an_unexpected_error_is_not_shown() -> None:
    from azureblob.doctor.results import Probe
    from azureblob.doctor.runner import run_probes

    def fail() -> str:
        raise RuntimeError("sig=hunter2")

    (result,) = run_probes([Probe("odd", fail)])
    assert (result.state, result.detail) == ("fail", "It ended with RuntimeError.")
