"""manage.py doctor: each probe passes where all is well, and fails with the fix where it is not."""

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


def test_a_healthy_site_passes_every_probe_and_keeps_nothing(
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


# --- The way there --------------------------------------------------------------------------------


def test_a_name_that_does_not_resolve_is_told_and_what_stands_on_it_is_not_tried(
    examine: Examine,
) -> None:
    done = examine(endpoint="https://account.invalid/")
    assert done.failed == ["name"]
    assert "account.invalid does not resolve" in done["name"]["detail"]
    assert done["name"]["commands"] == ["make env STACK=<stack>"]
    skipped = {f["id"]: f["detail"] for f in done.findings if f["state"] == "skip"}
    assert list(skipped) == PROBES[2:]
    assert set(skipped.values()) == {"name failed"}
    assert done.code == 1


def test_a_port_where_nobody_listens_is_told(examine: Examine, account: Account) -> None:
    done = examine(endpoint=account.through(free_port()))
    assert done.failed == ["connection"]
    assert "nobody listens there" in done["connection"]["detail"]
    assert done["connection"]["commands"] == ["make up"]


def test_a_service_that_never_answers_costs_some_seconds_and_not_more(
    examine: Examine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azureblob.doctor.network.REQUEST_SECONDS", 0.3)
    with silence() as port:
        done = examine(endpoint=account.through(port))
    assert done.failed == ["connection"]
    assert "no answer in time" in done["connection"]["detail"]


def test_a_web_server_is_no_blob_service(examine: Examine, account: Account) -> None:
    with serving(WebServer) as port:
        done = examine(endpoint=account.through(port))
    assert done.failed == ["connection"]
    assert "no blob service" in done["connection"]["detail"]


def test_a_certificate_that_nobody_knows_is_named(
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
def test_a_clock_over_15_minutes_off_fails_and_one_over_a_minute_is_noted(
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


def test_a_wrong_key_is_told_and_not_shown(examine: Examine) -> None:
    done = examine(AZURE_ACCOUNT_KEY="d3Jvbmcta2V5")
    assert done.failed == ["signin"]
    assert "The key is not the account's" in done["signin"]["detail"]
    assert done["signin"]["commands"] == ["make up"]
    assert done.state("preflight.put") == "pass"  # which needs no key
    assert done.state("files") == "skip"


@pytest.mark.parametrize(
    ("code", "told", "command"),
    [
        ("KeyBasedAuthenticationNotPermitted", "takes no shared keys", "make up"),
        ("AuthenticationFailed", "The key is not the account's", "make up"),
        ("AccountIsDisabled", "refuses it (403 AccountIsDisabled)", None),
    ],
)
def test_each_refusal_of_a_key_is_told_apart(
    examine: Examine, account: Account, code: str, told: str, command: str | None
) -> None:
    rule = Rule(path="*/media", status=403, code=code)
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    assert done.failed == ["signin"]
    assert told in done["signin"]["detail"]
    assert done["signin"]["commands"] == ([command] if command else [])


@pytest.mark.parametrize(
    ("status", "code", "told", "command"),
    [
        (
            403,
            "AuthorizationPermissionMismatch",
            "The identity has no role",
            "pulumi config set --path 'dataPrincipals[<n>]' ServicePrincipal:<object id>",
        ),
        (
            403,
            "AuthorizationFailure",
            "firewall refuses this machine",
            "pulumi config set --path 'allowedIpRanges[<n>]' <address>",
        ),
        (401, "InvalidAuthenticationInfo", "does not take the identity's token", "az login"),
        (503, "ServerBusy", "The service is not well (503 ServerBusy)", None),
    ],
)
def test_each_refusal_of_an_identity_is_told_apart(
    examine: Examine,
    certificate: Certificate,  # noqa: F811
    status: int,
    code: str,
    told: str,
    command: str | None,
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate, certificate.key)
    with serving(refusing(status, code), tls) as port:
        done = examine(**_identity(f"https://127.0.0.1:{port}/examined/", Credential()))
    assert told in done["signin"]["detail"]
    assert done.failed[0] == "signin"
    commands = done["signin"]["commands"]
    assert commands[0].startswith(command) if command else commands == []


def test_nobody_signed_in_is_told(
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
    assert done["signin"]["detail"] == "No identity signs in on this machine."
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
    assert "There is no such container" in done[f"container.{role}"]["detail"]
    assert done[f"container.{role}"]["commands"] == ["make up"]
    assert done.state("signin") == "pass"
    assert done.state(f"access.{role}") == "skip"


def test_private_media_that_anyone_reads_are_told_with_what_to_type(examine: Examine) -> None:
    done = examine(media="media", AZURE_MEDIA_ACCESS="private")
    assert done.failed == ["access.media"]
    assert "Anyone reads media" in done["access.media"]["detail"]
    assert done["access.media"]["commands"] == ["make up"]


def test_media_that_only_the_accounts_switch_keeps_private_are_noted(
    examine: Examine, account: Account
) -> None:
    rule = Rule(path="*/media/doctor/*", method="GET", status=409, code="PublicAccessNotPermitted")
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port), AZURE_MEDIA_ACCESS="private")
    assert (done.state("access.media"), done.code) == ("warn", 0)
    assert "only the account's switch" in done["access.media"]["detail"]


def test_public_media_that_nobody_reads_are_told_with_what_to_type(examine: Examine) -> None:
    done = examine(media="private")
    assert done.failed == ["access.media"]
    assert "Visitors are refused private" in done["access.media"]["detail"]
    assert "pulumi config set mediaAccess public" in done["access.media"]["commands"]


def test_static_files_that_nobody_reads_are_told(examine: Examine) -> None:
    done = examine(static="closed")
    assert done.failed == ["access.static"]


def test_a_list_of_static_files_for_anyone_is_noted(examine: Examine) -> None:
    done = examine(static="listed")
    assert (done.state("access.static"), done.code) == ("warn", 0)
    assert "Anyone can list listed" in done["access.static"]["detail"]


def test_an_account_that_allows_no_public_container_is_told(
    examine: Examine, account: Account
) -> None:
    rule = Rule(path="*/static/doctor/*", method="GET", status=409, code="PublicAccessNotPermitted")
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    assert done.failed == ["access.static"]
    assert "allows no public container" in done["access.static"]["detail"]


def test_the_address_that_pages_link_to_is_tried_and_not_the_account_alone(
    examine: Examine, account: Account
) -> None:
    done = examine(AZURE_CUSTOM_DOMAIN=f"127.0.0.1:{free_port()}")
    assert set(done.failed) == {"access.static", "access.media", "preflight.get"}
    assert "AZURE_CUSTOM_DOMAIN" in done["access.static"]["fix"]


def test_a_quarantine_that_anyone_reads_is_told_and_left_empty(
    examine: Examine, account: Account
) -> None:
    done = examine(quarantine="open")
    assert done.failed == ["access.quarantine", "quarantine.visitor"]
    assert "nobody has checked" in done["access.quarantine"]["detail"]
    assert account.left_in_quarantine("open") == []


# --- Rights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "failed"),
    [("PUT", "quarantine.write"), ("DELETE", "quarantine.delete")],
)
def test_a_right_that_is_missing_is_told(
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
    assert "no role for this" in done[failed]["detail"]


def test_reading_and_signed_urls_that_are_refused_are_told_and_the_blob_is_deleted(
    examine: Examine, account: Account
) -> None:
    rule = Rule(path="*/quarantine/doctor/*.txt", method="GET", status=403)
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    assert done.failed == ["quarantine.read", "quarantine.signature"]
    assert account.left_in_quarantine() == []


def test_what_is_broken_off_leaves_no_blob(
    django_site: None,
    account: Account,
) -> None:
    from django.test import override_settings

    from azureblob.doctor.configuration import Configuration
    from azureblob.doctor.diagnosis import diagnose
    from azureblob.doctor.site import site

    with override_settings(**site_settings(account)):
        findings = diagnose(Configuration(), site())
        for finding in findings:
            if finding.id == "quarantine.write":
                break
        assert len(account.left_in_quarantine()) == 1
        findings.close()
    assert account.left_in_quarantine() == []


def _empty(account: Account) -> None:
    with account.client() as service:
        for name in account.left_in_quarantine():
            service.get_blob_client("quarantine", name).delete_blob()


# --- Preflights -----------------------------------------------------------------------------------


def test_each_origin_is_asked_about_and_the_fix_names_it(examine: Examine) -> None:
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
    """As a service answers that takes the origin and not the header."""
    from azureblob.doctor.preflight import missing

    assert missing("Content-Type, X-MS-Blob-Type") == []
    assert missing("content-type") == ["x-ms-blob-type"]
    assert missing("*") == []


def test_origins_come_from_the_settings_without_wildcards(examine: Examine) -> None:
    done = examine(
        CSRF_TRUSTED_ORIGINS=["https://*.example.com", PAGES],
        ALLOWED_HOSTS=["www.example.com", ".example.com", "*", "reads.example.com", "127.0.0.1"],
    )
    asked = [f["subject"] for f in done.findings if f["id"] == "preflight.get"]
    assert asked == [PAGES, READS]


def test_the_local_stack_is_asked_about_its_own_page(examine: Examine) -> None:
    done = examine(CSRF_TRUSTED_ORIGINS=[])
    assert done["preflight.get"]["subject"] == "http://127.0.0.1:8000"


def test_a_site_that_takes_uploads_itself_needs_no_put(examine: Examine) -> None:
    done = examine(f"--origin={READS}", AZURE_DIRECT_UPLOAD=False)
    assert done.state("preflight.put") == "skip"
    assert "AZURE_DIRECT_UPLOAD" in done["preflight.put"]["detail"]
    assert done.code == 0


# --- The manifest ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "failed", "told"),
    [
        ("unpublished", "manifest", "There is no staticfiles.json of unpublished"),
        ("garbled", "manifest", "is no manifest of Django's"),
        ("holes", "files", "Of 1 files 1 are missing: a.0a1b2c3d4e5f.css"),
    ],
)
def test_a_publish_that_is_missing_or_not_whole_is_told(
    examine: Examine, container: str, failed: str, told: str
) -> None:
    done = examine(static=container)
    assert done.failed == [failed]
    assert told in done[failed]["detail"]
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


def test_settings_that_contradict_each_other_are_the_first_finding(examine: Examine) -> None:
    done = examine(AZURE_AUTH_MODE="identity")
    assert {f["id"] for f in done.findings} == {"settings"}
    assert done["settings azureblob.E005"]["state"] == "fail"
    assert "Take AZURE_ACCOUNT_KEY out" in done["settings azureblob.E005"]["fix"]
    assert done.code == 1


def test_a_warning_of_the_checks_is_noted_and_the_rest_is_tried(examine: Examine) -> None:
    done = examine(AZURE_LOCATION="westeurope")
    assert done["settings azureblob.W002"]["state"] == "warn"
    assert (done.state("files"), done.code) == ("pass", 0)


def test_a_site_with_no_storage_of_ours_is_told_so(examine: Examine) -> None:
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
    """A service that answers at first, and then nobody any more."""
    monkeypatch.setattr("azureblob.doctor.runner._ALL_SECONDS", 0.8)
    rule = Rule(path="*/media", fault=Fault.HANG)
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port))
    assert done.failed == ["signin"]
    assert "no answer within" in done["signin"]["detail"]
    assert "no time is left" in done["preflight.put"]["detail"]


def test_an_error_of_an_unknown_kind_tells_nothing_of_itself() -> None:
    from azureblob.doctor.runner import Probe, examine

    def fail() -> str:
        raise RuntimeError("sig=hunter2")

    (finding,) = examine([Probe("odd", fail)])
    assert (finding.state, finding.detail) == ("fail", "It ended with RuntimeError.")
