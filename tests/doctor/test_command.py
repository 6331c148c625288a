"""manage.py doctor as a process: what it prints, and its exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from azureblob.doctor.results import Result, State, Table
from tests.app.test_environment import APP
from tests.conftest import free_port
from tests.doctor.conftest import ACCOUNT, PAGES, Account
from tests.publish.terminal import _read

_COLOUR = "\x1b["


def environment(account: Account, folder: Path, **changed: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    endpoint = changed.get("AZURE_BLOB_ENDPOINT", account.endpoint)
    return {
        **inherited,
        "DJANGO_ENV_FILE": "/nonexistent/.env",
        "DJANGO_SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
        "DJANGO_ALLOWED_HOSTS": "www.example.com",
        "DJANGO_CSRF_TRUSTED_ORIGINS": PAGES,
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
        "AZURE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_ACCOUNT_KEY": account.key,
        "AZURE_BLOB_ENDPOINT": endpoint,
        "AZURE_CUSTOM_DOMAIN": endpoint.partition("://")[2].rstrip("/"),
        "AZURE_STATIC_CONTAINER": "static",
        "AZURE_MEDIA_CONTAINER": "media",
        "AZURE_QUARANTINE_CONTAINER": "quarantine",
        "AZURE_MEDIA_ACCESS": "public",
        "AZURE_DIRECT_UPLOAD": "true",
        **changed,
    }


def run(
    account: Account, folder: Path, *flags: str, **changed: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", APP / "manage.py", "doctor", *flags],
        env=environment(account, folder, **changed),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    for text in (done.stdout, done.stderr):
        assert account.key not in text
        assert "sig=" not in text
        assert "Traceback" not in text
    return done


def test_a_healthy_site_ends_with_0_and_a_plain_table(account: Account, tmp_path: Path) -> None:
    done = run(account, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()
    assert rows[0].startswith("pass  settings")
    assert rows[-1] == "20 passed, 0 failed."
    assert _COLOUR not in done.stdout
    assert max(map(len, rows)) <= 100


def test_a_failure_ends_with_1_and_says_what_to_type(account: Account, tmp_path: Path) -> None:
    done = run(account, tmp_path, AZURE_ACCOUNT_KEY="d3Jvbmcta2V5")
    assert done.returncode == 1
    assert done.stderr == ""
    assert "FAIL  signin" in done.stdout
    assert "\n          make up\n" in done.stdout
    assert "skip  11 more" in done.stdout
    assert "d3Jvbmcta2V5" not in done.stdout


def test_json_is_all_that_is_printed_and_a_dead_port_fails(
    account: Account, tmp_path: Path
) -> None:
    dead = f"http://127.0.0.1:{free_port()}/{ACCOUNT}/"
    done = run(account, tmp_path, "--json", AZURE_BLOB_ENDPOINT=dead)
    assert (done.returncode, done.stderr) == (1, "")
    printed: dict[str, Any] = json.loads(done.stdout)
    assert (printed["healthy"], printed["endpoint"]) == (False, dead)
    assert [f["id"] for f in printed["findings"] if f["state"] == "fail"] == ["connection"]


def test_an_invalid_origin_is_refused_before_anything_is_tried(
    account: Account, tmp_path: Path
) -> None:
    done = run(account, tmp_path, "--origin", "www.example.com")
    assert done.returncode == 2
    assert "such as https://www.example.com" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("no_color", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_only_terminals_that_want_colours_get_them(
    account: Account, tmp_path: Path, no_color: dict[str, str], coloured: bool
) -> None:
    """On a narrow terminal, where no line but a command is wider than it."""
    seen = _on_a_terminal(environment(account, tmp_path, **no_color, TERM="xterm"), columns=50)
    assert (_COLOUR in seen) is coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen).replace("\r", "")
    assert "pass  settings\n  the system checks found nothing\n" in plain
    assert max(len(line) for line in plain.splitlines() if "http" not in line) <= 50


def _on_a_terminal(variables: dict[str, str], columns: int) -> str:
    import fcntl
    import pty
    import struct
    import termios
    import time

    own, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, APP / "manage.py", "doctor"],
        stdin=its,
        stdout=its,
        stderr=its,
        env=variables,
        start_new_session=True,
    )
    os.close(its)
    try:
        return _read(own, time.monotonic() + 60).decode()
    finally:
        process.kill()
        process.wait()
        os.close(own)


def test_a_command_is_never_wrapped() -> None:
    command = "pulumi config set --path 'corsOrigins[<n>]' https://a.long.name.example.com:8443"
    result = Result("preflight.put", State.FAIL, "refused", PAGES, "Do this.", (command,))
    for columns in (40, 80):
        lines = list(Table(columns, lambda _, word: word).lines(result))
        assert [line.strip() for line in lines][-1] == command
