"""What media folders contain besides files with good names."""

from __future__ import annotations

import os
import socket
import unicodedata
from pathlib import Path

import pytest

from tests.faults import FaultProxy
from tests.migrate.conftest import MakeMedia
from tests.migrate.site import MediaSite
from tests.publish.container import Container


def test_hidden_files_and_those_of_desktops_are_counted_and_left_out(
    media: MediaSite, container: Container
) -> None:
    media.fill(
        {
            ".DS_Store": b"x",
            "a/Thumbs.db": b"x",
            "a/.env": b"SECRET=1",
            "a/seen.txt": b"x",
            ".git/config": b"x",
        }
    )
    assert ", 4 hidden left out.\n" in media.migrate().well().out
    assert list(container.blobs()) == ["a/seen.txt"]
    media.migrate("--include-hidden").well()
    assert len(container.blobs()) == 5


def test_links_are_followed_within_the_folder_and_not_out_of_it(
    media: MediaSite, container: Container
) -> None:
    media.fill({"a/real.txt": b"real"})
    (media.folder / "outside").mkdir()
    (media.folder / "outside/secret.txt").write_text("secret")
    links = {
        "alias.txt": "a/real.txt",
        "b": "a",
        "a/up": "..",
        "out.txt": "../outside/secret.txt",
        "out": "../outside",
        "nowhere.txt": "a/gone.txt",
        "itself": "itself",
    }
    for name, target in links.items():
        (media.media / name).symlink_to(target)
    ended = media.migrate()
    assert ended.code == 1
    assert sorted(container.blobs()) == ["a/real.txt", "alias.txt", "b/real.txt"]
    assert "    out: it is a symbolic link out of the folder: see --follow-links\n" in ended.out
    assert "    out.txt: it is a symbolic link out of the folder: see --follow-links\n" in ended.out
    assert "    nowhere.txt: it is a broken symbolic link\n" in ended.out
    assert "    a/up: it is a symbolic link to a folder that contains it\n" in ended.out
    assert "    itself: it is a symbolic link to itself\n" in ended.out


