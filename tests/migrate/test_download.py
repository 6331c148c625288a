"""Downloads: from the container into a folder, and never outside it."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.faults import Fault, FaultProxy, Record, Rule
from tests.migrate.conftest import MakeMedia
from tests.migrate.hostile import EVIL, HostileService
from tests.migrate.site import MediaSite, contents, md5s, stored, without_md5
from tests.publish.container import Container
from tests.publish.trees import noise
from tests.publish.watching import Moment, settle

FILES = {
    "a.txt": b"a",
    "folder/b c.txt": b"bc",
    "folder/empty": b"",
    "folder/\u00fc/d.bin": noise("d", 100_000),
}


@pytest.fixture
def filled(media: MediaSite, container: Container, proxy: FaultProxy) -> MediaSite:
    """A site with an empty folder `back`, whose container has the files."""
    for name, data in FILES.items():
        container.put(name, data)
    proxy.take()
    return media


@pytest.fixture
def back(filled: MediaSite) -> Path:
    return filled.folder / "back"


def test_a_container_is_fetched_and_existing_files_are_not_fetched_again(
    filled: MediaSite, container: Container, proxy: FaultProxy, back: Path
) -> None:
    ended = filled.migrate("--download", folder=back).well()
    assert "4 files (100.0 kB) fetched" in ended.out
    assert md5s(back) == stored(container)
    (back / "a.txt").unlink()
    proxy.take()
    before = contents(back)
    filled.migrate("--download", folder=back).well()
    assert [record.path.rpartition("/")[2] for record in proxy.take()][1:] == ["a.txt"]
    assert before.items() <= contents(back).items()
    filled.migrate("--verify", folder=back)


def test_an_existing_file_that_differs_is_a_conflict_and_replaced_only_if_asked(
    filled: MediaSite, container: Container, back: Path
) -> None:
    filled.fill({"a.txt": b"x", "folder/b c.txt": b"longer"}, back)
    ended = filled.migrate("--download", folder=back)
    assert ended.code == 1
    assert "a.txt: different content of the same size (1 B)" in ended.out
    assert (back / "a.txt").read_bytes() == b"x"
    assert (back / "folder/empty").exists()
    filled.migrate("--download", "--overwrite", folder=back).well()
    assert md5s(back) == stored(container)


def test_a_file_that_appears_during_the_run_is_not_replaced(
    filled: MediaSite, proxy: FaultProxy, back: Path
) -> None:
    def meanwhile(record: Record) -> None:
        if record.path.endswith("a.txt"):
            (back / "a.txt").write_bytes(b"theirs")

    proxy.on_answer = meanwhile
    ended = filled.migrate("--download", folder=back)
    assert ended.code == 1
    assert "    a.txt: a file of this name appeared in the meantime\n" in ended.out
    assert (back / "a.txt").read_bytes() == b"theirs"
    assert len(contents(back)) == len(FILES)


def test_a_dry_run_fetches_nothing(filled: MediaSite, proxy: FaultProxy, back: Path) -> None:
    back.mkdir()
    ended = filled.migrate("--download", "--dry-run", folder=back).well()
    assert "Pretending to fetch 'a.txt'\n" in ended.out
    assert list(back.iterdir()) == []
    assert len(proxy.take()) == 1


@pytest.mark.parametrize("number", range(4))
def test_a_download_killed_at_any_point_can_be_continued(
    filled: MediaSite, container: Container, proxy: FaultProxy, back: Path, number: int
) -> None:
    at = random.Random(number).randrange(1, 1 + len(FILES))  # noqa: S311
    command = filled.begin("migratemedia", str(back), "--download", "--connections", "1")
    Moment(proxy, at, answered=number % 2 == 1, pid=command.pid, sign=signal.SIGKILL)
    assert command.end().code == -signal.SIGKILL
    settle(proxy)
    wanted = stored(container)
    there = {name: md5 for name, md5 in md5s(back).items() if ".migratemedia" not in name}
    assert there.items() <= wanted.items()
    filled.migrate("--download", folder=back).well()
    assert md5s(back) == wanted


def test_bytes_that_do_not_match_the_md5_are_not_stored(
    filled: MediaSite, proxy: FaultProxy, back: Path
) -> None:
    """The service or the network changed them."""
    name = "wrong.txt"
    with filled.container.client() as client, client.get_blob_client(name) as blob:
        from azure.storage.blob import ContentSettings

        blob.upload_blob(b"right")
        blob.set_http_headers(ContentSettings(content_md5=bytearray(16)))
    ended = filled.migrate("--download", folder=back)
    assert ended.code == 1
    assert f"    {name}: the downloaded bytes do not match its MD5\n" in ended.out
    assert len(contents(back)) == len(FILES)


def test_a_blob_without_an_md5_is_fetched_and_reported(
    filled: MediaSite, container: Container, back: Path
) -> None:
    without_md5(container, "no.txt", b"no md5")
    for count in ("fetched", "there already"):
        ended = filled.migrate("--download", folder=back).well()
        assert f"5 files (100.0 kB) {count}" in ended.out
        assert ("These have no stored MD5" in ended.out) == (count == "fetched")
    assert (back / "no.txt").read_bytes() == b"no md5"


def test_a_request_that_fails_once_is_tried_again(
    filled: MediaSite, proxy: FaultProxy, back: Path
) -> None:
    proxy.rules = [Rule(path="*/a.txt", first=1, fault=Fault.CUT_BODY), Rule(first=1, status=503)]
    filled.migrate("--download", folder=back).well()
    assert md5s(back) == stored(filled.container)


# --- Never out of the folder ----------------------------------------------------------------------

OUT = [
    "../out.txt",
    "../../out.txt",
    "a/../../out.txt",
    "/tmp/migratemedia-out.txt",
    "//tmp/migratemedia-out.txt",
    "..\\out.txt",
    "b\\..\\..\\out.txt",
    "..",
    ".",
    "./out.txt",
    "b//out.txt",
    "b/",
    "nul\x00.txt",
    "line\nbreak.txt",
    "C:\\out.txt",
]


def test_no_blob_name_leads_out_of_the_folder(make_media: MakeMedia) -> None:
    with HostileService([*OUT, "good.txt", "b/good.txt"]) as service:
        media = make_media(Container(service.port, "publishing", "c2VjcmV0", "hostile"))
        media.port = service.port
        back = media.folder / "deep/er/back"
        before = contents(media.folder)
        ended = media.migrate("--download", "--report", "report.jsonl", folder=back)
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert contents(back).keys() == {"good.txt", "b/good.txt"}
    own = ("deep/er/back/", "out.txt", "err.txt", "report.jsonl", "__pycache__/")
    grown = contents(media.folder).keys() - before.keys()
    assert [name for name in grown if not name.startswith(own)] == []
    assert not Path("/tmp/migratemedia-out.txt").exists()
    unfit = [line["name"] for line in media.report() if line["kind"] == "unfit name"]
    assert sorted(unfit) == sorted(OUT)
    assert "\n    line\\nbreak.txt: " in ended.out
    # Blobs that are not written are not requested either.
    assert len(service.asked) == 3


def test_no_link_in_the_folder_leads_out_of_it(
    filled: MediaSite, container: Container, back: Path
) -> None:
    outside = filled.folder / "outside"
    outside.mkdir()
    back.mkdir()
    (back / "folder").symlink_to(outside)
    (outside / "victim.txt").write_bytes(b"victim")
    (back / "a.txt").symlink_to(outside / "victim.txt")
    for flags in ((), ("--overwrite",)):
        ended = filled.migrate("--download", *flags, folder=back)
        assert ended.code == 1
        assert "    a.txt: a symbolic link is in its place\n" in ended.out
        assert "    folder/b c.txt: a symbolic link leads out of the folder\n" in ended.out
        assert contents(outside).keys() == {"victim.txt"}
        assert (outside / "victim.txt").read_bytes() == b"victim"


def test_a_name_that_is_a_file_and_a_folder_at_once_is_reported(
    filled: MediaSite, container: Container, back: Path
) -> None:
    container.put("a.txt/b/below.txt", EVIL)
    ended = filled.migrate("--download", folder=back)
    assert ended.code == 1
    assert "    a.txt: other blobs use its name as a folder, so it cannot be a file\n" in ended.out
    assert contents(back).keys() == FILES.keys() - {"a.txt"} | {"a.txt/b/below.txt"}


def test_a_file_in_the_place_of_a_folder_is_reported(filled: MediaSite, back: Path) -> None:
    filled.fill({"folder": b"a file"}, back)
    ended = filled.migrate("--download", folder=back)
    assert ended.code == 1
    assert "    folder/empty: it cannot be written: " in ended.out
    assert (back / "folder").read_bytes() == b"a file"


def test_names_that_differ_in_case_are_reported(
    filled: MediaSite, container: Container, back: Path
) -> None:
    container.put("A.txt", b"A")
    ended = filled.migrate("--download", folder=back).well()  # this disk knows them apart
    assert "    A.txt and a.txt\n" in ended.out
    assert ((back / "A.txt").read_bytes(), (back / "a.txt").read_bytes()) == (b"A", b"a")


def test_blobs_outside_the_location_are_ignored(
    make_media: MakeMedia, container: Container
) -> None:
    site = make_media(container, location="mine")
    container.put("mine/a.txt", b"a")
    container.put("mine-too/b.txt", b"b")
    site.migrate("--download", folder=site.folder / "back").well()
    assert list(contents(site.folder / "back")) == ["a.txt"]
