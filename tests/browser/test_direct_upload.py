"""Direct uploads from a real Chromium to the blob service, and what can fail."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient, CorsRule
from playwright.sync_api import Browser, Dialog, Page

from localazure.azurite import Azurite
from localazure.engine.commands import Engine
from localazure.engine.display import Display
from localazure.engine.project import load_project
from localazure.engine.state import State
from localazure.values import plain
from tests.app.conftest import site_environment
from tests.browser.conftest import Visit, chromium, wait_for
from tests.browser.test_site import painted, shoot
from tests.conftest import ROOT, free_port
from tests.faults import FaultProxy, Rule
from tests.site import MANAGE, inherited, manage

MEGABYTE = 1024 * 1024
PRIVATE = "privatemedia"


@dataclass(frozen=True)
class Stack:
    """A separate deployment: Azurite behind a proxy that counts requests and injects faults."""

    azurite: Azurite
    env: dict[str, str]
    proxy: FaultProxy
    service: BlobServiceClient

    def names(self, container: str) -> list[str]:
        return [blob.name for blob in self.service.get_container_client(container).list_blobs()]

    @property
    def blocks(self) -> list[Any]:
        """The blocks that were stored."""
        return [r for r in self.proxy.requests if r.comp == "block" and r.status == 201]


@dataclass(frozen=True)
class Served:
    """The site behind a proxy that counts what is sent to it."""

    origin: str
    proxy: FaultProxy


Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    azurite = Azurite(tmp_path_factory.mktemp("azurite"), free_port())
    azurite.start()
    try:
        Engine(load_project(ROOT, "local"), azurite, Display(io.StringIO())).up(yes=True)
        outputs = plain(State(azurite.state_dir, "local").stack_outputs())
        env = {name: str(value) for name, value in outputs.items()}
        name, key = env["AZURE_ACCOUNT_NAME"], env["AZURE_ACCOUNT_KEY"]
        with (
            FaultProxy(azurite.port) as proxy,
            BlobServiceClient(
                azurite.endpoint(name).rstrip("/"), AzureNamedKeyCredential(name, key)
            ) as service,
        ):
            service.create_container(PRIVATE)
            env["AZURE_BLOB_ENDPOINT"] = f"http://127.0.0.1:{proxy.port}/{name}/"
            env["AZURE_CUSTOM_DOMAIN"] = f"127.0.0.1:{proxy.port}/{name}"
            yield Stack(azurite, env, proxy, service)
    finally:
        azurite.stop()


@pytest.fixture(scope="module")
def serve(
    stack: Stack, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serve]:
    """Start a site with additional environment variables; all stop after this module."""
    with ExitStack() as running:
        published: list[bool] = []

        def start(**more: str) -> Served:
            folder = tmp_path_factory.mktemp("site")
            environment = {
                **inherited(),
                **site_environment(stack.env, folder),
                "DJANGO_SETTINGS_MODULE": "tests.direct.project.settings",
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                **more,
            }
            shutil.copy(prepared, folder)
            if not published:
                manage(environment, "collectstatic", "--noinput")
                published.append(True)
            port, log = free_port(), folder / "server.log"
            output = running.enter_context(log.open("w"))
            server = subprocess.Popen(
                [sys.executable, MANAGE, "runserver", "--nostatic", "--noreload", str(port)],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            running.callback(server.wait, 10)
            running.callback(server.terminate)
            wait_for(f"http://127.0.0.1:{port}/healthz", server, log)
            proxy = running.enter_context(FaultProxy(port))
            return Served(f"http://127.0.0.1:{proxy.port}", proxy)

        yield start


@pytest.fixture(scope="module")
def public(serve: Serve) -> Served:
    return serve()


@pytest.fixture(scope="module")
def private(serve: Serve) -> Served:
    """Signed URLs are valid for up to six seconds, and signatures for uploads for four."""
    return serve(
        AZURE_MEDIA_ACCESS="private",
        AZURE_MEDIA_CONTAINER=PRIVATE,
        TEST_SIGNED_SECONDS="3",
        TEST_SIGNATURE_SECONDS="4",
    )


@pytest.fixture(scope="module")
def browser(public: Served, private: Served) -> Iterator[Browser]:
    """Started after everything that needs an event loop of this thread."""
    with chromium() as running:
        yield running


@pytest.fixture(autouse=True)
def calm(stack: Stack, public: Served, private: Served) -> Iterator[None]:
    """No rules, records or uploads of the previous test."""
    for proxy in (stack.proxy, public.proxy, private.proxy):
        proxy.rules = ()
        proxy.take()
    yield
    hold = stack.service.get_container_client("quarantine")
    for name in stack.names("quarantine"):
        hold.delete_blob(name)


def large(folder: Path, megabytes: int, name: str = "large.bin") -> Path:
    """A file in which no two blocks are equal."""
    path = folder / name
    with path.open("wb") as file:
        for number in range(megabytes):
            file.write(hashlib.sha256(f"{number}".encode()).digest() * (MEGABYTE // 32))
    return path


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetched(url: str) -> tuple[str, Any]:
    """The digest of the content of a URL, and its headers."""
    found = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=30) as answer:
        while piece := answer.read(MEGABYTE):
            found.update(piece)
        return found.hexdigest(), answer.headers


def state(page: Page, name: str, wanted: str, timeout: float = 15_000) -> Any:
    """The file's entry, once it is in this state."""
    entry = page.locator(f".direct-file[data-state={wanted}]", has_text=name)
    entry.wait_for(timeout=timeout)
    return entry


