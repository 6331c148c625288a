"""The Chromium that the browser tests open."""

from __future__ import annotations

import os
import shutil

from scripts import process
from scripts.console import Problem, step
from scripts.paths import VENV_PYTHON, log_file, shown

# The headless shell comes first: it opens a page in a fifth of the CPU time that a whole browser
# takes, which opens a window for each.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
_PLAYWRIGHT_PATH = (
    "from playwright.sync_api import sync_playwright as s\n"
    "with s() as p: print(p.chromium.executable_path)"
)


def find() -> str | None:
    """The browser that CHROMIUM names, else the first on PATH that starts.

    Raises Problem if CHROMIUM does not start.
    """
    asked = os.environ.get("CHROMIUM")
    if asked and not _starts(asked):
        raise Problem(
            f"CHROMIUM is '{asked}', which does not start: name the browser's program, for "
            "example CHROMIUM=/usr/bin/chromium, or unset it to have one installed"
        )
    # Ubuntu's `chromium-browser` may be a stub that only names a snap.
    started = (path for path in map(shutil.which, NAMES) if path and _starts(path))
    return asked or next(started, None)


def install() -> str:
    """The path of a Chromium that starts: one on this machine, Playwright's, or Debian's."""
    with step("Chromium for the browser tests") as current:
        path = find() or _from_playwright() or _from_debian()
        if path is None:
            raise Problem(
                "There is no Chromium for the browser tests and none could be installed: install "
                f"one (Debian: apt-get install {NAMES[0]}) or name it: "
                f"CHROMIUM=/path/to/chrome make test. The whole log is {shown(log_file('setup'))}"
            )
        current.text = f"Chromium for the browser tests: {path}"
        return path


def _starts(path: str) -> bool:
    return process.attempt([path, "--version"], "setup") is not None


def _from_playwright() -> str | None:
    process.attempt([VENV_PYTHON, "-m", "playwright", "install", "chromium"], "setup")
    path = (process.attempt([VENV_PYTHON, "-c", _PLAYWRIGHT_PATH], "setup") or "").strip()
    return path if path and _starts(path) else None


def _from_debian() -> str | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    environment = process.clean_environment({"DEBIAN_FRONTEND": "noninteractive"})
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", NAMES[0]]):
        process.attempt(command, "setup", env=environment)
    return find()
