"""Where things lie. The folders that a run writes to can be moved by the environment."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# `make test DJANGO=6.1`: another version of Django, in an environment of its own.
DJANGO = os.environ.get("DJANGO", "")
VENV = ROOT / (f".venv-django-{DJANGO}" if DJANGO else ".venv")
VENV_PYTHON = VENV / "bin" / "python"
NODE_DIR = ROOT / "localazure" / "node"
AZURITE_MAIN = NODE_DIR / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
APP = ROOT / "app"


def state_dir() -> Path:
    """The folder of all that a run on this machine remembers, readable by its owner only."""
    path = Path(os.environ.get("LOCALAZURE_HOME") or ROOT / ".localazure").absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def log_file(name: str) -> Path:
    folder = state_dir() / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{name}.log"


def env_file() -> Path:
    """The file that the site reads its settings from (DJANGO_ENV_FILE, else app/.env)."""
    return Path(os.environ.get("DJANGO_ENV_FILE") or APP / ".env").absolute()


def shown(path: Path) -> str:
    """The path as a person would type it in the project's folder."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
