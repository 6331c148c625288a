"""`make preview` on a clone of its own: a change is previewed on its base, and nothing is left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.preview import Base, Finding, page
from tests.conftest import has_ended
from tests.scripts.conftest import ROOT, Result, bare_environment, run, script

PARTS = (
    "__main__.py",
    "Makefile",
    "Pulumi.yaml",
    "Pulumi.local.yaml",
    "pyproject.toml",
    "requirements-locked.txt",
    "requirements-dev-locked.txt",
    "infra",
    "localazure",
    "review",
    "scripts",
)
STAMP = (
    "from scripts import node, packages, stamp; "
    "stamp.write(packages=packages.fingerprint(dev=False), node=node.fingerprint())"
)


@dataclass
class Clone:
    root: Path
    temporary: Path
    env: dict[str, str]

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
        result = run(["git", *identity, *arguments], self.root, self.env)
        assert result.status == 0, result.err
        return result.out

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a commit")

    def make(self, *arguments: str) -> Result:
        return run(["make", "preview", *arguments, f"PYTHON={sys.executable}"], self.root, self.env)

    def change(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def leavings(self) -> list[Path]:
        return list(self.temporary.iterdir())


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree as a clone with one commit, which runs on this project's packages."""
    root = tmp_path_factory.mktemp("preview") / "my clone"
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    for part in PARTS:
        source, target = ROOT / part, root / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copyfile(source, target)
    shutil.copyfile(ROOT / ".gitignore", root / ".gitignore")
    (root / "localazure/node/node_modules").symlink_to(ROOT / "localazure/node/node_modules")
    (root / ".venv/bin").mkdir(parents=True)
    script(root / ".venv/bin/python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    env = bare_environment()
    assert run([sys.executable, "-c", STAMP], root, env).status == 0
    clone = Clone(root, root, env)
    (root / ".gitignore").write_text((root / ".gitignore").read_text() + "node_modules\n")
    (root / "Pulumi.old.yaml").write_text("config:\n  accountName: oldstore\n")
    clone.git("init", "--quiet", "--initial-branch", "main")
    clone.commit()
    return root


@pytest.fixture
def clone(original: Path, tmp_path: Path) -> Clone:
    root, temporary, programs = tmp_path / "my clone", tmp_path / "tmp", tmp_path / "programs"
    shutil.copytree(original, root, symlinks=True)
    temporary.mkdir()
    programs.mkdir()
    # The user's own Pulumi must not be asked.
    script(programs / "pulumi", f"#!/bin/sh\ntouch '{tmp_path}/asked'\nexit 1\n")
    env = bare_environment(
        PATH=f"{programs}:{os.environ['PATH']}",
        TMPDIR=str(temporary),
        LOCALAZURE_HOME=str(tmp_path / "home"),
        AZURE_ACCOUNT_NAME="someoneelse",
    )
    return Clone(root, temporary, env)


def test_a_change_is_previewed_on_its_base_for_every_stack(clone: Clone, tmp_path: Path) -> None:
    clone.change("infra/blob_service.py", '"etag"]', '"etag", "x-new"]')
    (clone.root / "Pulumi.old.yaml").unlink()
    (clone.root / "Pulumi.fresh.yaml").write_text("config:\n  accountName: freshstore\n")
    (clone.root / "Pulumi.sealed.yaml").write_text("config:\n  accountName:\n    secure: v1:abc\n")
    before = clone.git("status", "--short"), clone.git("worktree", "list")
    result = clone.make()
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[:2] == [
        "<!-- django-azure-blob preview -->",
        "# Preview of this change on `main`",
    ]
    assert "(there is no origin/main in this clone)" in lines[3]
    overview = [line for line in lines if line.startswith("- `") and ": **" in line][:4]
    assert overview[0].startswith("- `fresh`: **new**, previewed on an empty cloud. **9 to create")
    assert overview[1].startswith("- `local`: **1 to update, 8 unchanged.** No risks found.")
    assert overview[2].startswith("- `old`: **removed** by this change.")
    assert overview[3].startswith("- `sealed`: **left out**: its settings are encrypted")
    headings = [line for line in lines if line.startswith("## ")]
    assert headings == ["## Preview of stack `fresh`", "## Preview of stack `local`"]
    assert '`cors.corsRules[0].exposedHeaders[3]` |  | `"x-new"`' in result.out
    assert result.out.count("<!--") == 1
    assert (clone.git("status", "--short"), clone.git("worktree", "list")) == before
    assert clone.leavings() == []
    assert not (tmp_path / "asked").exists()


def test_a_base_that_cannot_be_deployed_is_said_and_is_a_failure(clone: Clone) -> None:
    clone.change("__main__.py", "import pulumi\n", "import pulumi\nraise pulumi.RunError('`x`')\n")
    clone.commit()
    clone.git("checkout", "--quiet", "HEAD~1", "--", "__main__.py")
    result = clone.make("BASE=HEAD", "STACK=local")
    assert result.status != 0
    assert "- `local`: **no preview**: the base itself could not be deployed" in result.out
    assert "```text\n`x`\n```" in result.out
    assert clone.leavings() == []


def test_a_change_that_up_would_refuse_is_said_and_is_a_failure(clone: Clone) -> None:
    (clone.root / "Pulumi.fresh.yaml").write_text("config:\n  accountName: Wrong!\n")
    result = clone.make("BASE=main", "STACK=fresh")
    assert result.status != 0
    assert "on an empty cloud. **The preview stopped before its end.**" in result.out
    assert "Wrong!" in result.out
    assert "Traceback" not in result.out + result.err


def test_settings_that_are_no_yaml_are_said_and_are_a_failure(clone: Clone) -> None:
    (clone.root / "Pulumi.fresh.yaml").write_text("config: [\n")
    result = clone.make("STACK=fresh")
    assert result.status != 0
    assert "- `fresh`: **no preview**: the change's own program or settings fail." in result.out
    assert "Pulumi.fresh.yaml is not valid YAML" in result.out


def test_ctrl_c_leaves_nothing(clone: Clone) -> None:
    command = [sys.executable, "scripts/run.py", "preview", "--base", "HEAD", "--stack", "local"]
    process = subprocess.Popen(
        command,
        cwd=clone.root,
        env=clone.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not (found := list(clone.temporary.glob("*/cloud-local/azurite.json"))):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pid = int(re.findall(r'"pid": (\d+)', found[0].read_text())[0])
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert clone.leavings() == []
    assert has_ended(pid)


@pytest.mark.parametrize("ref", ["nosuchbranch", "--all", "HEAD~99"])
def test_a_base_that_is_no_commit_is_named_with_what_to_type(clone: Clone, ref: str) -> None:
    result = clone.make(f"BASE={ref}")
    assert result.status != 0
    assert result.out == ""
    assert f"BASE is '{ref}', which names no commit in this clone" in result.err
    assert "make preview BASE=HEAD~1" in result.err


def test_a_stack_that_is_nowhere_is_named_with_those_that_are(clone: Clone) -> None:
    result = clone.make("STACK=prdo")
    assert "There is no stack 'prdo': Pulumi.prdo.yaml does not exist." in result.err
    assert "Stacks here: local, old" in result.err
    assert result.out == ""


def test_a_folder_that_is_no_clone_is_said_to_be_none(clone: Clone) -> None:
    shutil.rmtree(clone.root / ".git")
    result = clone.make()
    assert "is not a git clone, so there is no base to compare with" in result.err


def test_a_project_below_a_repositorys_top_is_found(clone: Clone, tmp_path: Path) -> None:
    outer = Clone(tmp_path / "outer", clone.temporary, clone.env)
    outer.root.mkdir()
    shutil.rmtree(clone.root / ".git")
    shutil.move(clone.root, outer.root / "inner")
    outer.git("init", "--quiet", "--initial-branch", "main")
    outer.commit()
    export = (
        "import pathlib; from scripts import git, preview; "
        "commit = preview.find_base('HEAD').commit; "
        f"git.check_out(commit, pathlib.Path({str(tmp_path / 'base')!r}))"
    )
    done = run([sys.executable, "-c", export], outer.root / "inner", clone.env)
    assert done.status == 0, done.err
    assert (tmp_path / "base" / "Pulumi.local.yaml").exists()
    assert outer.git("status", "--short") == ""


def test_no_name_breaks_out_of_the_head_of_the_page() -> None:
    text = page(Base("a`b|<x>\n@you", "0123456789"), [Finding("local", "**fine**")])
    assert "`a?b?<x>?@you` at `0123456`" in text
    assert text.endswith("- `local`: **fine**\n")
