"""A media folder sent to a container: what is sent, with which headers, and what is reported."""

from __future__ import annotations

import io

from PIL import Image

from tests.faults import Fault, FaultProxy, Record, Rule
from tests.migrate.conftest import MakeMedia
from tests.migrate.site import MediaSite, contents, md5s, stored, without_md5
from tests.publish.container import Container
from tests.publish.trees import noise


def picture(kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(buffer, kind)
    return buffer.getvalue()


FILES = {
    "covers/a.png": picture(),
    "covers/one page.html": b"<script>alert(1)</script>",
    "texts/2024/\u00fcber.txt": b"a text\n",
    "texts/empty.txt": b"",
    "large.bin": noise("large", 300_000),
}
SENT = "5 files (300.1 kB) sent, 0 files (0 B) there already.\n"


def test_a_folder_is_copied_and_not_changed(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    media.fill(FILES)
    before = contents(media.media)
    ended = media.migrate("--report", "report.jsonl").well()
    assert ended.out.endswith(SENT)
    assert stored(container) == md5s(media.media)
    assert contents(media.media) == before
    # One request a file, and a list before and after.
    assert len(proxy.take()) == len(FILES) + 2
    again = media.migrate().well()
    assert again.out.endswith("0 files (0 B) sent, 5 files (300.1 kB) there already.\n")
    assert [(r.method, r.comp) for r in proxy.take()] == [("GET", "list")]


def test_every_file_is_sent_with_its_md5_so_that_the_service_refuses_other_bytes(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    """A file that changes while it is sent is reported, and is not in the container."""
    media.fill({"a.bin": noise("a", 400_000), "b.txt": b"b"})
    proxy.rules = [Rule("PUT", "*/a.bin", status=503, first=1)]

    def change(record: Record) -> None:
        if record.path.endswith("a.bin"):
            (media.media / "a.bin").write_bytes(noise("other", 400_000))

    proxy.on_request = change
    ended = media.migrate()
    assert ended.code == 1
    assert "    a.bin: it changed during the run\n" in ended.out
    assert "1 file (1 B) sent" in ended.out
    assert list(container.blobs()) == ["b.txt"]
    proxy.on_request, proxy.rules = None, ()
    media.migrate().well()
    assert stored(container) == md5s(media.media)


def test_a_file_that_changes_after_it_was_sent_is_reported(
    media: MediaSite, proxy: FaultProxy
) -> None:
    media.fill({"a.txt": b"a"})

    def change(record: Record) -> None:
        if record.method == "PUT":
            (media.media / "a.txt").write_bytes(b"changed")

    proxy.on_answer = change
    ended = media.migrate()
    assert ended.code == 1
    assert "a.txt: it changed during the run, after it was sent" in ended.out


def test_blobs_have_the_headers_that_the_storage_would_have_set(
    media: MediaSite, container: Container
) -> None:
    media.fill(FILES)
    media.migrate().well()
    script = f"""
from pathlib import Path
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
for name in {list(FILES)!r}:
    default_storage.save("saved/" + name, ContentFile(Path("media", name).read_bytes()))
"""
    media.run(script).well()
    blobs = container.blobs()
    for name in FILES:
        moved, saved = blobs[name], blobs[f"saved/{name}"]
        assert moved.metadata == saved.metadata, name
        ours, its = vars(moved.content_settings), vars(saved.content_settings)
        for header in ("content_type", "content_disposition", "cache_control", "content_encoding"):
            assert (ours[header] or None) == (its[header] or None), (name, header)
    assert blobs["covers/a.png"].content_settings.content_type == "image/png"
    page = blobs["covers/one page.html"]
    assert page.content_settings.content_type == "application/octet-stream"
    assert str(page.content_settings.content_disposition).startswith("attachment")
    assert page.content_settings.cache_control == "private, max-age=3600"
    assert page.metadata == {"original_name": "one%20page.html"}


def test_names_are_below_the_location_of_the_storage(
    make_media: MakeMedia, container: Container
) -> None:
    site = make_media(container, location="old/site")
    site.fill({"a.txt": b"a"})
    site.migrate().well()
    assert list(container.blobs()) == ["old/site/a.txt"]
    site.migrate("--verify").well()


def test_other_content_of_the_same_name_is_a_conflict_and_replaced_only_if_asked(
    media: MediaSite, container: Container
) -> None:
    media.fill({"same.txt": b"same", "other.txt": b"here", "longer.txt": b"here"})
    container.put("same.txt", b"same")
    container.put("other.txt", b"ther")
    container.put("longer.txt", b"there")
    ended = media.migrate("--report", "report.jsonl")
    assert ended.code == 1
    assert "    longer.txt: 5 bytes in the container, 4 in the folder\n" in ended.out
    assert "    other.txt: different content of the same size (4 B)\n" in ended.out
    assert "2 problems found" in ended.err
    assert container.get("other.txt").body == b"ther"
    report = media.report()
    assert [line["name"] for line in report if line["kind"] == "conflict"] == [
        "longer.txt",
        "other.txt",
    ]
    assert report[-1]["ended"] == "with faults"
    media.migrate("--overwrite").well()
    assert stored(container) == md5s(media.media)


def test_a_blob_that_another_process_stores_during_the_run_is_not_replaced(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    """Neither a new name nor, with --overwrite, a newer version."""
    media.fill({"new.txt": b"new", "old.txt": b"old"})
    container.put("old.txt", b"older")

    def meanwhile(record: Record) -> None:
        if record.comp == "list":
            proxy.on_answer = None
            container.put("new.txt", b"theirs")
            container.put("old.txt", b"theirs")

    proxy.on_answer = meanwhile
    ended = media.migrate("--overwrite")
    assert ended.code == 1
    assert "new.txt: another process stored a different file" in ended.out
    assert "old.txt: another process stored a different file" in ended.out
    assert {container.get(name).body for name in ("new.txt", "old.txt")} == {b"theirs"}


def test_a_blob_that_is_deleted_before_the_closing_list_is_reported(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    media.fill({"a.txt": b"a", "b.txt": b"b"})

    def delete(record: Record) -> None:
        if record.path.endswith("a.txt"):
            with container.client() as client:
                client.delete_blob("a.txt")

    proxy.on_answer = delete
    ended = media.migrate()
    assert ended.code == 1
    assert "    a.txt: it was sent, but is not in the container\n" in ended.out
    assert "1 file (1 B) sent" in ended.out


def test_a_lost_response_is_not_a_conflict(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    media.fill(FILES)
    proxy.rules = [Rule(first=1, fault=Fault.LOST)]
    ended = media.migrate().well()
    assert ended.out.endswith(SENT)
    assert stored(container) == md5s(media.media)


def test_a_dry_run_sends_nothing_and_prints_what_would_be_sent(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    media.fill({"there.txt": b"there", "new.txt": b"new", "other.txt": b"one"})
    container.put("there.txt", b"there")
    container.put("other.txt", b"another")
    proxy.take()
    ended = media.migrate("--dry-run")
    assert ended.code == 1  # as the run itself would
    assert "Pretending to send 'new.txt'\n" in ended.out
    assert "'there.txt'" not in ended.out
    assert "1 file (3 B) would be moved, 1 file (5 B) there already.\n" in ended.out
    assert {record.method for record in proxy.take()} == {"GET"}
    assert sorted(container.blobs()) == ["other.txt", "there.txt"]
    assert "Pretending to send 'other.txt'\n" in media.migrate("-n", "--overwrite").well().out


def test_a_blob_without_an_md5_is_read_before_it_counts_as_the_same(
    media: MediaSite, container: Container
) -> None:
    media.fill({"same.txt": b"same", "other.txt": b"here"})
    for name, data in {"same.txt": b"same", "other.txt": b"ther"}.items():
        without_md5(container, name, data)
    ended = media.migrate()
    assert ended.code == 1
    assert "1 file (4 B) there already" in ended.out
    assert "    other.txt: different content of the same size (4 B)\n" in ended.out


def test_headers_set_by_another_tool_are_fixed_if_asked(
    media: MediaSite, container: Container
) -> None:
    from azure.storage.blob import ContentSettings

    media.fill({"page.html": b"<script>"})
    with container.client() as client:
        client.upload_blob(
            "page.html", b"<script>", content_settings=ContentSettings(content_type="text/html")
        )
    media.migrate().well()
    assert container.get("page.html").headers["content-type"] == "text/html"
    assert (
        "page.html: no Cache-Control, Content-Type is 'text/html'" in media.migrate("--verify").out
    )
    assert "1 with new headers" in media.migrate("--fix-headers").well().out
    answer = container.get("page.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    media.migrate("--verify").well()
