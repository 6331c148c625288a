"""The middlewares by themselves: threads and tasks, streamed answers, and what is no outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.app.conftest import client, django_site  # noqa: F401  # for the fixtures below

pytestmark = pytest.mark.usefixtures("django_site")


def request(path: str = "/", **headers: str) -> Any:
    from django.test import RequestFactory

    return RequestFactory().get(path, headers=headers)


def test_each_request_has_a_budget_of_its_own_which_ends_with_it() -> None:
    from django.http import HttpResponse
    from django.test import override_settings

    from azureblob.middleware import BlobMiddleware
    from azureblob.timeouts import current

    seen: list[Any] = []

    def view(_: Any) -> HttpResponse:
        seen.append(current())
        return HttpResponse("fine")

    with override_settings(AZURE_REQUEST_SECONDS="3.5"):
        middleware = BlobMiddleware(view)
        for _ in range(2):
            middleware(request())
            assert current() is None
    assert seen[0] is not seen[1]
    assert seen[0].left() == 3.5


def test_the_budget_ends_though_the_view_raises() -> None:
    from azureblob.middleware import BlobMiddleware
    from azureblob.timeouts import current

    def view(_: Any) -> Any:
        raise ValueError

    with pytest.raises(ValueError):
        BlobMiddleware(view)(request())
    assert current() is None


def test_tasks_at_the_same_time_have_a_budget_each() -> None:
    from asgiref.sync import iscoroutinefunction, sync_to_async
    from django.http import HttpResponse

    from azureblob.middleware import BlobMiddleware
    from azureblob.timeouts import current

    seen: list[Any] = []

    async def view(_: Any) -> HttpResponse:
        await asyncio.sleep(0.01)
        inside = current()
        assert inside is await sync_to_async(current)()  # in the thread of a synchronous view
        seen.append(inside)
        return HttpResponse("fine")

    async def both() -> None:
        middleware: Any = BlobMiddleware(view)
        assert iscoroutinefunction(middleware)
        await asyncio.gather(middleware(request()), middleware(request()))
        assert current() is None

    asyncio.run(both())
    assert None not in seen
    assert len(set(seen)) == 2


def test_a_streamed_body_spends_the_budget_of_its_request_and_of_no_other() -> None:
    from django.http import StreamingHttpResponse

    from azureblob.middleware import BlobMiddleware
    from azureblob.timeouts import current

    seen: list[Any] = []

    def parts() -> Iterator[bytes]:
        for _ in range(3):
            seen.append(current())
            yield b"x"

    def view(_: Any) -> StreamingHttpResponse:
        seen.append(current())
        return StreamingHttpResponse(parts())

    response: Any = BlobMiddleware(view)(request())
    sent = b""
    for part in response:
        assert current() is None
        sent += part
    assert sent == b"xxx"
    assert len(seen) == 4
    assert set(seen) == {seen[0]} != {None}


def test_a_body_streamed_by_a_task_spends_the_budget_of_its_request() -> None:
    from django.http import StreamingHttpResponse

    from azureblob.middleware import BlobMiddleware
    from azureblob.timeouts import current

    seen: list[Any] = []

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(2):
            seen.append(current())
            yield b"x"

    async def view(_: Any) -> StreamingHttpResponse:
        seen.append(current())
        return StreamingHttpResponse(parts())

    async def whole() -> bytes:
        middleware: Any = BlobMiddleware(view)
        response = await middleware(request())
        return b"".join([part async for part in response])

    assert asyncio.run(whole()) == b"xx"
    assert set(seen) == {seen[0]} != {None}


def test_a_file_that_the_server_sends_by_itself_stays_one(tmp_path: Any) -> None:
    from django.http import FileResponse

    from azureblob.middleware import BlobMiddleware

    (tmp_path / "file").write_bytes(b"bytes")
    response: Any = BlobMiddleware(lambda _: FileResponse((tmp_path / "file").open("rb")))(
        request()
    )
    assert response.file_to_stream is not None
    assert b"".join(response) == b"bytes"
    response.close()


def errors() -> list[tuple[Any, bool]]:
    from azure.core import exceptions as azure

    from azureblob.publish import ManifestError
    from azureblob.timeouts import OutOfTime

    def answered(status: int) -> azure.HttpResponseError:
        error = azure.HttpResponseError("https://a/?sig=secret")
        error.status_code = status
        return error

    return [
        (OutOfTime("none left"), True),
        (azure.ServiceRequestError("refused"), True),
        (azure.ServiceResponseError("reset"), True),
        (azure.ClientAuthenticationError("no identity"), True),
        (ManifestError("There is none"), True),
        (azure.IncompleteReadError("broke off"), True),
        (azure.HttpResponseError("broke off"), True),
        (answered(403), True),
        (answered(503), True),
        (answered(400), False),
        (answered(404), False),
        (answered(412), False),
        (azure.AzureError("a bug"), False),
        (FileNotFoundError(), False),
        (ValueError("Missing staticfiles manifest entry"), False),
    ]


@pytest.mark.parametrize("number", range(15))
def test_what_storage_is_to_blame_for_is_a_503_and_all_else_is_left_to_django(
    number: int, caplog: pytest.LogCaptureFixture
) -> None:
    from django.http import HttpResponse

    from azureblob.middleware import BlobMiddleware

    error, outage = errors()[number]
    answer = BlobMiddleware(lambda _: HttpResponse()).process_exception(request(), error)
    assert (answer is not None) == outage
    if answer is not None:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert type(error).__name__ in caplog.text or str(error) in caplog.text
    assert "sig=" not in caplog.text


def test_a_program_gets_json_and_a_browser_a_page_without_static_files() -> None:
    from azureblob.outages import unavailable

    page = unavailable(request(accept="text/html,*/*;q=0.8"))
    text = page.content.decode()
    assert "<h1>Temporarily unavailable</h1>" in text
    assert "src=" not in text
    assert "href=" not in text
    assert "style" not in text
    answer: Any = unavailable(request(accept="application/json"))
    assert b'"code": "storage"' in answer.content
    assert b"<h1>" in unavailable(request()).content


def test_health_is_answered_by_a_thread_of_its_own_under_asgi() -> None:
    """Django has one thread for all synchronous views of a request's kind, which may be waiting."""
    import threading

    from asgiref.sync import sync_to_async
    from django.http import HttpResponse
    from django.test import AsyncRequestFactory

    from azureblob.health import HealthMiddleware

    let_go = threading.Event()

    async def view(_: Any) -> HttpResponse:
        await sync_to_async(let_go.wait)(20)
        return HttpResponse("page")

    async def both() -> tuple[int, int]:
        middleware: Any = HealthMiddleware(view)
        factory = AsyncRequestFactory()
        waiting = asyncio.create_task(middleware(factory.get("/")))
        await asyncio.sleep(0.1)
        health = await middleware(factory.get("/healthz"))
        assert not waiting.done()
        let_go.set()
        return health.status_code, (await waiting).status_code

    assert asyncio.run(both()) == (200, 200)


def test_health_follows_the_urlconf(client: Any) -> None:  # noqa: F811
    import sys
    import types

    from django.test import override_settings
    from django.urls import path

    from azureblob.health import healthz

    urls = types.ModuleType("urls_with_another_path")
    urls.urlpatterns = [path("live/probe", healthz)]  # type: ignore[attr-defined]
    sys.modules[urls.__name__] = urls
    try:
        with override_settings(ROOT_URLCONF=urls.__name__, ALLOWED_HOSTS=["only.example"]):
            assert client.get("/live/probe", headers={"host": "10.1.1.1"}).status_code == 200
            assert client.get("/healthz", headers={"host": "10.1.1.1"}).status_code == 400
            assert client.get("/healthz", headers={"host": "only.example"}).status_code == 404
        urls.urlpatterns = []  # type: ignore[attr-defined]
    finally:
        del sys.modules[urls.__name__]
