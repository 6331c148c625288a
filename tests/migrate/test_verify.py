"""Verifying files that another tool moved; nothing is changed."""

from __future__ import annotations

from azure.storage.blob import ContentSettings

from tests.faults import FaultProxy
from tests.migrate.site import MediaSite, contents, without_md5
from tests.publish.container import Container
from tests.publish.trees import noise

FILES = {"a.txt": b"a", "b/c.bin": noise("c", 5_000_000), "b/empty": b""}


def moved(media: MediaSite, container: Container, *, md5: bool) -> None:
    """Move files as azcopy does, with the headers that the site would set."""
    media.fill(FILES)
    for name, data in FILES.items():
        if not md5:
            without_md5(container, name, data)
        with container.client() as client:
            shown = name.rpartition("/")[2]
            settings = ContentSettings(
                content_type="application/octet-stream",
                content_disposition=f"attachment; filename=\"{shown}\"; filename*=UTF-8''{shown}",
                cache_control="private, max-age=3600",
            )
            if md5:
                client.upload_blob(name, data, content_settings=settings)
                settings.content_md5 = container.blobs()[name].content_settings.content_md5
            client.get_blob_client(name).set_http_headers(settings)


def test_blobs_with_an_md5_are_not_downloaded(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    moved(media, container, md5=True)
    proxy.take()
    ended = media.migrate("--verify").well()
    assert "3 files (5.0 MB) as in the folder.\n" in ended.out
    assert [(record.method, record.comp) for record in proxy.take()] == [("GET", "list")]


def test_blobs_without_an_md5_are_downloaded_or_with_quick_reported(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    moved(media, container, md5=False)
    proxy.take()
    assert "3 files (5.0 MB) as in the folder.\n" in media.migrate("--verify").well().out
    records = proxy.take()
    assert {record.method for record in records} == {"GET"}
    assert sum(record.received for record in records if not record.comp) == 5_000_001
    ended = media.migrate("--verify", "--quick").well()
    assert len(proxy.take()) == 1
    assert "only their size was compared (3):\n" in ended.out
    # One byte in the middle.
    without_md5(container, "b/c.bin", FILES["b/c.bin"][:2_500_000] + b"!" + bytes(2_499_999))
    assert media.migrate("--verify").code == 1


def test_every_difference_is_named_and_nothing_is_changed(
    media: MediaSite, container: Container, proxy: FaultProxy
) -> None:
    moved(media, container, md5=True)
    media.fill({"missing.txt": b"m", "other.txt": b"here", "short.txt": b"short"})
    container.put("other.txt", b"ther")
    container.put("short.txt", b"shor")
    container.put("extra.txt", b"extra")
    with container.client() as client:
        client.upload_blob(
            "a.txt", b"a", overwrite=True, content_settings=ContentSettings("text/html")
        )
    media.row("book", id=1, cover="extra.txt", text="nowhere.txt", hidden=False)
    before, etags = contents(media.media), {b.name: b.etag for b in container.blobs().values()}
    proxy.take()
    ended = media.migrate("--verify", "--report", "report.jsonl")
    assert ended.code == 1
    for line in (
        "These differ from the folder (3):",
        "    missing.txt: it is not in the container",
        "    other.txt: different content of the same size (4 B)",
        "    short.txt: 4 bytes in the container, 5 in the folder",
        "    a.txt: no Cache-Control, Content-Type is 'text/html', no Content-Disposition",
        "    shelf.Book 1.text: nowhere.txt",
        "    extra.txt",
    ):
        assert f"{line}\n" in ended.out
    assert {record.method for record in proxy.take()} == {"GET"}
    assert contents(media.media) == before
    assert {b.name: b.etag for b in container.blobs().values()} == etags
    reported = {(line["kind"], line.get("name")) for line in media.report()}
    assert {("differs", "missing.txt"), ("not in the folder", "extra.txt")} < reported


def test_a_file_that_is_only_in_the_container_is_not_a_difference(
    media: MediaSite, container: Container
) -> None:
    """It was uploaded since the site was switched over."""
    media.fill({"a.txt": b"a"})
    media.migrate().well()
    container.put("new.txt", b"new")
    ended = media.migrate("--verify").well()
    assert "These are in the container and not in the folder (1):\n    new.txt\n" in ended.out
