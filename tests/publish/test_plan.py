"""The requests of a publish, counted at the proxy: one list, then only what differs."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from azure.storage.blob import ContentSettings

from tests.faults import FaultProxy, Record
from tests.publish.container import CACHE, HISTORY, MANIFEST, Container
from tests.publish.null_service import NullService, null_site
from tests.publish.site import Site
from tests.publish.trees import CHANGING, flat_tree, small_tree

SHORT = "public, max-age=30"


def kinds(records: list[Record]) -> Counter[str]:
    """The number of requests of each kind: `GET list`, `PUT`, `PUT properties` and so on. Those for
    the render cache are `GET cache` and `PUT cache`."""
    return Counter(
        f"{record.method} {'cache' if record.path.endswith(CACHE) else record.comp}".strip()
        for record in records
    )


def sent(records: list[Record], container: Container) -> set[str]:
    """The blobs that were written, without the manifest, its copy and the render cache."""
    base = f"/{container.account}/{container.name}/"
    names = {record.path.removeprefix(base) for record in records if record.method == "PUT"}
    return {name for name in names if name != MANIFEST and not name.startswith(HISTORY)}


def test_a_first_run_is_one_list_one_put_a_file_two_of_the_manifest_and_the_cache(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    records = proxy.take()
    assert kinds(records) == {"GET list": 1, "PUT": 24 + 2, "PUT cache": 1}
    assert len(records) <= 24 + 4
    assert records[0].comp == "list"
    assert records[-2].path.endswith("/" + MANIFEST)
    assert records[-1].path.endswith(CACHE)
    assert sent(records, container) == set(container.paths().values())


def test_a_first_run_with_plain_names_has_no_manifest(site: Site, proxy: FaultProxy) -> None:
    site.publish(hashed_names=False).well()
    assert kinds(proxy.take()) == {"GET list": 1, "PUT": 24}


def test_each_plain_name_next_to_a_hashed_one_is_one_more_request(
    site: Site, proxy: FaultProxy
) -> None:
    site.publish(keep_unhashed="all").well()
    assert kinds(proxy.take()) == {"GET list": 1, "PUT": 2 * 24 + 2, "PUT cache": 1}


@pytest.mark.parametrize("hashed", [True, False])
def test_an_unchanged_publish_lists_the_container_and_reads_the_cache(
    site: Site, proxy: FaultProxy, hashed: bool
) -> None:
    site.publish(hashed_names=hashed).well()
    proxy.take()
    assert site.publish(hashed_names=hashed).well().counts[:2] == (0, 24)
    cache = {"GET cache": 1} if hashed else {}
    assert kinds(proxy.take()) == {"GET list": 1, **cache}


def test_past_5000_blobs_there_is_one_list_more_and_each_page_counts(tmp_path: Path) -> None:
    with NullService() as service:
        site = null_site(tmp_path, service, hashed_names=False, gzip=False)
        site.write(flat_tree(5010, size=8))
        assert site.publish().well().counts[0] == 5010
        assert Counter(service.take()) == {"GET list": 1, "PUT": 5010}
        assert site.publish().well().counts[:2] == (0, 5010)
        assert Counter(service.take()) == {"GET list": 2}


def test_one_changed_file_sends_that_file_and_those_that_refer_to_it(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    before = set(container.paths().values())
    proxy.take()
    photo = site.static / "img/photo0.png"
    photo.write_bytes(photo.read_bytes() + b"!")
    site.publish().well()
    records = proxy.take()
    changed = set(container.paths().values()) - before
    assert sent(records, container) == changed
    assert {name.split(".")[0] for name in changed} == {"img/photo0", "css/part0", "css/site"}
    assert kinds(records) == {"GET list": 1, "GET cache": 1, "PUT": 3 + 2, "PUT cache": 1}


def test_a_new_version_sends_only_its_new_files(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    site.write(small_tree(1))
    proxy.take()
    ended = site.publish().well()
    assert ended.counts[:2] == (CHANGING, 24 - CHANGING)
    requests = {"GET list": 1, "GET cache": 1, "PUT": CHANGING + 2, "PUT cache": 1}
    assert kinds(proxy.take()) == requests
    container.holds(site.expected())


def test_going_back_to_an_old_version_sends_the_manifest_alone(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    site.write(small_tree(1))
    site.publish().well()
    proxy.take()
    site.write(small_tree(0))
    site.publish().well()
    assert sent(proxy.take(), container) == set()
    container.holds(site.expected())


def test_modification_times_are_ignored(site: Site, proxy: FaultProxy) -> None:
    site.publish().well()
    for path in site.static.rglob("*"):
        os.utime(path, (4_000_000_000, 4_000_000_000))
    proxy.take()
    site.publish().well()
    assert kinds(proxy.take()) == {"GET list": 1, "GET cache": 1}


def test_a_file_that_changed_under_its_old_time_and_size_is_sent(
    site: Site, proxy: FaultProxy
) -> None:
    site.publish(hashed_names=False).well()
    path = site.static / "img/photo7.png"
    times = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, (times.st_atime, times.st_mtime))
    proxy.take()
    assert site.publish(hashed_names=False).well().counts[:2] == (1, 23)
    assert kinds(proxy.take()) == {"GET list": 1, "PUT": 1}


# --- Headers alone --------------------------------------------------------------------------------


def test_headers_alone_are_set_without_a_body_and_the_other_properties_stay(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish(hashed_names=False).well()
    before = {name: container.get(name) for name in container.blobs()}
    digests = {name: blob.content_settings.content_md5 for name, blob in container.blobs().items()}
    proxy.take()
    options = {"hashed_names": False, "cache_control": SHORT}
    ended = site.publish("-v", "2", **options).well()
    assert ended.counts[:2] == (24, 0)
    assert (
        "Set the headers of 'css/site.css' (Cache-Control was 'public, max-age=300')" in ended.out
    )
    records = proxy.take()
    assert kinds(records) == {"GET list": 1, "PUT properties": 24}
    assert sum(record.sent for record in records) == 0
    for name, blob in container.blobs().items():
        answer = container.get(name)
        assert answer.headers["cache-control"] == SHORT
        assert answer.raw == before[name].raw
        for header in ("content-type", "content-encoding"):
            assert answer.headers.get(header) == before[name].headers.get(header)
        assert blob.content_settings.content_md5 == digests[name]
    site.publish(**options).well()
    assert kinds(proxy.take()) == {"GET list": 1}


def test_a_header_that_is_no_longer_wanted_is_removed(site: Site, proxy: FaultProxy) -> None:
    headers = {"img/*": {"Content-Language": "de", "Content-Disposition": "inline"}}
    site.publish(hashed_names=False, headers=headers).well()
    proxy.take()
    site.publish(hashed_names=False).well()
    assert kinds(proxy.take()) == {"GET list": 1, "PUT properties": 8}
    found = site.container.blobs()["img/photo0.png"].content_settings
    assert not found.content_language
    assert not found.content_disposition


def test_headers_of_hashed_files_are_set_and_the_manifest_stays(
    site: Site, proxy: FaultProxy
) -> None:
    site.publish().well()
    proxy.take()
    site.publish(immutable="public, max-age=7, immutable").well()
    assert kinds(proxy.take()) == {"GET list": 1, "GET cache": 1, "PUT properties": 24}


def test_switching_compression_sends_the_affected_files(site: Site, proxy: FaultProxy) -> None:
    site.publish(hashed_names=False, gzip=False).well()
    proxy.take()
    for gzip in (True, False):
        site.publish(hashed_names=False, gzip=gzip).well()
        records = proxy.take()
        assert kinds(records).keys() == {"GET list", "PUT"}
        assert {record.path.rpartition(".")[2] for record in records[1:]} <= {
            "css",
            "js",
            "map",
            "txt",
        }
    site.publish(hashed_names=False, gzip=False).well()
    assert kinds(proxy.take()) == {"GET list": 1}


# --- Changes by other tools -----------------------------------------------------------------------


def test_changes_by_another_tool_are_undone(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    paths = container.paths()
    bytes_, kind, other, gone = (paths[f"css/part{n}.css"] for n in range(4))
    with container.client() as client:
        client.upload_blob(bytes_, b"not this", overwrite=True)
        client.get_blob_client(kind).set_http_headers(ContentSettings(content_type="text/plain"))
        settings = ContentSettings(content_encoding="br", content_type="text/css; charset=utf-8")
        client.upload_blob(other, b"brotli", overwrite=True, content_settings=settings)
        client.delete_blob(gone)
    proxy.take()
    ended = site.publish("-v", "2").well()
    assert ended.counts[:2] == (4, 20)
    assert f"Sent '{bytes_}' (changed)" in ended.out
    assert f"Sent '{other}' (compressed as br)" in ended.out
    assert f"Sent '{gone}' (new)" in ended.out
    # The request that set the type has cleared the encoding, which headers alone would not fix.
    assert f"Sent '{kind}' (changed)" in ended.out
    container.holds(site.expected())
    for name in (bytes_, kind, other, gone):
        answer = container.get(name)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert answer.headers["content-encoding"] == "gzip"
    proxy.take()
    site.publish().well()
    assert kinds(proxy.take()) == {"GET list": 1, "GET cache": 1}


def test_right_files_of_another_tool_are_not_sent_again(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    with container.client() as client:
        for n in range(8):
            settings = ContentSettings(
                content_type="image/png", cache_control="public, max-age=300"
            )
            data = (site.static / f"img/photo{n}.png").read_bytes()
            client.upload_blob(f"img/photo{n}.png", data, content_settings=settings)
    assert site.publish(hashed_names=False).well().counts[:2] == (16, 8)


def test_foreign_blobs_are_left_in_peace(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    container.put("elsewhere/of another & tool.txt", b"mine")
    site.publish().well()
    site.write(small_tree(1))
    site.publish().well()
    assert "DELETE" not in kinds(proxy.take())
    assert container.get("elsewhere/of another & tool.txt").raw == b"mine"
    assert "img/photo7.png" in container.paths()
