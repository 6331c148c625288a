"""The site's database is prepared by one process, which hashes no password without need."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from scripts import process, site
from tests.app.bench_signing import SETTINGS

ENCODED = "an encoded password that no password has"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def prepare(home: Path, *, demo_login: bool = True, debug: str = "true") -> site.Database:
    settings = {
        **SETTINGS,
        "DATABASE_URL": f"sqlite:///{database(home)}",
        "DJANGO_DEBUG": debug,
        "DJANGO_ALLOWED_HOSTS": "site.example",
        "DJANGO_SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
    }
    environment = process.clean_environment(settings)
    return site.prepare_database(environment, demo_login=demo_login)


def database(home: Path) -> Path:
    return home.parent / "site.sqlite3"


def set_password(home: Path, encoded: str) -> None:
    with sqlite3.connect(database(home)) as connection:
        connection.execute("UPDATE auth_user SET password = ?", [encoded])
    connection.close()


def test_without_a_demo_login_there_is_none(home: Path) -> None:
    prepared = prepare(home, demo_login=False, debug="false")
    assert (prepared.login, prepared.debug) == ("", False)
    with sqlite3.connect(database(home)) as connection:
        assert connection.execute("SELECT count(*) FROM auth_user").fetchone() == (0,)
    connection.close()
    assert not (home / "demo-admin.verified").exists()


def test_a_verified_password_is_not_hashed_again(home: Path) -> None:
    created = prepare(home)
    assert (created.login, created.debug) == ("created", True)
    file = home / "demo-admin.verified"
    digest = file.read_text()
    for damage in (b"\0", b"0" * 64):
        file.write_bytes(damage)
        assert prepare(home).login == "unchanged"
        assert file.read_text() == digest

    set_password(home, ENCODED)
    assert prepare(home).login == "changed"
    assert prepare(home, demo_login=False).login == ""
    assert file.read_text() == digest
    # Only a digest of this very password and hash stands for the check, which would fail.
    file.write_text(hashlib.sha256(f"{created.password}\n{ENCODED}".encode()).hexdigest())
    assert prepare(home).login == "unchanged"
    assert created.password not in (home / "logs" / "database.log").read_text()
