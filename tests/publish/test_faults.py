"""Transient failures are retried, soon and politely; others are reported."""

from __future__ import annotations

import json
import signal
import socket
from base64 import b64encode
from collections import defaultdict

import pytest

from tests.faults import Fault, FaultProxy, Record, Rule
from tests.publish.conftest import MakeSite
from tests.publish.container import MANIFEST, Container
from tests.publish.site import Finished, Site
from tests.publish.trees import flat_tree, noise, rules, small_tree
from tests.publish.watching import blob, owed, puts, settle, until

NAMED = "The manifest, if there is one, is as it was."


def tries(records: list[Record]) -> dict[tuple[str, str], list[Record]]:
    """The requests for each blob, in order."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        # Names in the history contain the time, and a retry has the same name.
        found[record.method, blob(record)].append(record)
    return found


def failed(finished: Finished, key: str) -> str:
    """What a publish that failed said, in sentences and without the key."""
    assert finished.code == 1, finished
    assert finished.err.startswith("CommandError: ")
    assert "Traceback" not in finished.err
    assert key not in finished.out + finished.err
    assert key.rstrip("=") not in finished.out + finished.err
    return finished.err


# --- Transient failures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        Rule(first=1, status=503),
        Rule(first=1, status=429),
        Rule(first=1, status=500),
        Rule(first=1, status=502),
        Rule(first=1, status=504),
        Rule(first=1, status=408),
        Rule(first=1, fault=Fault.RESET),
        Rule(first=1, fault=Fault.CUT_HEAD),
        Rule(first=1, fault=Fault.CUT_BODY),
    ],
    ids=lambda rule: f"{rule.status or rule.fault}",
)
def test_every_request_that_fails_once_is_sent_once_more_within_a_second(
    site: Site, proxy: FaultProxy, container: Container, rule: Rule
) -> None:
    proxy.rules = [rule]
    assert site.publish().well().err == ""
    gaps = []
    for (_, name), records in tries(proxy.take()).items():
        # If the response to the manifest was cut off, a list shows that it is live.
        lost = rule.fault in {Fault.CUT_HEAD, Fault.CUT_BODY}
        assert len(records) == (3 if lost and not name else 2), (name, records)
        gaps.append(records[1].started - records[0].started - records[0].seconds)
    gaps.sort()
    # The list, the files, the record, the manifest, and the render cache.
    assert len(gaps) == 1 + 24 + 3
    assert gaps[0] > 0.09
    assert gaps[len(gaps) // 2] < 1  # most of them, as the machine may have been busy
    assert gaps[-1] - gaps[0] > 0.02  # not all at the same moment again
    container.holds(site.expected())


@pytest.mark.parametrize("version", [0, 1], ids=["the first ever", "a later one"])
def test_a_publish_that_loses_every_response_once_is_right_and_mentions_no_other_publish(
    site: Site, proxy: FaultProxy, container: Container, version: int
) -> None:
    if version:
        site.publish().well()
        site.write(small_tree(version))
        proxy.take()
    proxy.rules = [Rule(first=1, fault=Fault.LOST)]
    finished = site.publish().well()
    assert "Another publish" not in finished.out
    manifest = [r for r in proxy.requests if blob(r) == MANIFEST and r.method == "PUT"]
    assert [r.upstream for r in manifest] == [201, 412 if version else 409]
    container.holds(site.expected())


def test_a_request_that_hangs_is_given_up_and_sent_again(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    proxy.rules = [
        Rule(path="*/img/photo1*", first=1, fault=Fault.HANG),
        Rule(path="*/css/part?.*", first=1, fault=Fault.HANG),
        Rule(path="*/staticfiles.json", first=1, fault=Fault.HANG),
    ]
    site.publish(stall_seconds=1).well()
    assert sum(r.fault == "hang" for r in proxy.requests) == 9
    container.holds(site.expected())


def test_a_slow_answer_is_waited_for(site: Site, proxy: FaultProxy, container: Container) -> None:
    proxy.rules = [Rule(method="PUT", path="*/img/photo1*", delay=1200)]
    site.publish(stall_seconds=3).well()
    assert len(proxy.requests) == 28
    container.holds(site.expected())


def test_random_failures_are_overcome(site: Site, proxy: FaultProxy, container: Container) -> None:
    proxy.rules = [
        Rule(probability=0.2, fault=Fault.LOST),
        Rule(probability=0.2, fault=Fault.RESET),
        Rule(probability=0.2, status=503),
    ]
    site.publish(attempts=12).well()
    proxy.rules = ()
    container.holds(site.expected())


@pytest.mark.parametrize("status", [429, 503])
def test_nothing_is_sent_to_the_account_until_its_retry_after_is_over(
    site: Site, proxy: FaultProxy, container: Container, status: int
) -> None:
    image = "*/img/photo[0-3]*"
    proxy.rules = [Rule(method="PUT", path=image, first=1, status=status, retry_after=1)]
    site.publish(connections=2).well()
    records = proxy.take()
    refusals = [r.started + r.seconds for r in records if r.status == status]
    assert len(refusals) == 4
    for refused_at in refusals:
        # A request may have been in flight.
        later = [r.started - refused_at for r in records if r.started > refused_at + 0.05]
        assert min(later) >= 0.95
    container.holds(site.expected())


def test_an_account_that_asks_for_an_hour_gets_no_further_request(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    proxy.rules = [Rule(method="PUT", path="*/img/photo3*", status=503, retry_after=3600)]
    said = failed(site.publish(connections=1), container.key)
    assert "Blob storage said ServerBusy (status 503), and asks for a wait of 3600 s." in said
    assert blob(proxy.requests[-1]).startswith("img/photo3")
    assert container.paths() == {}


# --- Other failures -------------------------------------------------------------------------------


def test_a_file_that_cannot_be_sent_is_named_with_its_reason_and_the_next_run_sends_just_that(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    old = site.expected()
    site.write(small_tree(1))
    new = site.expected()
    proxy.take()
    proxy.rules = [
        Rule("PUT", "*/img/photo1*", status=409, code="BlobImmutableDueToPolicy"),
        Rule("PUT", "*/css/part2*", status=503),
        Rule("PUT", "*/css/part0*", fault=Fault.RESET),
    ]
    said = failed(site.publish(attempts=3), container.key)
    names = {name: new.paths[name] for name in ("img/photo1.png", "css/part2.css", "css/part0.css")}
    assert said.startswith("CommandError: 3 of 9 files could not be sent:\n")
    assert f"    {names['img/photo1.png']}: BlobImmutableDueToPolicy (status 409)\n" in said
    assert f"    {names['css/part2.css']}: ServerBusy (status 503), 3 attempts\n" in said
    assert f"    {names['css/part0.css']}: " in said and "reset" in said
    assert NAMED in said
    assert len(tries(proxy.take())["PUT", names["img/photo1.png"]]) == 1
    container.holds(old)
    proxy.rules = ()
    site.publish().well()
    assert puts(proxy.take()) == sorted([*names.values(), MANIFEST])
    container.holds(new)


def test_a_manifest_that_cannot_be_replaced_leaves_the_old_version(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    old = site.expected()
    site.write(small_tree(1))
    for path in ("*/staticfiles-history/*", "*/staticfiles.json"):
        proxy.rules = [Rule("PUT", path, status=500)]
        said = failed(site.publish(attempts=2), container.key)
        assert "Blob storage said InternalError (status 500)." in said
        container.holds(old)
    proxy.rules = ()
    site.publish().well()
    container.holds(site.expected())


def test_a_service_that_goes_down_is_not_asked_for_each_of_many_files(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.write(flat_tree(600))
    proxy.rules = [Rule("PUT", "*", at=frozenset(range(100, 10_000)), status=503)]
    said = failed(site.publish(attempts=2), container.key)
    assert "could not be sent" in said and NAMED in said
    assert " were not tried" in said
    assert len(said.splitlines()) < 30
    assert len(proxy.take()) < 1 + 100 + 2 * 3 * 64
    proxy.rules = ()
    site.publish().well()
    assert len(puts(proxy.take())) == 501
    container.holds(site.expected())


# Changes a file when it has been read for its name, and before it is sent.
MEANWHILE = """
import os
from pathlib import Path
from azureblob.publish.publisher import Publisher