def until(page: Page, done: Callable[[], bool], seconds: float = 20) -> None:
    """Let the page continue until the condition is true."""
    for _ in range(int(seconds * 50)):
        if done():
            return
        page.wait_for_timeout(20)
    pytest.fail("the condition did not become true")


def tokens(page: Page) -> int:
    return page.locator("input[type=hidden][name$=-uploaded]").count()


# --- Successful uploads ---------------------------------------------------------------------------


def test_several_pictures_are_uploaded_directly_and_shown_in_the_gallery(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path, shots: Path | None
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    shoot(visit, shots, "direct-idle")
    pictures = [
        painted(tmp_path, name, top, bottom)
        for name, top, bottom in (
            ("dusk_over the hills.png", "#6d6fb5", "#2b2f5b"),
            ("northern lights.jpg", "#123a4a", "#0b1c26"),
            ("morning.webp", "#f3b183", "#8a5a44"),
            ("meadow.png", "#9fd3f0", "#4f8f4a"),
        )
    ]
    stack.proxy.rules = (Rule(method="PUT", path="*/quarantine/*", delay=700),)
    most_at_once = watched(stack)
    page.set_input_files("#id_image", pictures)
    state(page, "meadow.png", "waiting")
    state(page, "northern lights.jpg", "sending")
    assert page.locator("#id_title").is_disabled()
    assert page.get_by_role("progressbar").count() == 4
    shoot(visit, shots, "direct-sending")
    # Submitted before the files are uploaded: the form waits for them.
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("button", name="Uploads once the files are there…").wait_for()
    page.get_by_text("4 pictures are in the gallery now.").wait_for()
    page.wait_for_function(
        "() => [...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
    assert most_at_once() == 3
    titles = [title.inner_text() for title in page.locator(".card .title").all()]
    assert titles == ["meadow", "morning", "northern lights", "dusk over the hills"]
    assert stack.names("quarantine") == []
    assert visit.failures == []
    shoot(visit, shots, "direct-gallery")
    # The site's process received tokens, and no picture.
    assert sum(r.sent for r in public.proxy.requests) < 10_000
    sizes = {path.stat().st_size for path in pictures}
    sent = [r.sent for r in stack.proxy.requests if r.method == "PUT" and r.sent]
    assert set(sent) == sizes
    assert len(sent) == len(pictures)


def watched(stack: Stack) -> Callable[[], int]:
    """The largest number of concurrent PUTs."""
    state = {"now": 0, "most": 0}

    def began(record: Any) -> None:
        if record.method == "PUT" and "/quarantine/" in record.path:
            state["now"] += 1
            state["most"] = max(state.values())

    def answered(record: Any) -> None:
        if record.method == "PUT" and "/quarantine/" in record.path:
            state["now"] -= 1

    stack.proxy.on_request, stack.proxy.on_answer = began, answered

    def most() -> int:
        stack.proxy.on_request = stack.proxy.on_answer = None
        return state["most"]

    return most


def test_none_of_200_megabytes_passes_through_the_site(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path
) -> None:
    page, path = visit.page, large(tmp_path, 200)
    page.goto(f"{public.origin}/papers/")
    page.set_input_files("#id_paper", path)
    state(page, "large.bin", "done", 120_000)
    page.get_by_role("button", name="Send").click()
    page.locator("#saved").wait_for()
    url = page.locator("#saved").get_attribute("href") or ""

    to_site = sum(r.sent for r in public.proxy.requests)
    assert to_site < 20_000, f"{to_site} bytes went to the site"
    to_storage = sum(r.sent for r in stack.proxy.requests)
    assert 0 <= to_storage - path.stat().st_size < 20_000
    assert len(stack.blocks) == 25
    # What the site fetched to inspect the file.
    from_storage = sum(r.received for r in stack.proxy.requests if "/quarantine/" in r.path)
    assert from_storage <= 64 * 1024
    assert visit.failures == []

    found, headers = fetched(url)
    assert found == digest(path)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment;")


def test_without_javascript_the_form_uploads_the_files(
    browser: Browser, public: Served, stack: Stack, tmp_path: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{public.origin}/")
    page.set_input_files(
        "#id_image",
        [
            painted(tmp_path, "plain one.png", "#fff", "#000"),
            painted(tmp_path, "b.gif", "#fff", "#0f0"),
        ],
    )
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("2 pictures are in the gallery now.").wait_for()
    assert page.locator('img[alt="plain one"]').count() == 1
    assert not [r for r in stack.proxy.requests if "/quarantine/" in r.path]
    context.close()


def test_a_private_gallery_shows_signed_urls_that_expire_and_are_renewed(
    visit: Visit, private: Served, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{private.origin}/")
    page.set_input_files("#id_image", painted(tmp_path, "secret.png", "#400", "#800"))
    state(page, "secret.png", "done")
    page.fill("#id_title", "A secret")
    page.get_by_role("button", name="Upload", exact=True).click()
    image = page.locator('img[alt="A secret"]')
    image.wait_for()
    page.wait_for_function("() => document.querySelector('.card img').naturalWidth > 0")
    url = image.get_attribute("src") or ""
    assert f"/{PRIVATE}/pictures/" in url
    assert "sp=r&" in url
    with pytest.raises(urllib.error.HTTPError) as unsigned:
        urllib.request.urlopen(url.partition("?")[0], timeout=10)
    unsigned.value.close()
    assert fetched(url)[1]["Content-Type"] == "image/png"

    def ended() -> bool:
        try:
            fetched(url)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 403
        return False

    until(page, ended, 10)
    visit.failures.clear()
    page.reload()
    fresh = page.locator('img[alt="A secret"]').get_attribute("src") or ""
    assert fresh != url
    assert fetched(fresh)[1]["Content-Type"] == "image/png"
    assert visit.failures == []


# --- Failures -------------------------------------------------------------------------------------


def test_cancelling_halfway_leaves_nothing(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/papers/")
    before = set(stack.names("media"))
    stack.proxy.rules = (Rule(method="PUT", comp="block", delay=300),)
    page.set_input_files("#id_paper", large(tmp_path, 80))
    until(page, lambda: len(stack.blocks) >= 2)
    page.get_by_role("button", name="Cancel large.bin").click()
    assert page.locator(".direct-file").count() == 0
    assert tokens(page) == 0
    page.get_by_text("large.bin is cancelled.").wait_for(state="attached")
    page.wait_for_timeout(1000)
    # Requests in flight were aborted, and no others followed.
    assert [url for url in visit.failures if "comp=block&" in url]
    assert len(stack.blocks) < 10
    assert not [r for r in stack.proxy.requests if r.comp == "blocklist"]
    assert stack.names("quarantine") == []
    assert set(stack.names("media")) == before
    # The form requires a file again.
    page.get_by_role("button", name="Send").click()
    assert page.locator("#id_paper").evaluate("input => input.validity.valueMissing")


def test_a_removed_upload_is_deleted_from_quarantine(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    page.set_input_files("#id_image", painted(tmp_path, "thought better.png", "#fff", "#000"))
    state(page, "thought better.png", "done")
    assert len(stack.names("quarantine")) == 1
    page.get_by_role("button", name="Remove thought better.png").click()
    until(page, lambda: stack.names("quarantine") == [])
    assert tokens(page) == 0


def test_an_upload_continues_after_azurite_was_killed_and_started_again(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path
) -> None:
    page, path = visit.page, large(tmp_path, 64)
    page.goto(f"{public.origin}/papers/")
    stack.proxy.rules = (Rule(method="PUT", comp="block", delay=200),)
    page.set_input_files("#id_paper", path)
    until(page, lambda: len(stack.blocks) >= 3)
    pid = stack.azurite.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    page.wait_for_timeout(1500)
    assert state(page, "large.bin", "sending")
    stack.azurite.start()
    state(page, "large.bin", "done", 60_000)
    page.get_by_role("button", name="Send").click()
    page.locator("#saved").wait_for()
    assert fetched(page.locator("#saved").get_attribute("href") or "")[0] == digest(path)


def test_try_again_sends_the_missing_blocks_only(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/papers/")
    stack.proxy.rules = (
        Rule(method="PUT", comp="block", at=frozenset({5}), status=400, code="InvalidInput"),
    )
    page.set_input_files("#id_paper", large(tmp_path, 80))
    failed = state(page, "large.bin", "failed", 30_000)
    assert "InvalidInput" in failed.locator(".direct-error").inner_text()
    had = len(stack.blocks)
    assert 4 <= had < 10
    page.get_by_role("button", name="Send").click()
    assert page.evaluate("document.activeElement.className") == "direct-again"
    page.get_by_role("button", name="Try again: large.bin").click()
    state(page, "large.bin", "done", 30_000)
    assert len(stack.blocks) == 10


@pytest.mark.parametrize(
    "rule",
    [
        "PUT */quarantine/* at=0,1 status=503 retry_after=1",
        "PUT */quarantine/* at=0 fault=reset",
        "PUT */quarantine/* at=0 fault=lost",
        "PUT */quarantine/* at=0 status=403 code=AuthenticationFailed",
        "POST */finish/ at=0 status=503",
        "POST */begin/ at=0 fault=reset",
    ],
)
def test_temporary_failures_are_retried(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path, rule: str
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    (public if rule.startswith("POST") else stack).proxy.rules = (Rule.parse(rule),)
    page.set_input_files("#id_image", painted(tmp_path, "patient.png", "#fff", "#000"))
    state(page, "patient.png", "done", 20_000)
    assert tokens(page) == 1
    if "retry_after" in rule:
        began = [r.started for r in stack.proxy.requests if r.method == "PUT" and not r.comp]
        assert all(later - one >= 1 for one, later in itertools.pairwise(began))


def test_a_signature_that_expires_halfway_is_renewed(
    visit: Visit, private: Served, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{private.origin}/papers/")
    stack.proxy.rules = (Rule(method="PUT", comp="block", delay=2500),)
    page.set_input_files("#id_paper", large(tmp_path, 40))
    state(page, "large.bin", "done", 40_000)
    begun = [r for r in private.proxy.requests if r.path.endswith("/begin/")]
    assert len(begun) >= 2
    assert [r for r in stack.proxy.requests if r.comp == "block" and r.status == 403]
    assert len(stack.blocks) == 5


def test_a_refusal_appears_at_its_file_and_the_others_continue(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path, shots: Path | None
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    (tmp_path / "page.png").write_text("<!doctype html><script>alert(1)</script>")
    (tmp_path / "huge.jpg").write_bytes(bytes(10 * MEGABYTE + 1))
    (tmp_path / "scan.tiff").write_bytes(b"II*\0")
    page.set_input_files(
        "#id_image",
        [
            tmp_path / "page.png",
            tmp_path / "huge.jpg",
            tmp_path / "scan.tiff",
            painted(tmp_path, "fine.png", "#9fd3f0", "#4f8f4a"),
        ],
    )
    state(page, "fine.png", "done")
    error = state(page, "page.png", "failed").locator(".direct-error").inner_text()
    assert "can be stored" in error
    assert "at most 10,485,760 bytes" in state(page, "huge.jpg", "failed").inner_text()
    assert "JPEG, PNG, GIF, WEBP" in state(page, "scan.tiff", "failed").inner_text()
    assert page.get_by_role("button", name=re.compile("Try again")).count() == 0
    shoot(visit, shots, "direct-refused")
    assert len(stack.names("quarantine")) == 1
    # The form is not submitted while a file has failed, and says which.
    page.get_by_role("button", name="Upload", exact=True).click()
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove page.png"
    for name in ("page.png", "huge.jpg", "scan.tiff"):
        page.get_by_role("button", name=f"Remove {name}").click()
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_text("“fine” is in the gallery now.").wait_for()


def test_a_form_that_is_shown_again_lists_its_uploads(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/papers/")
    (tmp_path / "again.bin").write_bytes(b"again")
    page.set_input_files("#id_paper", tmp_path / "again.bin")
    state(page, "again.bin", "done")
    page.evaluate("document.querySelector('#id_word').removeAttribute('maxlength')")
    page.fill("#id_word", "much too long")
    page.get_by_role("button", name="Send").click()
    page.locator(".errorlist").wait_for()
    state(page, "again.bin", "done")
    assert not page.locator("#id_paper").evaluate("input => input.required")
    sent = len([r for r in stack.proxy.requests if r.method == "PUT" and r.sent])
    page.fill("#id_word", "short")
    page.get_by_role("button", name="Send").click()
    page.locator("#saved").wait_for()
    assert len([r for r in stack.proxy.requests if r.method == "PUT" and r.sent]) == sent == 1


def test_leaving_the_page_during_an_upload_asks_for_confirmation(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    stack.proxy.rules = (Rule(method="PUT", path="*/quarantine/*", delay=1500),)
    page.set_input_files("#id_image", painted(tmp_path, "slow.png", "#fff", "#000"))
    state(page, "slow.png", "sending")
    page.locator("h1").click()  # browsers ask only after the page was interacted with
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.evaluate("window.location = '/healthz'")
    until(page, lambda: bool(asked), 5)
    assert asked == ["beforeunload"]
    state(page, "slow.png", "done")
    page.goto(f"{public.origin}/healthz")  # without a dialog


# --- Origins and permissions ----------------------------------------------------------------------


@contextmanager
def cors(stack: Stack, origin: str) -> Iterator[None]:
    """Rules to read from any origin, as the script itself is loaded, and to send from one."""
    before = stack.service.get_service_properties()["cors"]
    shared = {"allowed_headers": ["*"], "exposed_headers": ["*"], "max_age_in_seconds": 0}
    stack.service.set_service_properties(
        cors=[
            CorsRule(["*"], ["GET", "HEAD"], **shared),
            CorsRule([origin], ["PUT"], **shared),
        ]
    )
    try:
        yield
    finally:
        stack.service.set_service_properties(cors=before)


def test_a_page_whose_origin_is_not_allowed_uploads_nothing_and_says_why(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path, shots: Path | None
) -> None:
    page = visit.page
    stranger = public.origin.replace("127.0.0.1", "localhost")
    with cors(stack, public.origin):
        page.goto(f"{stranger}/")
        page.set_input_files("#id_image", painted(tmp_path, "stranger.png", "#fff", "#000"))
        error = state(page, "stranger.png", "failed").locator(".direct-error").inner_text()
        assert error == "Uploads from this address are not allowed; tell the site's owner."
        (logged,) = [text for text in visit.failures if "refuses uploads" in text]
        assert f"refuses uploads from the origin {stranger}: no CORS rule" in logged
        assert logged.endswith(f"python manage.py doctor --origin {stranger}")
        shoot(visit, shots, "direct-cors")
        assert stack.names("quarantine") == []
        assert tokens(page) == 0
        # The same rules allow the right page.
        page.goto(f"{public.origin}/")
        page.set_input_files("#id_image", painted(tmp_path, "friend.png", "#fff", "#000"))
        state(page, "friend.png", "done")
        # Trying again works once the origin has been added.
        page.goto(f"{stranger}/")
        page.set_input_files("#id_image", painted(tmp_path, "late.png", "#fff", "#000"))
        state(page, "late.png", "failed")
    with cors(stack, stranger):
        page.get_by_role("button", name="Try again: late.png").click()
        state(page, "late.png", "done")


def test_an_unreachable_storage_is_not_taken_for_a_missing_origin(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    page.wait_for_load_state("networkidle")
    stack.proxy.cut()
    try:
        page.set_input_files("#id_image", painted(tmp_path, "lonely.png", "#fff", "#000"))
        page.wait_for_timeout(2500)
        state(page, "lonely.png", "sending")
    finally:
        stack.proxy.restore()
    state(page, "lonely.png", "done", 30_000)


def test_a_content_security_policy_that_forbids_sending_is_reported(
    visit: Visit, public: Served, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/papers/?unnamed")
    (tmp_path / "a.bin").write_bytes(b"a")
    page.set_input_files("#id_paper", tmp_path / "a.bin")
    error = state(page, "a.bin", "failed").locator(".direct-error").inner_text()
    assert error == "Uploads from this page are not allowed; tell the site's owner."
    (logged,) = [text for text in visit.failures if "connect-src has to include it" in text]
    assert "Content-Security-Policy does not let it send to http://127.0.0.1" in logged


def test_an_expired_page_is_reported_at_the_file(
    visit: Visit, public: Served, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    page.context.clear_cookies()  # the CSRF token belongs to a cookie
    page.set_input_files("#id_image", painted(tmp_path, "old page.png", "#fff", "#000"))
    error = state(page, "old page.png", "failed").locator(".direct-error").inner_text()
    assert "Reload it" in error


# --- Input and accessibility ----------------------------------------------------------------------


def test_files_can_be_dropped(visit: Visit, public: Served, tmp_path: Path) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    body = list(painted(tmp_path, "dropped.png", "#fff", "#000").read_bytes())
    transfer = page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            const parts = [new Uint8Array(bytes)];
            transfer.items.add(new File(parts, "dropped.png", {type: "image/png"}));
            return transfer;
        }""",
        body,
    )
    drop = page.locator("[data-direct-drop]")
    drop.dispatch_event("dragover", {"dataTransfer": transfer})
    assert "over" in (drop.get_attribute("class") or "")
    drop.dispatch_event("drop", {"dataTransfer": transfer})
    state(page, "dropped.png", "done")


def test_on_a_phone_there_is_a_button_for_the_camera(
    browser: Browser, public: Served, tmp_path: Path, shots: Path | None
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(f"{public.origin}/")
    button = page.get_by_role("button", name="Take a photo")
    button.wait_for()
    assert page.locator("input[capture=environment]").get_attribute("name") is None
    with page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(painted(tmp_path, "photo.jpg", "#fff", "#000"))
    state(page, "photo.jpg", "done")
    if shots:
        page.screenshot(path=shots / "direct-phone.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_the_keyboard_suffices_and_the_page_announces_what_happens(
    visit: Visit, public: Served, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{public.origin}/")
    page.locator("#id_image").focus()
    assert page.locator(".drop").evaluate("node => getComputedStyle(node).outlineStyle")
    stack.proxy.rules = (Rule(method="PUT", path="*/quarantine/*", delay=800),)
    page.set_input_files("#id_image", painted(tmp_path, "keys.png", "#fff", "#000"))
    status = page.locator("[data-direct-status]")
    assert status.get_attribute("role") == "status"
    assert status.inner_text() == "keys.png is being uploaded."
    bar = page.get_by_role("progressbar", name="Uploading keys.png")
    assert bar.count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Cancel keys.png"
    page.keyboard.press("Enter")
    assert page.locator(".direct-file").count() == 0
    assert page.evaluate("document.activeElement.id") == "id_image"
    assert status.inner_text() == "keys.png is cancelled."


def test_a_german_visitor_reads_german_texts_of_the_script(
    browser: Browser, public: Served, tmp_path: Path, shots: Path | None
) -> None:
    context = browser.new_context(locale="de-DE", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{public.origin}/papers/")
    assert page.locator("[data-direct-or]").inner_text() == "oder hierher ziehen"
    page.goto(f"{public.origin}/")
    (tmp_path / "groß.jpg").write_bytes(bytes(10 * MEGABYTE + 1))
    page.set_input_files("#id_image", [tmp_path / "groß.jpg"])
    error = state(page, "groß.jpg", "failed").locator(".direct-error").inner_text()
    assert "höchstens 10.485.760 Byte können gespeichert werden" in error
    page.set_input_files("#id_image", painted(tmp_path, "schön.png", "#fff", "#000"))
    entry = state(page, "schön.png", "done")
    assert entry.locator(".direct-note").inner_text().endswith(" · hochgeladen")
    assert page.get_by_role("button", name="schön.png entfernen").inner_text() == "Entfernen"
    if shots:
        page.screenshot(path=shots / "direct-german.png")
    context.close()


# --- Many -----------------------------------------------------------------------------------------


def test_64_uploads_of_one_name_are_64_files(
    browser: Browser, public: Served, stack: Stack, tmp_path: Path
) -> None:
    """Half of them direct, half through the form, all at the same time."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{public.origin}/papers/")
    before = set(stack.names("media"))
    csrf = page.locator("[name=csrfmiddlewaretoken]").input_value()
    cookie = "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())
    context.close()
    session = Session(public.origin, csrf, cookie)
    with ThreadPoolExecutor(16) as pool:
        urls = list(pool.map(session.upload, range(64)))
    assert len(set(urls)) == 64
    assert len(set(stack.names("media")) - before) == 64
    bodies = set()
    for url in urls:
        with urllib.request.urlopen(url, timeout=10) as answer:
            bodies.add(answer.read())
    assert bodies == {f"body {number}".encode() for number in range(64)}


@dataclass(frozen=True)
class Session:
    """A visitor's requests without a browser: 64 tabs would take too much memory."""

    origin: str
    csrf: str
    cookie: str

    def post(self, path: str, body: bytes, kind: str) -> bytes:
        request = urllib.request.Request(
            f"{self.origin}{path}",
            body,
            {"Content-Type": kind, "Cookie": self.cookie, "X-CSRFToken": self.csrf},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: bytes = answer.read()
            return found

    def upload(self, number: int) -> str:
        import json

        body = f"body {number}".encode()
        if number % 2:
            content = multipart({"paper": ("same.bin", body)})
        else:
            asked = json.dumps({"files": [{"name": "same.bin", "size": len(body)}]}).encode()
            grant = json.loads(self.post("/papers/upload/begin/", asked, "application/json"))
            (found,) = grant["files"]
            headers = {"Content-Type": "application/octet-stream", **found["headers"]}
            put = urllib.request.Request(found["url"], body, headers, method="PUT")
            urllib.request.urlopen(put, timeout=60).close()
            asked = json.dumps({"id": found["id"]}).encode()
            passed = json.loads(self.post("/papers/upload/finish/", asked, "application/json"))
            content = multipart({"paper-uploaded": (None, passed["token"].encode())})
        page = self.post("/papers/", content, "multipart/form-data; boundary=xXx").decode()
        url = re.search(r'id="saved" href="([^"]+)"', page)
        assert url, page
        return url[1]


def multipart(parts: dict[str, tuple[str | None, bytes]]) -> bytes:
    lines = []
    for name, (filename, body) in parts.items():
        file = f'; filename="{filename}"' if filename else ""
        lines += [b"--xXx", f'Content-Disposition: form-data; name="{name}"{file}'.encode()]
        lines += [b"Content-Type: application/octet-stream"] if filename else []
        lines += [b"", body]
    return b"\r\n".join([*lines, b"--xXx--", b""])
