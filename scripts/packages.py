"""The virtual environment, and its packages at the versions and hashes of the lock files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scripts import process, stamp
from scripts.console import step
from scripts.install_errors import explained, is_network
from scripts.paths import DJANGO, ROOT, VENV, VENV_PYTHON, shown
from scripts.process import ProcessFailed

LOCK = ROOT / "requirements-locked.txt"
DEV_LOCK = ROOT / "requirements-dev-locked.txt"
UV = ROOT / "scripts" / "uv.txt"
_INDEX = "The package index"
if "PIP_INDEX_URL" in os.environ:
    _INDEX += " that PIP_INDEX_URL names"


def fingerprint(*, dev: bool) -> str:
    return stamp.fingerprint([DEV_LOCK if dev else LOCK, UV, ROOT / "pyproject.toml"])


def ensure_venv() -> None:
    """Create .venv unless there is a usable one; an incomplete one is replaced."""
    test = "import pip, sys; sys.exit(sys.version_info[:2] < (3, 11))"
    if VENV_PYTHON.exists() and process.attempt([VENV_PYTHON, "-c", test], "setup") is not None:
        return
    # Where ensurepip is missing, Python's own message names the package to install.
    explanation = explained("Creating the virtual environment", _INDEX)
    with step(f"Virtual environment in {shown(VENV)}"), explanation:
        process.run([sys.executable, "-m", "venv", "--clear", VENV], "setup")


def install(*, dev: bool) -> None:
    """Install the locked packages, and this clone's library. Raises Problem with the cause."""
    # The library has no hash. Its dependencies are in the lock, and so is what builds it.
    library = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    django = [[f"django=={DJANGO}.*"]] if DJANGO else []
    install_locked(DEV_LOCK if dev else LOCK, library, *django)


def install_locked(file: Path, *more: list[str]) -> None:
    """Install what the file pins, by uv, or by pip where uv is not available. A package with
    another hash is refused. `more` are arguments of further runs. Raises Problem."""
    batches = (["--require-hashes", "-r", str(file)], *more)
    pip = [str(VENV_PYTHON), "-m", "pip", "install"]
    # pip's own five retries take a minute before it reports that the network is down.
    environment = {
        "PIP_RETRIES": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **process.clean_environment(),
    }
    with explained("Installing the Python packages", _INDEX):
        try:
            if not _has_uv():
                process.run([*pip, "--require-hashes", "-r", UV], "setup", env=environment)
            uv = [str(VENV_PYTHON), "-m", "uv", "pip", "install", "--python", str(VENV_PYTHON)]
            uv_environment = {**uv_settings(), **environment}
            for arguments in batches:
                process.run([*uv, *arguments], "setup", env=uv_environment)
        except ProcessFailed as failure:
            if is_network(failure.output) and "uv" not in failure.command.split():
                raise
            # The index has no uv, or only pip's own settings can open it.
            for arguments in batches:
                process.run([*pip, *arguments], "setup", env=environment)


def _has_uv() -> bool:
    pinned = UV.read_text(encoding="utf-8").split()[0].replace("==", "-")
    return any((VENV / "lib").glob(f"python3*/site-packages/{pinned}.dist-info/RECORD"))


def uv_settings() -> dict[str, str]:
    """pip's own index and certificate settings under uv's names: uv does not read pip's files."""
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "cert": "SSL_CERT_FILE",
    }
    settings = {}
    # Prints `global.index-url='https://…'`, the environment's (`:env:.…`) last. It is not logged:
    # an address may hold a password.
    configured = process.attempt([VENV_PYTHON, "-m", "pip", "config", "list"])
    for line in (configured or "").splitlines():
        name, _, value = line.partition("=")
        uv_name = names.get(name.rpartition(".")[2].lower())
        text = value.strip().strip("'\"")
        if uv_name and text and (uv_name != "UV_FIND_LINKS" or Path(text).exists()):
            settings[uv_name] = text
    return settings