def test_pipes_and_sockets_are_not_opened(media: MediaSite, container: Container) -> None:
    media.fill({"a.txt": b"a"})
    os.mkfifo(media.media / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(media.media)  # a socket's path is short
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        ended = media.migrate()
    assert ended.code == 1
    assert ended.out.count("it is a device, a pipe or a socket, not a file") == 2
    assert list(container.blobs()) == ["a.txt"]


def test_a_file_that_is_deleted_during_the_run_is_reported(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    media.fill({"a.txt": b"a", "b.txt": b"b"})
    proxy.on_answer = lambda record: (media.media / "a.txt").unlink(missing_ok=True)
    ended = media.migrate()
    assert ended.code == 1
    assert "    a.txt: it cannot be read: No such file or directory\n" in ended.out
    assert list(container.blobs()) == ["b.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_reported(media: MediaSite, container: Container) -> None:
    media.fill({"a.txt": b"a", "b.txt": b"b", "c/d.txt": b"d"})
    (media.media / "a.txt").chmod(0)
    (media.media / "c").chmod(0)
    ended = media.migrate()
    (media.media / "c").chmod(0o700)
    assert ended.code == 1
    assert "    a.txt: it cannot be read: Permission denied\n" in ended.out
    assert "    c: it cannot be read: Permission denied\n" in ended.out
    assert list(container.blobs()) == ["b.txt"]


def test_invalid_blob_names_are_reported_with_the_rule(
    media: MediaSite, container: Container
) -> None:
    media.fill({"good.txt": b"x", "dot.": b"x", "back\\slash": b"x", "bell\x07": b"x"})
    (media.media / os.fsdecode(b"latin\xe9.txt")).write_bytes(b"x")
    ended = media.migrate("--report", "report.jsonl")
    assert ended.code == 1
    assert "    dot.: a part of it ends with a dot, which Azure clients remove\n" in ended.out
    assert "    back\\slash: a backslash in it would be read as a slash\n" in ended.out
    assert "    bell\\x07: Azure does not allow U+0007 in a name\n" in ended.out
    assert "    latin\\udce9.txt: it is not UTF-8\n" in ended.out
    assert list(container.blobs()) == ["good.txt"]
    assert [line["kind"] for line in media.report()].count("unfit name") == 4


def test_names_that_differ_in_case_are_both_sent_and_reported(
    media: MediaSite, container: Container
) -> None:
    media.fill({"Photo.jpg": b"1", "photo.jpg": b"2"})
    ended = media.migrate().well()
    assert "treat these as one name (1):\n    Photo.jpg and photo.jpg\n" in ended.out
    assert sorted(container.blobs()) == ["Photo.jpg", "photo.jpg"]


def test_decomposed_names_are_sent_unchanged_or_composed(
    make_media: MakeMedia,
) -> None:
    decomposed = unicodedata.normalize("NFD", "\u00fcber.txt")
    for flags, expected in (((), decomposed), (("--nfc",), "\u00fcber.txt")):
        site = make_media()
        site.fill({decomposed: b"x"})
        site.migrate(*flags).well()
        assert list(site.container.blobs()) == [expected]
        site.migrate("--verify", *flags).well()


def test_links_out_of_the_folder_are_followed_if_asked_and_never_in_a_circle(
    media: MediaSite, container: Container
) -> None:
    disk = media.folder / "disk"
    media.fill({"2023/old.txt": b"old", "x/back.txt": b"b"}, disk)
    media.fill({"a/real.txt": b"real"})
    links = {
        "archive": "../disk",
        "one.txt": "../disk/2023/old.txt",
        "a/all": str(media.folder),  # in which the folder itself is
        "nowhere": "../gone",
        "itself": "itself",
    }
    for name, target in links.items():
        (media.media / name).symlink_to(target)
    (disk / "x/media").symlink_to(media.media)
    (disk / "x/again").symlink_to(disk)
    ended = media.migrate("--follow-links")
    assert ended.code == 1
    there = container.blobs().keys()
    assert {"a/real.txt", "archive/2023/old.txt", "archive/x/back.txt", "one.txt"} <= there
    assert not [name for name in there if "again/" in name or "x/media/" in name]
    for left in ("archive/x/again", "archive/x/media", "a/all/media"):
        assert f"    {left}: it is a symbolic link to a folder that contains it\n" in ended.out
    assert "    nowhere: it is a broken symbolic link\n" in ended.out
    assert "    itself: it is a symbolic link to itself\n" in ended.out
    again = media.migrate("--follow-links", "--verify")
    assert "not in the container" not in again.out


def test_a_folder_is_sent_verified_and_fetched_below_a_prefix(
    make_media: MakeMedia,
) -> None:
    media = make_media(location="uploads")
    media.fill({"a/b.txt": b"b", ".env": b"SECRET=1"})
    media.row("book", cover="old/2024/a/b.txt", hidden=False)
    media.row("book", cover="old/2024/.env", hidden=False)
    ended = media.migrate("--prefix", "old/2024/")
    assert sorted(media.container.blobs()) == ["uploads/old/2024/a/b.txt"]
    assert "No model refers to these" not in ended.out
    assert "which is hidden: see --include-hidden" in ended.out
    media.container.put("uploads/elsewhere.txt", b"x")
    verified = media.migrate("--prefix", "old/2024", "--verify")
    assert "1 file (1 B) as in the folder" in verified.out
    assert "not in the folder" not in verified.out
    assert media.migrate("--verify").code == 1
    back = media.folder / "back"
    media.migrate("--prefix", "old/2024", "--download", folder=back)
    assert [path.name for path in (back / "a").iterdir()] == ["b.txt"]
    assert not (back / "elsewhere.txt").exists()


@pytest.mark.parametrize("prefix", ["", "/", "a//b", "../a", "a/..", "a\\b", "dot."])
def test_an_invalid_prefix_is_refused(media: MediaSite, prefix: str) -> None:
    ended = media.migrate(f"--prefix={prefix}")
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert "is not a folder of the container; an example is old/2024" in ended.err or (
        "is not a valid blob name: " in ended.err
    )
