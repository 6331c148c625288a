"""Small files are stored with one Put Blob request, which the SDK does not prepare."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import ContainerClient
from django.core.files.base import ContentFile

from azureblob import single_upload
from azureblob.client import DirectTransport, shared_transport
from azureblob.outages import error_code
from tests.app.contract.conftest import media_storage
from tests.conftest import free_port

# An option that SingleUpload does not follow.
BY_SDK = {"client_options": {"user_agent": "sdk"}}


@pytest.fixture
def sdk_uploads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the blobs that the SDK uploads."""
    names: list[str] = []
    upload = ContainerClient.upload_blob

    def recorded(self: Any, name: str, *arguments: Any, **options: Any) -> Any:
        names.append(name)
        return upload(self, name, *arguments, **options)

    monkeypatch.setattr(ContainerClient, "upload_blob", recorded)
    return names


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[Any, list[dict[str, str]]]]:
    """A storage whose service answers with these statuses, the last one again and again; and the
    headers of the requests."""
    left, seen = list(statuses), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append({**dict(self.headers.items()), "target": self.path})
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        from azureblob.storage import BlobStorage

        yield (
            BlobStorage(
                account_name="a",
                account_key="a2V5",
                blob_endpoint=f"http://127.0.0.1:{server.server_port}/a/",
                azure_container="c",
            ),
            seen,
        )
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def listening(response: bytes | None) -> Iterator[int]:
    """The port of a server that sends this and closes the connection; None is to send nothing."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as connection:
                connection.recv(65536)
                if response is None:
                    done.wait(10)
                else:
                    connection.sendall(response)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        done.set()
        thread.join()


@pytest.mark.parametrize("name", ["a.txt", "a b/ü&<%#?~'(1).jpg", "x.tar.gz", "empty"])
def test_a_blob_is_stored_as_the_sdk_stores_it(
    django_site: None, sdk_uploads: list[str], name: str
) -> None:
    content = b"" if name == "empty" else b"\xff\xd8\xff\xe0" + bytes(1000)
    blobs = []
    for options in ({}, BY_SDK):
        media = media_storage(check_content=True, location="below", **options)
        media.save(name, ContentFile(content))
        [blob] = media.client.list_blobs(include=["metadata"])
        blobs.append((blob.name, blob.size, vars(blob.content_settings), blob.metadata))
        assert media.client.download_blob(blob.name, decompress=False).readall() == content
    assert blobs[0] == blobs[1]
    assert len(sdk_uploads) == 1


def test_a_taken_name_is_refused_unless_files_are_overwritten(
    django_site: None, sdk_uploads: list[str]
) -> None:
    media = media_storage()
    media.save("a.txt", ContentFile(b"one"))
    with pytest.raises(FileExistsError):
        media.upload("a.txt", io.BytesIO(b"two"), overwrite=False)
    media.upload("a.txt", io.BytesIO(b"three"), overwrite=True)
    assert media.client.download_blob("a.txt").readall() == b"three"
    assert sdk_uploads == []


@pytest.mark.parametrize("option", ["api_version", "raw_request_hook", "retry_policy"])
def test_options_that_only_the_sdk_follows_leave_uploads_to_the_sdk(
    django_site: None, sdk_uploads: list[str], option: str
) -> None:
    from azure.storage.blob import LinearRetry

    value = {
        "api_version": "2021-12-02",
        "raw_request_hook": lambda request: None,
        "retry_policy": LinearRetry(),
    }[option]
    media = media_storage(client_options={option: value})
    media.save("a.txt", ContentFile(b"x"))
    assert sdk_uploads == ["a.txt"]


def test_a_client_of_a_subclass_sends_its_uploads(
    django_site: None, sdk_uploads: list[str]
) -> None:
    from azureblob.storage import BlobStorage

    class Own(BlobStorage):
        def _get_service_client(self) -> Any:
            return media_storage().service_client

    media = media_storage()
    Own(azure_container=media.azure_container).save("a.txt", ContentFile(b"x"))
    assert sdk_uploads == ["a.txt"]


def test_metadata_that_is_not_ascii_is_left_to_the_sdk(
    django_site: None, sdk_uploads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    media = media_storage()
    monkeypatch.setattr(media, "get_object_parameters", lambda name: {"content_language": "ü"})
    media.save("a.txt", ContentFile(b"x"))
    assert sdk_uploads == ["a.txt"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"azure_container": "no-such-container"}, "ContainerNotFound"),
        ({"account_key": "d3Jvbmcga2V5"}, "AuthorizationFailure"),
    ],
)
def test_a_refusal_is_the_error_that_the_sdk_raises(
    django_site: None, options: dict[str, str], code: str
) -> None:
    from azureblob.storage import BlobStorage

    errors = []
    for more in ({}, BY_SDK):
        with pytest.raises(HttpResponseError) as caught:
            BlobStorage(**options, **more).save("a.txt", ContentFile(b"x"))
        errors.append(caught.value)
        assert "d3Jvbmcga2V5" not in str(caught.value)
    assert [error_code(error) for error in errors] == [code] * 2
    assert type(errors[0]) is type(errors[1])
    assert errors[0].status_code == errors[1].status_code


def test_a_failed_authentication_is_the_error_that_the_sdk_raises() -> None:
    """Azure's error code, which Azurite does not send."""
    response = SimpleNamespace(
        status_code=403,
        reason="Forbidden",
        headers={"x-ms-error-code": "AuthenticationFailed"},
        text=lambda: "",
    )
    assert isinstance(single_upload._error(response), ClientAuthenticationError)  # type: ignore[arg-type]


