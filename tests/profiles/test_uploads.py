"""What a browser may send to the account and read from it, tried against the real blob service."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from azure.storage.blob import BlobSasPermissions, generate_blob_sas

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from localazure.provider.blob_container import BlobContainer
from tests.profiles.conftest import Stack, emptied

SITE, OTHER = "https://www.example.com", "https://www.example.com.evil.example"
SENT = "content-type,x-ms-blob-type"
NAME = "uploads/a picture.png"


@pytest.fixture(scope="module")
def sending(profile_azurite: Azurite) -> Iterator[Stack]:
    """The tutorial's profile, so with public media, for the pages of one site."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALAZURE_CONTAINER_DELETE_SECONDS", "0")
        stack = Stack(emptied(profile_azurite), "dev", {"corsOrigins": [SITE]})
        stack.run("up")
        yield stack
        stack.run("destroy")


def asked(
    stack: Stack, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str]]:
    """Status and headers (names in lower case) of the answer to a request to the account."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.azurite.port, timeout=30)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        account = stack.outputs["AZURE_ACCOUNT_NAME"]
        connection.request(method, f"/{account}/{path}", body or None, given)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def preflight(
    stack: Stack, origin: str, method: str = "PUT", headers: str = SENT
) -> tuple[int, dict[str, str]]:
    return asked(
        stack,
        "OPTIONS",
        f"quarantine/{quote(NAME)}",
        Origin=origin,
        Access_Control_Request_Method=method,
        Access_Control_Request_Headers=headers,
    )


def signed(stack: Stack, container: str = "quarantine", name: str = NAME) -> str:
    """Path and query that let a blob be created, and nothing else."""
    outputs = stack.outputs
    signature = generate_blob_sas(
        outputs["AZURE_ACCOUNT_NAME"],
        container,
        name,
        account_key=outputs["AZURE_ACCOUNT_KEY"],
        permission=BlobSasPermissions(create=True),
        expiry=datetime.now(UTC) + timedelta(minutes=10),
    )
    return f"{container}/{quote(name)}?{signature}"


def test_the_sites_pages_may_send_and_the_browser_is_told_so(sending: Stack) -> None:
    status, headers = preflight(sending, SITE)
    assert status == 200
    assert headers["access-control-allow-origin"] == SITE
    assert headers["access-control-allow-methods"] == "PUT"
    assert headers["access-control-allow-headers"] == SENT
    assert headers["access-control-max-age"] == "3600"


@pytest.mark.parametrize(
    "headers",
    ["x-ms-blob-type", "content-type,x-ms-version,x-ms-blob-content-type", "x-ms-meta-name"],
)
def test_every_header_that_an_upload_needs_is_allowed(sending: Stack, headers: str) -> None:
    assert preflight(sending, SITE, headers=headers)[0] == 200


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        (OTHER, "PUT", SENT),
        ("http://www.example.com", "PUT", SENT),
        ("https://www.example.com:8443", "PUT", SENT),
        (SITE, "DELETE", SENT),
        (SITE, "POST", SENT),
        (SITE, "PUT", "authorization,x-ms-blob-type"),
    ],
)
def test_other_origins_methods_and_headers_are_refused(
    sending: Stack, origin: str, method: str, headers: str
) -> None:
    status, answered = preflight(sending, origin, method, headers)
    assert status == 403
    assert "access-control-allow-origin" not in answered


def test_reading_is_allowed_as_before(sending: Stack) -> None:
    assert preflight(sending, SITE, "GET", "range,x-requested-with")[0] == 200
    assert preflight(sending, OTHER, "GET", "range")[0] == 403


def test_a_signed_put_lands_and_its_answer_may_be_read(sending: Stack) -> None:
    path, blob = signed(sending, name="uploads/b"), {"x_ms_blob_type": "BlockBlob"}
    status, headers = asked(sending, "PUT", path, b"bytes", Origin=SITE, **blob)
    assert status == 201
    assert headers["access-control-allow-origin"] == SITE
    exposed = set(headers["access-control-expose-headers"].lower().split(","))
    assert {"etag", "retry-after", "x-ms-error-code", "x-ms-request-id"} <= exposed
    again, refused = asked(sending, "PUT", path, b"other", Origin=SITE, **blob)
    assert again in (403, 409)
    assert refused["access-control-allow-origin"] == SITE  # the page can tell why


def test_what_nobody_has_checked_nobody_reads_although_media_are_public(sending: Stack) -> None:
    found = {}
    for container in ("media", "quarantine"):
        path = signed(sending, container, "page.html")
        sent = {"x_ms_blob_type": "BlockBlob", "Content_Type": "text/html"}
        assert asked(sending, "PUT", path, b"<script>", **sent)[0] == 201
        found[container] = asked(sending, "GET", f"{container}/page.html")[0]
    assert found["media"] == 200
    assert found["quarantine"] in (403, 404)
    levels = next(iter(sending.cloud["accounts"].values()))["containers"]
    assert levels == {"static": "Blob", "media": "Blob", "quarantine": "None"}


def test_without_direct_uploads_the_account_refuses_to_be_sent_to(empty: Azurite) -> None:
    stack = Stack(empty, "dev", {"corsOrigins": [SITE], "directUpload": False})
    stack.run("up")
    assert preflight(stack, SITE)[0] == 403
    assert preflight(stack, SITE, "GET", "range")[0] == 200
    assert stack.outputs["AZURE_DIRECT_UPLOAD"] == "false"


def test_a_stack_of_before_gets_the_container_and_the_rule_and_nothing_is_replaced(
    empty: Azurite,
) -> None:
    """Such a stack: its state and its account without the third container and the second rule."""
    stack = Stack(empty, "prod", {"protect": False, "lock": False, "accountName": "oldaccount"})
    stack.run("up", directUpload=False)
    forget(stack, "site-quarantine")
    steps = {step.resource.name: step for step in stack.plan() if step.resource.custom}
    assert {name: step.op.verb for name, step in steps.items()} == {
        "site-quarantine": "create",
        "site-blobs": "update",
    }
    assert [change.path for change in steps["site-blobs"].changes] == ["cors.corsRules[1]"]
    stack.run("up")
    assert stack.plan() == []


def forget(stack: Stack, name: str) -> None:
    """As if the stack had never declared this container."""
    state, cloud = stack.state, ControlPlane(stack.azurite)
    (resource,) = (r for r in state.resources if r.name == name)
    BlobContainer(cloud).delete(resource.id)
    state.remove(resource)
    state.save()


def test_a_wildcard_lets_in_its_subdomains_and_what_is_listed_after_it(empty: Azurite) -> None:
    """Azurite answers. It matches `*` as Azure's documentation shows, and stops at the first; that
    the second counts too is localazure's doing."""
    origins = ["https://*.preview.example.com", "https://*.test.example", SITE]
    stack = Stack(empty, "dev", {"corsOrigins": origins})
    stack.run("up")
    for origin in ("https://pr-7.preview.example.com", "https://a.test.example", SITE):
        status, headers = preflight(stack, origin)
        assert (status, headers.get("access-control-allow-origin")) == (200, origin)
    for origin in (
        "https://preview.example.com",
        "http://pr-7.preview.example.com",
        "https://pr-7.preview.example.com.evil.example",
        OTHER,
    ):
        assert preflight(stack, origin)[0] == 403
    assert "9 unchanged" in stack.run("refresh")
    assert stack.plan() == []
