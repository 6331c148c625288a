"""The progress of a publish, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re

import pytest

from azureblob.progress import Progress
from tests.faults import FaultProxy, Rule
from tests.publish.site import Site
from tests.publish.terminal import Seen, on_a_terminal

LINE = re.compile(r"Sending (\d+) of 24 files, [\d.]+ k?B of [\d.]+ kB, [\d.]+ k?B/s, \d+ s left")
SLOWLY = Rule(method="PUT", delay=45)


def drawn(seen: Seen) -> list[int]:
    """The number of files in each line."""
    found = [LINE.fullmatch(line) for line in seen.drawn]
    return [int(match[1]) for match in found if match]


def test_a_terminal_shows_files_bytes_rate_and_time_left_in_one_line(
    site: Site, proxy: FaultProxy
) -> None:
    proxy.rules = [SLOWLY]
    seen = on_a_terminal(site, "collectstatic", "--noinput", connections=2)
    assert seen.code == 0
    counts = drawn(seen)
    assert len(counts) >= 3
    assert counts == sorted(counts)
    assert 0 < counts[0] < counts[-1] <= 24
    # Redrawn, and removed in the end.
    assert seen.left == ["24 static files copied, 24 post-processed."]
    assert "\x1b" not in seen.raw


def test_a_narrow_terminal_does_not_wrap_the_line(site: Site, proxy: FaultProxy) -> None:
    proxy.rules = [SLOWLY]
    seen = on_a_terminal(site, "collectstatic", "--noinput", connections=2, columns=40)
    lines = [line for line in seen.drawn if line.startswith("Sending")]
    assert lines
    assert max(map(len, lines)) < 40
    assert not [line for line in seen.left if "Sending" in line]


def test_a_publish_that_names_each_file_shows_no_progress(site: Site, proxy: FaultProxy) -> None:
    proxy.rules = [SLOWLY]
    seen = on_a_terminal(site, "collectstatic", "--noinput", "-v", "2", connections=2)
    assert seen.code == 0
    assert not [line for line in seen.drawn if line.startswith("Sending")]
    assert len(seen.left) == 25


def test_ci_with_a_terminal_has_plain_lines(site: Site, proxy: FaultProxy) -> None:
    proxy.rules = [SLOWLY]
    seen = on_a_terminal(
        site, "collectstatic", "--noinput", environment={"CI": "true"}, connections=2
    )
    assert seen.drawn == seen.left == ["24 static files copied, 24 post-processed."]


def test_an_error_has_a_line_of_its_own_and_no_colour_where_none_is_wanted(
    site: Site, proxy: FaultProxy
) -> None:
    proxy.rules = [
        SLOWLY,
        Rule(method="PUT", path="*/css/*", status=409, code="BlobImmutableDueToPolicy"),
    ]
    for environment, coloured in (({"NO_COLOR": "1"}, False), ({}, True)):
        seen = on_a_terminal(
            site, "collectstatic", "--noinput", environment=environment, connections=2
        )
        assert seen.code == 1
        assert ("\x1b" in seen.raw) == coloured
        plain = [re.sub("\x1b.*?m", "", line) for line in seen.left]
        assert plain[0].startswith("CommandError: 8 of ")
        assert not [line for line in plain if "Sending" in line]


def test_a_pipe_gets_no_control_characters(site: Site, proxy: FaultProxy) -> None:
    proxy.rules = [SLOWLY]
    ended = site.publish(connections=2).well()
    assert ended.out == "\n24 static files copied, 24 post-processed.\n"
    assert ended.err == ""


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_a_log_gets_a_line_every_15_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, log = Clock(), io.StringIO()
    monkeypatch.setattr("azureblob.progress.time", clock)
    with Progress(100, 100_000_000, log, quiet=False) as progress:
        for _ in range(100):
            clock.now += 1
            progress.add(1_000_000)
    lines = log.getvalue().splitlines()
    assert len(lines) == 6
    assert lines[0] == "Sending 15 of 100 files, 15.0 MB of 100.0 MB, 1.0 MB/s, 1 min left"
    assert lines[-1] == "Sending 90 of 100 files, 90.0 MB of 100.0 MB, 1.0 MB/s, 10 s left"


@pytest.mark.parametrize(
    ("size", "seconds", "message"),
    [
        (2_000_000_000, 7_300, "2.0 GB of 20.0 GB, 274.0 kB/s, 18 h 15 min left"),
        (1_000, 16, "1.0 kB of 10.0 kB, 62 B/s, 2 min left"),
        (0, 16, "0 B of 0 B, 0 B/s, 0 s left"),
    ],
)
def test_amounts_are_in_units_that_a_person_reads(
    monkeypatch: pytest.MonkeyPatch, size: int, seconds: float, message: str
) -> None:
    clock, log = Clock(), io.StringIO()
    monkeypatch.setattr("azureblob.progress.time", clock)
    with Progress(10, size * 10, log, quiet=False) as progress:
        clock.now += seconds
        progress.add(size)
    assert log.getvalue() == f"Sending 1 of 10 files, {message}\n"
