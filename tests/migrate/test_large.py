"""Large files: sent in blocks, fetched in ranges, resumed, with bounded memory."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path

import pytest

from tests.faults import FaultProxy, Record
from tests.migrate.site import Command, MediaSite
from tests.publish.container import Container
from tests.publish.trees import noise
from tests.publish.watching import Moment, settle

MEGABYTE = 1024 * 1024
SIZE = 70 * MEGABYTE
BLOCKS = 9
PARTS = 35
# More than a run without any file takes, in KiB: half of the file.
MOST = 40 * 1024


@pytest.fixture
def large(media: MediaSite) -> Path:
    path = media.media / "film.mp4"
    path.write_bytes(noise("film", MEGABYTE) * (SIZE // MEGABYTE))
    return path


def killed(command: Command, proxy: FaultProxy, at: int) -> list[Record]:
    proxy.take()
    Moment(proxy, at, answered=True, pid=command.pid, sign=signal.SIGKILL)
    assert command.end().code == -signal.SIGKILL
    settle(proxy)
    return proxy.take()


def test_a_large_file_is_continued_both_ways_and_memory_stays_bounded(
    media: MediaSite, container: Container, proxy: FaultProxy, large: Path
) -> None:
    nothing = media.begin("migratemedia", "nothing", "--download")
    nothing.end().well()

    first = killed(media.begin("migratemedia", str(media.media)), proxy, 6)
    assert container.blobs() == {}
    command = media.begin("migratemedia", str(media.media))
    ended = command.end().well()
    assert "1 file (73.4 MB) sent" in ended.out
    staged = [
        sum(r.comp == "block" and r.upstream == 201 for r in run) for run in (first, proxy.take())
    ]
    assert sum(staged) == BLOCKS
    assert staged[0] >= 3
    assert command.peak - nothing.peak < MOST
    md5 = container.blobs()["film.mp4"].content_settings.content_md5
    with large.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    assert bytes(md5 or b"") == digest.digest()

    back = media.folder / "back"
    words = ("migratemedia", str(back), "--download")
    killed(media.begin(*words), proxy, 1 + 8 + 4)
    [part] = back.iterdir()
    assert part.name.startswith(".migratemedia-")
    assert 8 * 2 * MEGABYTE <= part.stat().st_size < SIZE
    command = media.begin(*words)
    command.end().well()
    gets = [record for record in proxy.take() if record.path.endswith("film.mp4")]
    assert len(gets) == PARTS - 8
    assert [path.name for path in back.iterdir()] == ["film.mp4"]
    assert (back / "film.mp4").read_bytes() == large.read_bytes()
    assert command.peak - nothing.peak < MOST


def test_large_files_are_fetched_side_by_side_with_bounded_memory(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    nothing = media.begin("migratemedia", "nothing", "--download")
    nothing.end().well()
    clips = {f"clip{number}.mp4": noise(f"clip{number}", 30 * MEGABYTE) for number in range(6)}
    for name, data in clips.items():
        container.put(name, data)
    proxy.take()
    back = media.folder / "back"
    command = media.begin("migratemedia", str(back), "--download")
    ended = command.end().well()
    assert "6 files (188.7 MB) fetched" in ended.out
    order = [record.path.rpartition("/")[2] for record in proxy.take() if "clip" in record.path]
    ends = [len(order) - order[::-1].index(name) for name in clips]
    assert len(set(order[: min(ends)])) > 1
    assert {path.name: path.read_bytes() for path in back.iterdir()} == clips
    assert command.peak - nothing.peak < 2 * MOST


def test_a_download_of_several_large_files_is_continued(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    clips = {f"clip{number}.mp4": noise(f"clip{number}", 30 * MEGABYTE) for number in range(3)}
    for name, data in clips.items():
        container.put(name, data)
    back = media.folder / "back"
    words = ("migratemedia", str(back), "--download")
    killed(media.begin(*words), proxy, 1 + 8)
    sizes = [path.stat().st_size for path in back.iterdir()]
    assert sum(sizes) >= 4 * 8 * MEGABYTE
    left = [30 * MEGABYTE - size for size in [*sizes, 0, 0, 0][:3]]
    command = media.begin(*words)
    command.end().well()
    gets = [record for record in proxy.take() if "clip" in record.path]
    assert len(gets) == sum(-(-size // (8 * MEGABYTE)) for size in left)
    assert {path.name: path.read_bytes() for path in back.iterdir()} == clips


def test_an_interrupted_download_of_another_blob_is_discarded(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    data = noise("clip", 20 * MEGABYTE)
    container.put("clip.mp4", data)
    back = media.folder / "back"
    killed(media.begin("migratemedia", str(back), "--download"), proxy, 1 + 8)
    [part] = back.iterdir()
    with part.open("r+b") as file:
        file.write(b"other")
    media.migrate("--download", folder=back).well()
    assert [path.name for path in back.iterdir()] == ["clip.mp4"]
    assert (back / "clip.mp4").read_bytes() == data


def test_a_large_file_that_changes_while_it_is_read_is_not_stored(
    media: MediaSite, container: Container, proxy: FaultProxy, large: Path
) -> None:
    """It changes while its blocks are sent."""

    def change(record: Record) -> None:
        if record.comp == "block":
            proxy.on_request = None
            with large.open("r+b") as file:
                file.seek(SIZE - 10)
                file.write(b"changed")

    proxy.on_request = change
    ended = media.migrate("--connections", "2")
    assert ended.code == 1
    assert "    film.mp4: it changed during the run" in ended.out
    assert container.blobs() == {}
