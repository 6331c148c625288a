"""GET /healthz: always a response, within two seconds, without secrets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import free_port

if TYPE_CHECKING:
    from django.test import Client


def storages(**options: str) -> dict[str, Any]:
    """Both storages, with these options for static files."""
    return {
        "default": {"BACKEND": "backend.custom_azure.AzureMediaStorage"},
        "staticfiles": {
            "BACKEND": "backend.custom_azure.AzureStaticStorage",
            "OPTIONS": options,
        },
    }


def health(client: Client, **options: str) -> tuple[int, dict[str, Any], float]:
    """Status, response, seconds."""
    from django.test import override_settings

    begin = time.monotonic()
    with override_settings(STORAGES=storages(**options)):
        response = client.get("/healthz")
    seconds = time.monotonic() - begin
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, json.loads(response.content), seconds


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_healthy_site_says_ok(client: Client) -> None:
    status, answer, _ = health(client)
    assert status == 200
    assert answer == {
        "status": "ok",
        "checks": {"database": "ok", "static": "ok", "media": "ok"},
    }


def test_the_release_is_shown_to_those_who_wait_for_it(client: Client) -> None:
    from django.test import override_settings

    with override_settings(AZUREBLOB_RELEASE="0123abc"):
        assert health(client)[1]["release"] == "0123abc"


def test_a_missing_container_is_named_and_the_others_are_fine(client: Client) -> None:
    status, answer, _ = health(client, azure_container="not-there")
    assert status == 503
    assert answer == {
        "status": "unavailable",
        "checks": {"database": "ok", "static": "container missing", "media": "ok"},
    }


def test_a_wrong_key_is_forbidden_and_not_shown(client: Client) -> None:
    key = "d3Jvbmcta2V5"
    status, answer, _ = health(client, account_key=key)
    assert status == 503
    assert answer["checks"]["static"] == "forbidden"
    assert key not in json.dumps(answer)


def test_a_server_that_is_gone_is_unreachable_at_once(client: Client) -> None:
    status, answer, seconds = health(client, blob_endpoint=f"http://127.0.0.1:{free_port()}/a/")
    assert (status, answer["checks"]["static"]) == (503, "unreachable")
    assert seconds < 2


def test_a_server_that_never_answers_is_a_timeout_within_two_seconds(
    client: Client, silent_server: int
) -> None:
    endpoint = f"http://127.0.0.1:{silent_server}/a/"
    status, answer, seconds = health(client, blob_endpoint=endpoint)
    assert (status, answer["checks"]["static"]) == (503, "timeout")
    assert seconds < 2


def test_a_check_that_hangs_delays_no_other_and_blocks_one_thread(django_site: None) -> None:
    from azureblob import health as module

    let_go = threading.Event()
    begin = time.monotonic()

    def hang() -> str:
        let_go.wait(20)
        return "ok"

    try:
        for _ in range(2):
            assert module.run({"hangs": hang, "fine": lambda: "ok"}) == {
                "hangs": "timeout",
                "fine": "ok",
            }
        assert time.monotonic() - begin < 4
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("healthz-hangs") == 1
    finally:
        let_go.set()


def test_the_text_of_an_unexpected_error_is_not_shown(django_site: None) -> None:
    from azureblob import health as module

    def fail() -> str:
        raise RuntimeError("password=hunter2")

    assert module.run({"odd": fail}) == {"odd": "error"}


@pytest.fixture
def fresh_log(django_site: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No failure has been logged yet."""
    monkeypatch.setattr("azureblob.health._logged_at", {})


@pytest.mark.usefixtures("fresh_log")
def test_each_kind_of_failure_is_logged_once_a_minute_without_secrets(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azureblob import health as module

    def fail() -> None:
        raise RuntimeError("password=hunter2")

    def other() -> None:
        raise OSError("sig=hunter2")

    with caplog.at_level("WARNING", logger="azureblob.health"):
        for _ in range(3):
            module.run({"odd": fail})
        assert caplog.messages == ["The health check of odd failed: error (RuntimeError)."]
        module.run({"other": other, "odd": fail})
        assert caplog.messages[1:] == ["The health check of other failed: error (OSError)."]
        monkeypatch.setattr(module, "_LOG_SECONDS", 0.0)
        module.run({"odd": fail})
        assert len(caplog.messages) == 3
    assert "hunter2" not in caplog.text


@pytest.mark.usefixtures("fresh_log")
def test_the_log_has_the_services_error_code_and_the_checks_that_time_out(
    client: Client, caplog: pytest.LogCaptureFixture, silent_server: int
) -> None:
    with caplog.at_level("WARNING", logger="azureblob.health"):
        health(client, account_key="d3Jvbmcta2V5")
        health(client, blob_endpoint=f"http://127.0.0.1:{silent_server}/a/")
    logged = [record.message for record in caplog.records if record.name == "azureblob.health"]
    assert len(logged) == 2
    assert logged[0].startswith("The health check of static failed: forbidden (")
    assert "(AuthenticationFailed)" in logged[0] or "(AuthorizationFailure)" in logged[0]
    assert logged[1].startswith("The health check of static failed: timeout (")
    assert "127.0.0.1" not in caplog.text and "d3Jvbmcta2V5" not in caplog.text


def test_a_database_that_is_gone_is_unreachable(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError
    from django.db.backends.base.base import BaseDatabaseWrapper

    def refuse(self: BaseDatabaseWrapper) -> None:
        raise OperationalError("password=hunter2")

    monkeypatch.setattr(BaseDatabaseWrapper, "connect", refuse)
    status, answer, _ = health(client)
    assert (status, answer["checks"]["database"]) == (503, "unreachable")
