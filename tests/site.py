"""The site as processes run it: its database, and its management commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.app.conftest import site_environment

MANAGE = Path(__file__).resolve().parent.parent / "app" / "manage.py"
USER, PASSWORD = "browser-admin", "a-password-for-tests-only"


def inherited() -> dict[str, str]:
    """The variables of this process that a process of the site needs."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def manage(environment: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        [sys.executable, MANAGE, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def prepare(azure_env: dict[str, str], folder: Path) -> Path:
    """Publish the static files, and return a database with the site's tables and an administrator.

    In one process: Django takes far longer to start than each of the commands takes to run.
    """
    commands = (
        "from django.core.management import call_command as call\n"
        "call('migrate', interactive=False, verbosity=0)\n"
        f"call('createsuperuser', interactive=False, username={USER!r}, email='a@example.com')\n"
        "call('collectstatic', interactive=False, verbosity=0)\n"
    )
    environment = {
        **inherited(),
        **site_environment(azure_env, folder),
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    manage(environment, "shell", "--no-imports", "-c", commands)
    return folder / "site.sqlite3"
