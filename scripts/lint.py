"""`make lint` and `make fmt`: ruff and mypy as pyproject.toml sets them up."""

from __future__ import annotations

import subprocess
from base64 import b64encode

from scripts import setup
from scripts.paths import APP, ROOT, VENV_PYTHON
from scripts.process import clean_environment

CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
)
FIXES = (
    ("ruff", "check", "--fix", "."),
    ("ruff", "format", "."),
)
# django-stubs imports the site's settings, which need an environment. There is no such service.
SETTINGS = {
    "PYTHONPATH": str(APP),
    "DJANGO_ENV_FILE": "/dev/null",
    "DJANGO_SECRET_KEY": "only-for-the-type-checker-and-never-for-a-running-site-0123456789",
    "DJANGO_DEBUG": "true",
    "AZURE_ACCOUNT_NAME": "typechecker",
    "AZURE_ACCOUNT_KEY": b64encode(b"no key at all").decode(),
    "AZURE_BLOB_ENDPOINT": "http://127.0.0.1:1/typechecker/",
    "AZURE_CUSTOM_DOMAIN": "127.0.0.1:1/typechecker",
    "AZURE_STATIC_CONTAINER": "static",
    "AZURE_MEDIA_CONTAINER": "media",
    "AZURE_QUARANTINE_CONTAINER": "quarantine",
    "AZURE_MEDIA_ACCESS": "public",
    "AZURE_DIRECT_UPLOAD": "true",
}


def main(arguments: list[str]) -> int:
    """Run every tool, even after one that found something; 1 if any did."""
    setup.ensure(dev=True)
    environment = clean_environment(SETTINGS)
    statuses = []
    for command in FIXES if "--fix" in arguments else CHECKS:
        print(f"$ {' '.join(command)}", flush=True)
        run = subprocess.call([VENV_PYTHON, "-m", *command], cwd=ROOT, env=environment)
        statuses.append(run)
    return int(any(statuses))
