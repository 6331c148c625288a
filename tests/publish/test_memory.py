"""Memory stays flat, whatever the size and the number of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.faults import FaultProxy
from tests.publish.container import Container
from tests.publish.null_service import NullService, null_site
from tests.publish.site import Site
from tests.publish.trees import flat_tree, noise, rules

MEGABYTE = 1024 * 1024
MOST = 150
STATUS = Path("/proc/self/status")
# The peak memory of this process alone, as counted by the kernel, and of its largest child, if it
# has any: together never less than what both have at a time.
PUBLISH = """
import resource
import sys
from pathlib import Path
from django.core.management import call_command
call_command("collectstatic", interactive=False, verbosity=1)
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("peak", (int(peak.split()[1]) + children) // 1024)
"""
pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="the kernel's count is Linux's")


def peak(site: Site) -> int:
    """Publish, and return the peak memory in MiB."""
    ended = site.run(PUBLISH, fresh=True, timeout=120).well()
    return int(ended.out.split()[-1])


def sparse(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
        file.write(b"not only zeros")


def test_20_000_files_fit_in_150_mb(tmp_path: Path) -> None:
    with NullService() as service:
        site = null_site(tmp_path, service)
        site.write(flat_tree(20_000, size=100))
        assert peak(site) <= MOST
        assert len(service.blobs) == 20_000 + 3
        assert len(service.take()) == 20_000 + 4
        assert peak(site) <= MOST
        # Five pages of the list, and the render cache.
        assert len(service.take()) == 5 + 1


def test_20_000_files_of_which_half_are_rewritten_fit_in_150_mb(tmp_path: Path) -> None:
    with NullService() as service:
        site = null_site(tmp_path, service)
        tree = flat_tree(10_000, size=40)
        for number, name in enumerate(list(tree)):
            tree[f"css/{number % 100}/{number}.css"] = b"a { b: url(../../%s) }" % name.encode()
        site.write(tree)
        assert peak(site) <= MOST
        assert peak(site) <= MOST
        site.write({**tree, "many/00/f00000.txt": b"changed"})
        service.take()
        assert peak(site) <= MOST
        # Its text, the sheet that shows it, the record, the manifest and the render cache.
        assert service.take().count("PUT") == 5


def test_a_file_of_1_gb_fits_in_150_mb(tmp_path: Path) -> None:
    with NullService() as service:
        site = null_site(tmp_path, service)
        sparse(site.static / "video/large.mp4", 1024 * MEGABYTE)
        assert peak(site) <= MOST
        assert service.received >= 1024 * MEGABYTE
        assert {"PUT block", "PUT blocklist"} <= set(service.requests)


def test_large_text_is_compressed_within_150_mb(tmp_path: Path) -> None:
    with NullService() as service:
        site = null_site(tmp_path, service, hashed_names=False)
        sparse(site.static / "data/large.txt", 100 * MEGABYTE)
        assert peak(site) <= MOST
        assert service.received < MEGABYTE
        assert service.blobs["data/large.txt"]["Content-Encoding"] == "gzip"


def test_style_sheets_and_scripts_are_rendered_and_compressed_within_150_mb(
    tmp_path: Path,
) -> None:
    """Files that are just small enough to be compressed in memory, by all threads at a time."""
    with NullService() as service:
        site = null_site(tmp_path, service, keep_unhashed="needed")
        shown = b".s { background: url(../img/a.png) }\n"
        tree = {f"css/s{n}.css": shown + rules(n, 28_000) for n in range(60)}
        tree |= {f"js/s{n}.js": rules(n, 3000) for n in range(300)}
        site.write({**tree, "img/a.png": noise("a", 100)})
        assert sum(map(len, tree.values())) > 150 * MEGABYTE
        assert peak(site) <= MOST
        assert service.received < 60 * MEGABYTE


def test_a_file_over_64_mib_is_sent_in_blocks_and_one_of_64_mib_is_not(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    sizes = {"v/over.mp4": 64 * MEGABYTE + 1, "v/just.mp4": 64 * MEGABYTE}
    site.write({"css/a.css": rules(1)})
    for name, size in sizes.items():
        sparse(site.static / name, size)
    site.publish().well()
    paths = container.paths()
    large, whole = (f"/{container.account}/{container.name}/{paths[name]}" for name in sizes)
    puts = [record for record in proxy.take() if record.method == "PUT"]
    assert [record.comp for record in puts if record.path == whole] == [""]
    comps = [record.comp for record in puts if record.path == large]
    assert comps[:-1] == ["block"] * (len(comps) - 1)
    assert len(comps) > 8
    assert comps[-1] == "blocklist"
    # All blocks are sent before the manifest.
    assert [record.path for record in puts].index(large) < len(puts) - 2
    blobs = container.blobs()
    for name, size in sizes.items():
        blob = blobs[paths[name]]
        with (site.static / name).open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
        assert blob.size == size
        assert bytes(blob.content_settings.content_md5 or b"") == digest
        assert blob.content_settings.content_type == "video/mp4"
        assert blob.content_settings.cache_control == "public, max-age=31536000, immutable"
        with container.client() as client:
            start = client.download_blob(paths[name], offset=size - 100, length=100).readall()
        assert start == bytes(100)
    # A file that changed in the middle is another file.
    with (site.static / "v/over.mp4").open("r+b") as file:
        file.seek(33 * MEGABYTE)
        file.write(noise("changed", 1000))
    proxy.take()
    assert site.publish().well().counts[:2] == (1, 2)
    assert "blocklist" in {record.comp for record in proxy.take() if record.method == "PUT"}
    with container.client() as client:
        name = container.paths()["v/over.mp4"]
        found = client.download_blob(name, offset=33 * MEGABYTE, length=1000).readall()
    assert found == noise("changed", 1000)