def test_a_request_for_another_identity_is_left_to_the_sdk(
    django_site: None, sdk_uploads: list[str]
) -> None:
    with answering(401, 201) as (media, seen):
        media.save("a.txt", ContentFile(b"x"))
    assert sdk_uploads == ["a.txt"]
    assert len(seen) == 2


def test_a_service_that_fails_is_asked_again_with_the_same_content(
    django_site: None, sdk_uploads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azureblob.client.RetryPolicy.get_backoff_time", lambda *_: 0)
    with answering(503, 500, 201) as (media, seen):
        media.save("a.txt", ContentFile(b"content"))
    assert [request["Content-Length"] for request in seen] == ["7"] * 3
    assert {request["target"] for request in seen} == {"/a/c/a.txt?timeout=20"}
    assert {request["If-None-Match"] for request in seen} == {"*"}
    assert sdk_uploads == []


def test_a_service_that_keeps_failing_is_the_sdks_error(
    django_site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azureblob.client.RetryPolicy.get_backoff_time", lambda *_: 0)
    with answering(503) as (media, seen), pytest.raises(HttpResponseError) as caught:
        media.save("a.txt", ContentFile(b"x"))
    assert caught.value.status_code == 503
    assert len(seen) == 3


# --- The session ----------------------------------------------------------------------------------


TIMEOUTS = {"connection_timeout": 0.5, "read_timeout": 0.5}
Sender = Callable[..., Any]


@pytest.fixture(params=["requests", "direct"])
def put(request: pytest.FixtureRequest) -> Iterator[Sender]:
    """PUT a URL through one of the two transports, with options of HttpRequest."""
    with shared_transport(TIMEOUTS) as shared:
        transport: Any = shared if request.param == "requests" else DirectTransport(shared)

        def send(url: str, **options: Any) -> Any:
            wanted = HttpRequest("PUT", url, **options)
            wanted.data = b""
            return transport.send(wanted)

        yield send


def test_a_proxy_of_the_environment_is_used(
    django_site: None, put: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(201) as (media, seen):
        monkeypatch.setenv("http_proxy", media.blob_endpoint)
        monkeypatch.setenv("no_proxy", "")
        url = "http://blob.example/c/a.txt"
        assert put(url, headers={"Content-Length": "0"}).status_code == 201
    assert [request["target"] for request in seen] == [url]


@pytest.mark.usefixtures("dead_proxy")
def test_an_account_on_this_machine_is_asked_without_the_proxy(
    django_site: None, put: Sender
) -> None:
    with answering(201) as (media, seen):
        url = f"{media.blob_endpoint}c/a.txt"
        assert put(url, headers={"Content-Length": "0"}).status_code == 201
    assert len(seen) == 1


def test_a_header_with_a_line_break_is_not_sent(django_site: None, put: Sender) -> None:
    with answering(201) as (media, seen), pytest.raises((ServiceResponseError, ValueError)):
        put(f"{media.blob_endpoint}c/a", headers={"x-ms-meta-a": "b\r\nx-ms-meta-c: d"})
    assert seen == []


def test_a_closed_port_is_a_request_that_was_not_sent(put: Sender) -> None:
    with pytest.raises(ServiceRequestError) as caught:
        put(f"http://127.0.0.1:{free_port()}/a")
    assert type(caught.value) is ServiceRequestError


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nx"])
def test_a_connection_that_breaks_off_is_a_response_that_did_not_arrive(
    put: Sender, response: bytes
) -> None:
    with listening(response) as port, pytest.raises((ServiceResponseError, HttpResponseError)):
        put(f"http://127.0.0.1:{port}/a")


def test_a_service_that_does_not_answer_is_a_time_out(put: Sender) -> None:
    with listening(None) as port, pytest.raises(ServiceResponseTimeoutError):
        put(f"http://127.0.0.1:{port}/a")


def test_a_password_in_netrc_does_not_replace_the_signature(
    django_site: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with answering(201) as (media, seen):
        media.save("a.txt", ContentFile(b"x"))
    assert seen[0]["Authorization"].startswith("SharedKey a:")