path, run = Path({path!r}), Publisher.run
def changed(self, *words):
    Publisher.run = run
    {change}
    return run(self, *words)
Publisher.run = changed
"""
CHANGES = {
    "other bytes": "path.write_bytes(b'something else' + path.read_bytes()[14:])",
    "shorter": "os.truncate(path, path.stat().st_size // 2)",
    "longer": "path.write_bytes(path.read_bytes() + b'something else')",
    "gone": "path.unlink()",
}


@pytest.mark.parametrize("kind", ["compressed", "stored"])
@pytest.mark.parametrize("size", [3_000, 400_000], ids=["in memory", "from the disk"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_during_the_publish_is_named_and_not_published(
    site: Site, proxy: FaultProxy, container: Container, kind: str, size: int, change: str
) -> None:
    name = "big/one.txt" if kind == "compressed" else "big/one.bin"
    path = site.static / name
    content = (rules(5, 9000) if kind == "compressed" else noise("big", size))[:size]
    path.parent.mkdir()
    path.write_bytes(content)
    meanwhile = MEANWHILE.format(path=str(path), change=CHANGES[change])
    (site.folder / "meanwhile.py").write_text(meanwhile)
    apps = ["azureblob", "django.contrib.staticfiles"]
    site.settings["INSTALLED_APPS"] = [*apps, "meanwhile"]
    finished = site.publish(stall_seconds=2, attempts=2)
    there = [blob for blob in container.blobs() if blob.startswith("big/")]
    if change == "longer" and finished.code == 0:
        # The content that was read is complete: it is published.
        container.is_whole()
        assert container.get(there[0]).body == content
        return
    said = failed(finished, container.key)
    assert "1 of 25 files could not be sent" in said
    why = "it cannot be read: No such file" if change == "gone" else "it changed while it was being"
    assert f"    {name[:7]}." in said and why in said
    assert (there, container.paths()) == ([], {})
    if change == "gone":
        path.write_bytes(content)
    site.settings["INSTALLED_APPS"] = apps
    proxy.take()
    site.publish().well()
    assert len(puts(proxy.take())) == 2
    container.holds(site.expected())


def test_a_static_file_that_cannot_be_read_ends_the_publish_before_anything_is_sent(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    (site.static / "img/lost.png").symlink_to(site.static / "nowhere.png")
    said = failed(site.publish(), container.key)
    assert f"{site.static / 'img/lost.png'}: No such file or directory" in said
    assert not [record for record in proxy.requests if record.method != "GET"]


# --- Wrong settings -------------------------------------------------------------------------------


def test_a_wrong_key_is_reported_in_a_sentence(site: Site, container: Container) -> None:
    wrong = b64encode(b"0" * 64).decode()
    site.settings["AZURE_ACCOUNT_KEY"] = wrong
    said = failed(site.publish(), wrong)
    # Azurite's code; Azure's is AuthenticationFailed.
    assert said.startswith("CommandError: Blob storage said AuthorizationFailure: ")
    assert (
        "key" in said
        and "SharedKey" not in said
        and "Signature" not in said
        and len(said.splitlines()) == 1
    )


def test_a_malformed_key_is_reported_in_a_sentence(site: Site) -> None:
    site.settings["AZURE_ACCOUNT_KEY"] = "not/a/key/at/all!"
    said = failed(site.publish(), "not/a/key/at/all!")
    assert (
        "The account key is not base64. Set AZURE_ACCOUNT_KEY to" in said
        and len(said.splitlines()) == 1
    )


def test_a_missing_container_is_reported_in_a_sentence(site: Site, container: Container) -> None:
    said = failed(site.publish(azure_container="nobody-made-it"), container.key)
    assert "ContainerNotFound: there is no such container. Create it (az " in said
    assert len(said.splitlines()) == 1


def test_a_wrong_account_is_reported_in_a_sentence(
    site: Site, container: Container, proxy: FaultProxy
) -> None:
    site.settings["AZURE_BLOB_ENDPOINT"] = f"http://127.0.0.1:{proxy.port}/nobody/"
    said = failed(site.publish(), container.key)
    assert "Blob storage said" in said and len(said.splitlines()) == 1


def test_a_missing_service_is_reported_in_a_sentence(site: Site, container: Container) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        site.settings["AZURE_BLOB_ENDPOINT"] = f"http://127.0.0.1:{unused.getsockname()[1]}/a/"
        said = failed(site.publish(attempts=2), container.key)
    assert "Blob storage does not answer: " in said and "Is AZURE_BLOB_ENDPOINT right" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "is not XML"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "Blob storage said status 404."),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "Blob storage does not answer: "),
    ],
)
def test_a_server_that_is_no_blob_service_is_reported_in_a_sentence(
    site: Site, container: Container, answer: bytes, reported: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        site.settings["AZURE_BLOB_ENDPOINT"] = f"http://127.0.0.1:{server.getsockname()[1]}/a/"
        with site.start("collectstatic", "--noinput", attempts=1) as process:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                out, err = process.communicate(timeout=20)
    said = failed(Finished(process.wait(), out, err, 0), container.key)
    assert reported in said and len(said.splitlines()) == 1


# --- Large files ----------------------------------------------------------------------------------

MIB = 1024 * 1024


@pytest.fixture
def large(make_site: MakeSite) -> Site:
    """A site whose version 1 has a file of 70 MiB."""
    site = make_site()
    site.publish().well()
    site.write({**small_tree(1), "film.bin": noise("film", 70 * MIB + 5)})
    return site


def block_bytes(records: list[Record], status: int) -> list[int]:
    return [r.sent for r in records if r.comp == "block" and r.upstream == status]


@pytest.mark.parametrize("how", ["the line breaks", "the process is killed"])
def test_an_interrupted_upload_of_a_large_file_is_resumed(
    large: Site, proxy: FaultProxy, how: str
) -> None:
    proxy.take()
    proxy.rules = [Rule(comp="block", at=frozenset(range(5, 100)), delay=3000)]
    with large.start("collectstatic", "--noinput", attempts=1) as process:
        until(proxy, lambda records: len(block_bytes(records, 201)) > 3)
        if how == "the line breaks":
            proxy.cut()
            _, err = process.communicate(timeout=60)
            assert process.returncode == 1 and "Traceback" not in err
            assert "    film." in err
            proxy.restore()
        else:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            settle(proxy)
    proxy.rules = ()
    [name] = {blob(record) for record in proxy.take() if record.comp == "block"}
    with large.container.client() as client:
        staged = client.get_blob_client(name).get_block_list("uncommitted")[1]
    arrived = sum(block.size for block in staged)
    assert 4 * MIB <= arrived < 70 * MIB
    assert "film.bin" not in large.container.paths()
    large.publish().well()
    again = proxy.take()
    assert sum(block_bytes(again, 201)) == 70 * MIB + 5 - arrived
    assert len(block_bytes(again, 201)) == sum(r.comp == "block" for r in again)
    large.container.holds(large.expected())


def test_a_large_file_comes_through_faults(large: Site, proxy: FaultProxy) -> None:
    proxy.take()
    proxy.rules = [
        Rule(comp="block", every=3, status=503),
        Rule(comp="block", every=4, fault=Fault.LOST),
        Rule(comp="blocklist", first=1, fault=Fault.LOST),
    ]
    large.publish().well()
    proxy.rules = ()
    large.container.holds(large.expected())


def test_a_large_file_that_cannot_be_sent_is_named(large: Site, proxy: FaultProxy) -> None:
    old = json.loads(large.container.get(MANIFEST).raw)
    proxy.rules = [Rule(comp="block", at=frozenset(range(3, 1000)), status=500)]
    said = failed(large.publish(attempts=2), large.container.key)
    assert "1 of 10 files could not be sent:\n    film." in said
    assert "InternalError" in said and NAMED in said
    assert json.loads(large.container.get(MANIFEST).raw) == old


def test_a_large_file_that_changes_during_the_publish_is_not_published(
    large: Site, proxy: FaultProxy
) -> None:
    path = large.static / "film.bin"

    def change(record: Record) -> None:
        if record.method == "PUT":  # the first: digests are taken, and nothing has been sent
            proxy.on_request = None
            with path.open("r+b") as file:
                file.write(b"another film")

    proxy.on_request = change
    finished = large.publish()
    said = failed(finished, large.container.key)
    assert "it changed while it was being" in said
    assert "film.bin" not in large.container.paths()
    wanted = {n: d for n, d in large.expected().files.items() if n.startswith("film.")}
    assert set(wanted) <= set(owed(large.container, wanted, b""))
