"""The virtual environment and its pinned packages."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts import child, stamp
from scripts.child import ChildFailed
from scripts.console import Problem, step
from scripts.diagnosis import cause, is_network
from scripts.paths import DJANGO, ROOT, VENV, VENV_PYTHON, log_file, shown

UV_VERSION = "0.13.9"
REQUIREMENTS = ROOT / "requirements.txt"
DEV_REQUIREMENTS = ROOT / "requirements-dev.txt"
_PIN_FILES = (
    ROOT / "constraints.txt",
    ROOT / "app" / "constraints.txt",
    ROOT / "app" / "requirements.txt",
    REQUIREMENTS,
)
_LIBRARY = ROOT / "pyproject.toml"  # says what the library depends on


def fingerprint(*, dev: bool) -> str:
    files = [*_PIN_FILES, _LIBRARY, *([DEV_REQUIREMENTS] if dev else [])]
    return stamp.fingerprint(files, UV_VERSION)


def _with_django(requirements: Sequence[Path]) -> list[Path]:
    """Copies of the requirements with the version that DJANGO asks for, where it asks for one."""
    if not DJANGO:
        return [*requirements]
    copies = VENV / "requirements"
    for file in (*_PIN_FILES, DEV_REQUIREMENTS):
        copy = copies / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = re.sub(r"(?m)^django==.*", f"django=={DJANGO}.*", file.read_text())
        # Relative to the copy there would be no library.
        text = text.replace("-e .[", f"-e {ROOT.as_uri()}[")
        copy.write_text(text)
    return [copies / file.relative_to(ROOT) for file in requirements]


def ensure_venv() -> None:
    """Make .venv unless a usable one is there; one that an interrupted run left is made anew."""
    log = log_file("setup")
    if VENV_PYTHON.exists():
        test = "import pip, sys; sys.exit(sys.version_info[:2] < (3, 11))"
        try:
            child.run([VENV_PYTHON, "-c", test], log)
            return
        except (ChildFailed, Problem):
            pass
    with step(f"Virtual environment in {shown(VENV)}"):
        try:
            child.run([sys.executable, "-m", "venv", "--clear", VENV], log)
        except ChildFailed as failure:
            if "ensurepip" in failure.output:
                version = f"{sys.version_info[0]}.{sys.version_info[1]}"
                raise Problem(
                    f"{sys.executable} cannot make virtual environments: its 'ensurepip' is not "
                    f"installed. On Debian and Ubuntu: apt-get install python{version}-venv"
                ) from None
            raise _installer_problem("Making the virtual environment", failure) from None


def install(requirements: Sequence[Path]) -> None:
    """Install the pinned packages: with uv, or with pip where uv cannot be had.

    Raises Problem with the cause.
    """
    log = log_file("setup")
    wanted = [part for file in _with_django(requirements) for part in ("-r", str(file))]
    # pip's own five retries take a minute before a dead network is told.
    environment = {
        "PIP_RETRIES": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **child.clean_environment(),
    }
    try:
        try:
            if not _has_uv():
                child.run([*_pip(), "install", f"uv=={UV_VERSION}"], log, env=environment)
            uv = [str(VENV_PYTHON), "-m", "uv", "pip", "install", "--python", str(VENV_PYTHON)]
            child.run([*uv, *wanted], log, env={**uv_settings(), **environment})
        except ChildFailed as failure:
            if is_network(failure.output) and "uv" not in failure.command.split():
                raise
            # An index without uv, or one that only pip's own settings can open.
            child.run([*_pip(), "install", *wanted], log, env=environment)
    except ChildFailed as failure:
        raise _installer_problem("Installing the Python packages", failure) from None


def _pip() -> list[str | Path]:
    return [VENV_PYTHON, "-m", "pip"]


def _has_uv() -> bool:
    return any((VENV / "lib").glob(f"python3*/site-packages/uv-{UV_VERSION}.dist-info/RECORD"))


def uv_settings() -> dict[str, str]:
    """pip's own index and certificate settings under uv's names: uv does not read pip's files."""
    settings: dict[str, str] = {}
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "cert": "SSL_CERT_FILE",
    }
    try:
        # Prints `global.index-url='https://…'`, the environment's (`:env:.…`) last. Captured, not
        # run: an address may hold a password, which belongs in no log.
        configured = child.capture([*_pip(), "config", "list"])
    except ChildFailed:
        return settings
    for line in configured.splitlines():
        name, _, value = line.partition("=")
        uv_name = names.get(name.rpartition(".")[2].lower())
        text = value.strip().strip("'\"")
        if uv_name and text and (uv_name != "UV_FIND_LINKS" or Path(text).exists()):
            settings[uv_name] = text
    return settings


def _installer_problem(what: str, failure: ChildFailed) -> Problem:
    known = cause(failure.output)
    if known is None:
        return failure.problem(what)
    index = "" if os.environ.get("PIP_INDEX_URL") is None else " that PIP_INDEX_URL names"
    subject = f"The package index{index}: " if known.startswith("it ") else ""
    return Problem(
        f"{what} failed. {subject}{known}.\n"
        f"    {failure.command} said: {failure.last_line()}\n"
        f"    The whole log is {shown(log_file('setup'))}"
    )
