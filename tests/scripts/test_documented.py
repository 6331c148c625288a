"""The commands of the documentation, as far as they can be tried without Azure."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def lines(page: Path) -> Iterator[str]:
    """The lines of a page's shell blocks, continued ones as one."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        yield from re.sub(r"\\\n\s*", " ", block).splitlines()


def test_no_command_makes_a_file_with_a_key_that_others_can_read() -> None:
    """A redirection makes the file with the shell's umask; `chmod` afterwards is too late."""
    for page in PAGES:
        for line in lines(page):
            if "--show-secrets" in line and ">" in line:
                assert line.startswith("(umask 077;"), (page.name, line)


def test_make_has_every_target_that_the_pages_name() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        inline = re.findall(r"`make [^`\n]*", page.read_text(encoding="utf-8"))
        for command in [*lines(page), *(found[1:] for found in inline)]:
            for target in re.findall(r"^make (?:-s )?([a-z]+)", command):
                assert target in targets, (page.name, target)


@pytest.mark.skipif(shutil.which("az") is None, reason="the Azure CLI is not on PATH")
def test_the_real_az_takes_the_commands_of_every_block(tmp_path: Path) -> None:
    """Signed out it parses a command, and only then asks for a sign-in."""
    (tmp_path / "backup").mkdir()
    environment = {**os.environ, "AZURE_CONFIG_DIR": str(tmp_path / "signed-out")}
    commands = {
        (page.name, command)
        for page in PAGES
        for line in lines(page)
        for command in re.findall(r"^(az [^|#]*)", line)
    }
    tried = 0
    for page, command in sorted(commands):
        words = shlex.split(command)
        if words[1] in ("login", "account"):
            continue
        tried += 1
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert "unrecognized arguments" not in done.stderr, (page, command)
        assert "are required" not in done.stderr, (page, command)
        assert "incorrect usage" not in done.stderr, (page, command)
    assert tried > 4
