"""`make setup`: .venv with the pinned packages, Node and Azurite.

A second run finds the stamps and does nothing. An interrupted run leaves no stamp for the part that
it was installing, so the next run installs that part again.
"""

from __future__ import annotations

import os
from pathlib import Path

from scripts import browser, node, packages, stamp
from scripts.console import say, step
from scripts.files import locked
from scripts.paths import VENV, VENV_PYTHON, log_file, shown


def main(arguments: list[str]) -> int:
    # An explicit set-up may be a repair, so check each file in node_modules.
    extent = node.extent() if VENV_PYTHON.exists() and node.is_installed() else None
    if stamp.read().get("extent") not in (None, extent):
        stamp.write(node=None)
    if not ensure():
        say("Everything is set up.")
    return 0


def ensure(*, dev: bool = False, with_browser: bool = False) -> bool:
    """Install what is missing, with the tests' and linters' tools for `dev`; False if there was
    nothing to do.

    Raises Problem if something cannot be installed.
    """
    if not _missing(dev=dev, with_browser=with_browser):
        return False
    # Two set-ups at once would install over each other. The lock is next to .venv, not in the state
    # folder, which can be moved.
    with locked(VENV.with_name(".venv.lock"), "Another set-up is running: waiting for it"):
        missing = _missing(dev=dev, with_browser=with_browser)
        if missing:
            log_file("setup").unlink(missing_ok=True)
        if "packages" in missing:
            packages.ensure_venv()
            stamp.write(packages=None, dev=None)
            with step(f"Python packages{' and development tools' if dev else ''} in {shown(VENV)}"):
                packages.install(dev=dev)
            stamp.write(**{"dev" if dev else "packages": packages.fingerprint(dev=dev)})
        if "node" in missing:
            stamp.write(node=None, extent=None)
            node.install()
            stamp.write(node=node.fingerprint(), extent=node.extent())
        if "browser" in missing:
            stamp.write(browser=browser.install())
    return True


def repair_node() -> None:
    """Install Node's packages again, whatever the stamp says."""
    stamp.write(node=None)
    ensure()


def _missing(*, dev: bool, with_browser: bool) -> set[str]:
    stamps = stamp.read() if VENV_PYTHON.exists() else {}
    missing = set()
    # A set-up with the development tools covers one without.
    complete = stamps.get("dev") == packages.fingerprint(dev=True)
    if not complete and (dev or stamps.get("packages") != packages.fingerprint(dev=False)):
        missing.add("packages")
    if stamps.get("node") != node.fingerprint() or not node.is_installed():
        missing.add("node")
    if with_browser:
        known = os.environ.get("CHROMIUM") or stamps.get("browser", "")
        if known != stamps.get("browser") or not Path(known).exists():
            missing.add("browser")
    return missing
