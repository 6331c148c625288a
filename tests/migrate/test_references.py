"""References in the database and files: every model, every field and every database."""

from __future__ import annotations

import sqlite3
import unicodedata
from contextlib import closing

from tests.migrate.conftest import MakeMedia
from tests.migrate.site import MediaSite
from tests.publish.container import Container

UNREFERENCED = "No model refers to these"
MISSING = "These database references have no file"


def listed(out: str, heading: str) -> list[str]:
    """The lines below a heading."""
    lines = out.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(heading)]
    if not starts:
        return []
    below = lines[starts[0] + 1 :]
    return [line.strip() for line in below[: below.index("")]]


def fill(media: MediaSite) -> None:
    """One reference of every kind with a file, and one without."""
    media.fill(
        {
            "covers/1.png": b"1",
            "texts/2.txt": b"2",
            "maps/3.pdf": b"3",
            "drawer/4.txt": b"4",
            "archive/5.txt": b"5",
            "nobody/6.txt": b"6",
        }
    )
    media.row("book", id=1, cover="covers/1.png", text=None, hidden=False)
    media.row("book", id=2, cover="", text="texts/2.txt", hidden=True)
    media.row("atlas", book_ptr_id=1, map="./maps//3.pdf")
    media.row("letter", id=1, sheet="4.txt")
    media.row("receipt", id=1, scan="only/on/disk.pdf")
    media.row("book", "archive", id=7, cover="", text="archive/5.txt", hidden=False)


def test_unreferenced_files_and_references_without_a_file_are_reported(
    media: MediaSite, container: Container
) -> None:
    fill(media)
    out = media.migrate().well().out
    assert listed(out, UNREFERENCED) == ["nobody/6.txt"]
    assert listed(out, MISSING) == []
    media.row("book", id=3, cover="covers/gone.png", text="../out.txt", hidden=True)
    media.row("letter", id=2, sheet="gone.txt")
    media.row("atlas", "archive", book_ptr_id=7, map="maps/gone.pdf")
    ended = media.migrate("--report", "report.jsonl").well()
    reported = [
        "shelf.Book 3.cover: covers/gone.png",
        "shelf.Book 3.text: ../out.txt, which points outside the container",
        "shelf.Atlas 7.map: maps/gone.pdf",
        "shelf.Letter 2.sheet: gone.txt",
    ]
    assert sorted(listed(ended.out, MISSING)) == sorted(reported)
    report = [line["name"] for line in media.report() if line["kind"] == "reference without a file"]
    assert sorted(report) == sorted(line.partition(":")[0] for line in reported)
    # Everything was moved, so that run succeeds; the site lacks files, so verifying it fails.
    assert media.migrate("--verify").code == 1


def test_references_are_below_the_location_of_their_own_storage(make_media: MakeMedia) -> None:
    media = make_media(location="site")
    media.fill({"covers/1.png": b"1", "drawer/4.txt": b"4"})
    media.row("book", id=1, cover="covers/1.png", text=None, hidden=False)
    media.row("letter", id=1, sheet="4.txt")
    out = media.migrate().well().out
    assert listed(out, UNREFERENCED) == ["drawer/4.txt"]
    assert listed(out, MISSING) == ["shelf.Letter 1.sheet: 4.txt"]


def test_a_dry_run_counts_files_to_send_as_existing(media: MediaSite) -> None:
    fill(media)
    out = media.migrate("--dry-run").well().out
    assert listed(out, MISSING) == []
    assert listed(out, UNREFERENCED) == ["nobody/6.txt"]


def test_lists_are_shortened_and_the_report_is_not(media: MediaSite) -> None:
    media.fill({f"{n:03}.txt": b"" for n in range(50)})
    ended = media.migrate("--report", "report.jsonl").well()
    assert f"{UNREFERENCED} (50):" in ended.out
    assert "    and 30 more\n" in ended.out
    report = media.report()
    assert [line["kind"] for line in report].count("unreferenced") == 50
    assert report[-1]["counts"] == {"done": 50, "unreferenced": 50}
    assert report[-1]["ended"] == "well"


def test_a_reference_that_one_flag_would_find_is_reported_with_the_flag(media: MediaSite) -> None:
    media.fill({unicodedata.normalize("NFD", "\u00fc.txt"): b"1", ".private/a.txt": b"2"})
    media.row("book", id=1, cover="\u00fc.txt", text=".private/a.txt", hidden=False)
    reported = listed(media.migrate().well().out, MISSING)
    assert reported == [
        "shelf.Book 1.cover: \u00fc.txt, which exists in another Unicode form: see --nfc",
        "shelf.Book 1.text: .private/a.txt, which is hidden: see --include-hidden",
    ]


def test_the_flags_find_it(make_media: MakeMedia) -> None:
    media = make_media()
    media.fill({unicodedata.normalize("NFD", "\u00fc.txt"): b"1", ".private/a.txt": b"2"})
    media.row("book", id=1, cover="\u00fc.txt", text=".private/a.txt", hidden=False)
    out = media.migrate("--nfc", "--include-hidden").well().out
    assert (listed(out, MISSING), listed(out, UNREFERENCED)) == ([], [])


def test_a_database_that_cannot_be_read_is_reported_and_the_files_are_moved(
    media: MediaSite, container: Container
) -> None:
    media.fill({"a.txt": b"a"})
    (media.folder / "archive.sqlite3").write_bytes(b"no database" * 1000)
    ended = media.migrate()
    assert ended.code == 1
    assert "the database: The database 'archive' cannot be read (DatabaseError)" in ended.out
    assert list(container.blobs()) == ["a.txt"]


def test_a_model_without_a_table_in_any_database_is_reported(media: MediaSite) -> None:
    for alias in ("default", "archive"):
        with closing(sqlite3.connect(media.folder / f"{alias}.sqlite3")) as connection:
            connection.execute("DROP TABLE shelf_letter")
    ended = media.migrate()
    assert ended.code == 1
    assert "No database has a table of shelf.Letter. Run manage.py migrate." in ended.out
