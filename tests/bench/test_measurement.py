"""A small measurement from beginning to end, and what is taken for wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import trees
from bench.checking import wrong
from bench.measuring import CommandFailed, Watched, measure
from bench.results import Results
from bench.rounds import Bench
from bench.scenarios import ALL, TWO, Scenario
from bench.servers.running import AzuriteServer


def test_the_floor_and_this_project_send_the_same_and_no_more(tmp_path: Path) -> None:
    results = Results()
    who: dict[str, tuple[str, ...]] = {"floor": ALL, "plain": ALL}
    small = Scenario("small", "", 30, "azurite", 5, who, 1)
    with Bench(tmp_path, results, tmp_path / "results.json") as bench:
        bench.run([small], 1, [])
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
        bench.run([small], 1, [])
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
