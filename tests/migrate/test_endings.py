"""How a run can end, and what it prints."""

from __future__ import annotations

import signal

import pytest

from tests.faults import FaultProxy, Rule
from tests.migrate.site import MediaSite
from tests.publish.container import Container
from tests.publish.terminal import on_a_terminal
from tests.publish.watching import Moment, missing, puts, settle


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_so_in_a_sentence(
    media: MediaSite, proxy: FaultProxy, sign: signal.Signals, code: int
) -> None:
    media.fill({f"{n}.txt": b"%d" % n for n in range(10)})
    proxy.rules = [Rule("PUT", delay=100)]
    command = media.begin("migratemedia", str(media.media), "--connections", "2")
    Moment(proxy, 4, pid=command.pid, sign=sign)
    ended = command.end()
    settle(proxy)
    assert ended.code == code
    assert ended.err == (
        "CommandError: Interrupted. What was moved stays; run the command again to continue.\n"
    )
    proxy.rules = ()
    media.migrate().well()


def test_a_service_that_goes_down_is_not_tried_with_every_file(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    files = {f"{n // 50}/{n}.txt": b"%d" % n for n in range(150)}
    media.fill(files)
    proxy.rules = [Rule("PUT", at=frozenset(range(10, 10_000)), status=503)]
    ended = media.migrate()
    assert ended.code == 1
    assert "64 files failed one after another; " in ended.err
    assert "What was sent stays; run the command again to send the rest." in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.out.splitlines()) < 40
    tried = {record.path for record in proxy.take() if record.method == "PUT"}
    assert len(tried) < 10 + 64 + 64
    proxy.rules = ()
    media.migrate().well()
    assert len(puts(proxy.take())) == 140
    assert missing(container, files) == []


def test_many_files_that_are_refused_do_not_stop_the_others(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    media.fill({f"a/{n}.txt": b"%d" % n for n in range(80)})
    media.fill({"b.txt": b"b"})
    proxy.rules = [Rule("PUT", "*/a/*", status=409, code="BlobImmutableDueToPolicy")]
    ended = media.migrate("--connections", "4")
    assert ended.code == 1
    assert "These failed (80):" in ended.out
    assert list(container.blobs()) == ["b.txt"]


def test_a_service_that_refuses_every_request_ends_the_run_with_a_sentence(
    media: MediaSite, proxy: FaultProxy, container: Container
) -> None:
    media.fill({"a.txt": b"a"})
    proxy.rules = [Rule(status=403, code="AuthenticationFailed")]
    ended = media.migrate()
    assert ended.code == 1
    assert "Blob storage said AuthenticationFailed" in ended.err
    assert container.key not in ended.out + ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "There is no folder nowhere."),
        (("media", "--quick"), "--quick requires --verify."),
        (("media", "--verify", "--overwrite"), "--overwrite contradicts --verify"),
        (("media", "--verify", "-n"), "--dry-run contradicts --verify"),
        (("media", "--download", "--nfc"), "--nfc cannot be used with --download."),
        (("media", "--report", "media/r.jsonl"), "would be inside the media folder."),
        (("media", "--report", "no/r.jsonl"), "no/r.jsonl cannot be written: No such file"),
        (("media", "--connections", "0"), "'0' is not a number from 1 to 256"),
    ],
)
def test_invalid_arguments_are_refused_with_a_sentence(
    media: MediaSite, proxy: FaultProxy, words: tuple[str, ...], said: str
) -> None:
    ended = media.begin("migratemedia", *words).end()
    assert ended.code in {1, 2}
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert proxy.take() == []


def test_a_site_whose_uploads_are_not_in_a_container_learns_what_to_do(media: MediaSite) -> None:
    said = media.run(
        """
from django.conf import settings
from django.core.management import CommandError, call_command
settings.STORAGES["default"] = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
try:
    call_command("migratemedia", "media")
except CommandError as error:
    print(error)
"""
    ).well()
    assert "Run this with the settings that the site will have" in said.out


def test_verbosity_decides_whether_each_file_or_nothing_is_printed(media: MediaSite) -> None:
    media.fill({"a.txt": b"a"})
    assert media.migrate("-v", "0").well().out == ""
    media.fill({"b\x1b[31m.txt": b"b", "c.txt": b"c"})
    ended = media.migrate("-v", "2")
    assert "Moved 'c.txt'\n" in ended.out
    assert "Skipping 'a.txt' (there already)\n" in ended.out
    assert "\x1b" not in ended.out + ended.err


def test_a_terminal_shows_progress(media: MediaSite, proxy: FaultProxy) -> None:
    media.fill({f"{n}.txt": b"%d" % n for n in range(12)})
    proxy.rules = [Rule("PUT", delay=120)]
    seen = on_a_terminal(media, "migratemedia", str(media.media), "--connections", "2")
    assert seen.code == 0
    lines = [line for line in seen.drawn if line.startswith("Sending ")]
    assert any(" of 12 files, " in line and line.endswith(" left") for line in lines)
    assert not [line for line in seen.left if line.startswith("Sending ")]
