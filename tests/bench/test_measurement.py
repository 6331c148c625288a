"""Small measurements from beginning to end, and which outputs count as wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import trees
from bench.checking import wrong, wrongly_fetched
from bench.competitors import AZCOPY
from bench.machine import describe
from bench.measuring import CommandFailed, Watched, measure
from bench.results import Results
from bench.rounds import Bench
from bench.scenarios import ALL, FIRST, MEDIA, SAVES, TWO, Scenario
from bench.servers.running import AzuriteServer


def test_the_floor_and_this_project_send_the_same_and_no_more(tmp_path: Path) -> None:
    results = Results()
    who: dict[str, tuple[str, ...]] = {"floor": ALL, "plain": ALL}
    small = Scenario("small", "", 30, "azurite", 5, who, 1)
    with Bench(tmp_path, results, tmp_path / "results.json") as bench:
        bench.run([small], 1)
    assert [run.wrong for run in results.runs] == [""] * 8
    for name in who:
        requests = [run.requests for run in results.runs if run.competitor == name]
        assert requests[0] == {"LIST": 1, "PUT": 30}, name
        assert requests[1] == {"LIST": 1}, name
        assert requests[2] == {"LIST": 1, "PUT": 1}, name
        assert requests[3] == {"LIST": 1}, name
    assert Results.read(tmp_path / "results.json").runs[0].competitor == "floor"
    assert not list(tmp_path.glob("work-*"))


def test_hashing_alone_is_held_against_django_byte_for_byte(tmp_path: Path) -> None:
    results = Results()
    small = Scenario("small", "", 30, "none", 0, {"hashing": TWO}, 1)
    with Bench(tmp_path, results, tmp_path / "results.json") as bench:
        bench.run([small], 1)
    assert [(run.case, run.wrong) for run in results.runs] == [("first", ""), ("unchanged", "")]


def test_a_missing_file_and_other_bytes_are_wrong(
    azurite_server: AzuriteServer, tmp_path: Path
) -> None:
    tree = tmp_path / "static"
    trees.write_tree(tree, 10)
    names = [path.relative_to(tree).as_posix() for path in trees.paths(tree)]
    with azurite_server.client() as client:
        for name in names:
            client.upload_blob(name, (tree / name).read_bytes())
        assert wrong(azurite_server, tree, "plain") == ""
        client.upload_blob(names[0], b"other", overwrite=True)
        assert "has other bytes" in wrong(azurite_server, tree, "plain")
        client.delete_blob(names[0])
        assert "1 files are missing" in wrong(azurite_server, tree, "plain")
    assert wrong(azurite_server, tree, "hashed") == "no manifest (404)"


def test_the_machine_is_described_with_the_versions_of_what_is_measured() -> None:
    known = describe()
    assert {"cores", "system", "Python", "Azurite", "django", "azure-storage-blob"} <= known.keys()
    assert all(known.values())


def test_a_command_that_ends_badly_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", "echo last words; exit 3"]
    with pytest.raises(CommandFailed, match=r"(?s)status 3 .*last words"):
        measure(command, {}, tmp_path, Watched())


def test_cpu_of_a_process_and_its_children_is_counted(tmp_path: Path) -> None:
    """A loop in a child's child: over 0.1 s of CPU, wherever the machine has it from."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    command = ["/bin/sh", "-c", f'{sys.executable} -c "{burn}"; true']
    measured = measure(command, {"PATH": "/usr/local/bin:/usr/bin:/bin"}, tmp_path, Watched())
    assert measured.cpu >= 0.3


def test_a_tree_has_the_same_bytes_each_time_and_one_in_a_hundred_changes(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    trees.write_tree(one, 200)
    trees.write_tree(other, 200)
    changed = trees.change(other)
    assert len(changed) == 2
    differing = [
        path.relative_to(one).as_posix()
        for path in sorted(trees.paths(one))
        if path.read_bytes() != (other / path.relative_to(one)).read_bytes()
    ]
    assert differing == sorted(changed)


def test_rounds_are_added_to_those_that_the_results_have(tmp_path: Path) -> None:
    results = Results()
    both: dict[str, tuple[str, ...]] = {"floor": (FIRST,), "plain": (FIRST,)}
    small = Scenario("small", "", 12, "null", 0, both, 1)
    with Bench(tmp_path, results, tmp_path / "results.json") as bench:
        bench.run([small], 2, once=["floor"])
        before = [(run.competitor, run.round, run.wall) for run in results.runs]
        bench.run([small], 2, add=True)
    after = [(run.competitor, run.round, run.wall) for run in results.runs]
    assert after[:3] == before
    names = [(competitor, round_) for competitor, round_, _ in after]
    assert names == [("floor", 1), ("plain", 1), ("plain", 2), ("floor", 2)]


def test_media_is_sent_fetched_and_verified(tmp_path: Path) -> None:
    results = Results()
    who: dict[str, tuple[str, ...]] = {"migratemedia": MEDIA}
    if AZCOPY.exists():
        who["azcopy-media"] = MEDIA
    small = Scenario("small", "", 30, "azurite", 0, who, 1)
    with Bench(tmp_path, results, tmp_path / "results.json") as bench:
        bench.run([small], 1)
    assert [run.wrong for run in results.runs] == [""] * len(who) * 3
    verifying = [run for run in results.runs if run.case == "verify"]
    assert [run.requests.get("PUT", 0) for run in verifying] == [0] * len(who)


@pytest.mark.skipif(not AZCOPY.exists(), reason="azcopy is not on PATH")
def test_azcopy_publishes_the_tree(tmp_path: Path) -> None:
    results = Results()
    small = Scenario("small", "", 30, "azurite", 0, {"azcopy": TWO}, 1)
    with Bench(tmp_path, results, tmp_path / "results.json") as bench:
        bench.run([small], 1)
    assert [run.wrong for run in results.runs] == ["", ""]
    assert results.runs[0].requests["PUT"] == 30


def test_only_the_saves_are_measured_and_each_takes_one_request(tmp_path: Path) -> None:
    results = Results()
    small = Scenario("small", "", "none", "null", 0, {"save": (SAVES,)}, 1)
    with Bench(tmp_path, results, tmp_path / "results.json") as bench:
        bench.run([small], 1)
    [run] = results.runs
    assert (run.wrong, run.requests, run.files) == ("", {"PUT": 1000}, 1000)


def test_a_missing_file_and_other_bytes_are_wrong_in_a_folder(tmp_path: Path) -> None:
    tree, folder = tmp_path / "tree", tmp_path / "fetched"
    trees.write_tree(tree, 10)
    trees.copy(tree, folder)
    assert wrongly_fetched(tree, folder) == ""
    path = next(iter(trees.paths(folder)))
    path.write_bytes(bytes(path.stat().st_size))
    assert "other bytes" in wrongly_fetched(tree, folder)
    path.unlink()
    assert "1 files are missing" in wrongly_fetched(tree, folder)


def test_the_memory_of_a_process_and_its_child_is_added_up(tmp_path: Path) -> None:
    """Each fills 40 MB, and both live for a second."""
    hold = "import time\nheld = bytes(40_000_000)[:] + b'x'\ntime.sleep(1)"
    both = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {hold!r}])\n{hold}\nchild.wait()"
    )
    measured = measure([sys.executable, "-c", both], {}, tmp_path, Watched())
    assert measured.memory > 80
