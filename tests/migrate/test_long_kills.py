"""Transfers of over 20 s continue where they were interrupted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import Timer

import pytest

from tests.faults import FaultProxy, Rule
from tests.migrate.conftest import MakeMedia
from tests.migrate.site import Command, MediaSite, md5s, stored
from tests.publish.container import Container
from tests.publish.trees import noise
from tests.publish.watching import settle

pytestmark = pytest.mark.endurance
MEGABYTE = 1024 * 1024
BLOCKS = 9
# Two waves of blocks side by side, each held back for so long.
WAVE_SECONDS = 12
KILLS = 20
SIGNS = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
FILES = {f"small/{n}.bin": noise(f"small {n}", 20_000) for n in range(6)}


def fill(media: MediaSite) -> None:
    media.fill({**FILES, "film.mp4": noise("film", MEGABYTE) * (8 * BLOCKS)})


def ended_by(command: Command, sign: signal.Signals, seconds: float) -> None:
    timer = Timer(seconds, os.kill, (command.pid, sign))
    timer.start()
    ended = command.end()
    timer.cancel()
    assert ended.code == (-sign if sign == signal.SIGKILL else 128 + sign), ended
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("number", range(KILLS))
def test_an_upload_of_over_20_seconds_is_continued_where_it_was_cut_off(
    make_media: MakeMedia,
    make_container: Callable[[], Container],
    proxy: FaultProxy,
    number: int,
) -> None:
    container = make_container()
    media = make_media(container)
    fill(media)
    before = md5s(media.media)
    proxy.take()
    proxy.rules = [Rule("PUT", comp="block", delay=1000 * WAVE_SECONDS)]
    command = media.begin("migratemedia", str(media.media))
    # From the first second on to just before the last wave ends.
    ended_by(command, SIGNS[number % len(SIGNS)], 1 + number * (2 * WAVE_SECONDS - 3) / KILLS)
    proxy.rules = ()
    settle(proxy)
    first = proxy.take()
    assert not any(record.comp == "blocklist" and record.method == "PUT" for record in first)
    assert container.blobs().keys() <= FILES.keys()

    media.migrate().well()
    again = proxy.take()
    staged = [sum(r.comp == "block" and r.upstream == 201 for r in run) for run in (first, again)]
    assert sum(staged) == BLOCKS  # none was sent twice
    assert stored(container) == before
    assert md5s(media.media) == before


@pytest.mark.parametrize("number", range(6))
def test_a_download_of_over_20_seconds_is_continued_where_it_was_cut_off(
    make_media: MakeMedia,
    make_container: Callable[[], Container],
    proxy: FaultProxy,
    number: int,
) -> None:
    container = make_container()
    media = make_media(container)
    fill(media)
    before = md5s(media.media)
    media.migrate().well()
    back = media.folder / "back"
    # Five waves of eight parts.
    proxy.rules = [Rule("GET", "*/film.mp4", delay=5000)]
    command = media.begin("migratemedia", str(back), "--download")
    ended_by(command, SIGNS[number % len(SIGNS)], 2 + number * 3.5)
    proxy.rules = ()
    settle(proxy)
    whole = {name for name in md5s(back) if not name.rpartition("/")[2].startswith(".")}
    assert whole <= FILES.keys()
    media.migrate("--download", folder=back).well()
    assert md5s(back) == before
