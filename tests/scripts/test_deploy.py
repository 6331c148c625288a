"""`make deploy`: the commands, their order, and what they get; az and pulumi are stand-ins."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts import deploy
from scripts.console import Problem
from tests.scripts.conftest import script

OUTPUTS = {
    "AZURE_ACCOUNT_NAME": "djangoprod",
    "AZURE_ACCOUNT_KEY": "hunter2",
    "SITE_URL": "https://djangoprod-app1a2b3c4d.azurewebsites.net",
}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `pulumi` that prints what is in the folder, and its arguments to a log."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "outputs").write_text(json.dumps(OUTPUTS))
    script(
        tmp_path / "pulumi",
        f"""#!/bin/sh
echo "$@" >> {tmp_path}/log
case "$1" in
    stack) cat {tmp_path}/outputs ;;
    config) echo "the $3: hunter2" ;;
esac
""",
    )
    return tmp_path


def test_a_dry_run_prints_each_command_in_order_and_no_secret(
    pulumi: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.setup.ensure", lambda: False)
    assert deploy.main(["--stack", "prod", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "make release",
        ".venv/bin/python app/manage.py collectstatic --noinput",
        ".venv/bin/python app/manage.py migrate --noinput",
        "az webapp deploy --resource-group DjangoBlobProd --name djangoprod-app1a2b3c4d "
        "--type zip --src-path dist/release.zip",
        "curl -fsS https://djangoprod-app1a2b3c4d.azurewebsites.net/healthz",
        ".venv/bin/python app/manage.py doctor",
    ]
    assert "hunter2" not in printed + (pulumi / "log").read_text()


def test_the_sites_commands_get_the_outputs_and_the_secrets(pulumi: Path) -> None:
    environment = deploy.look_up("prod").environment
    assert environment["AZURE_ACCOUNT_KEY"] == "hunter2"
    assert environment["DATABASE_URL"] == "the databaseUrl: hunter2"
    assert environment["DJANGO_SECRET_KEY"] == "the secretKey: hunter2"
    assert environment["DJANGO_DEBUG"] == "false"
    assert "SITE_URL" not in environment
    assert "hunter2" not in str(deploy.commands(deploy.look_up("prod")))


def test_no_representation_of_a_target_shows_a_secret(pulumi: Path) -> None:
    assert "hunter2" not in repr(deploy.look_up("prod"))


def test_a_stack_without_a_host_is_refused_with_the_command(pulumi: Path) -> None:
    (pulumi / "outputs").write_text(json.dumps({"AZURE_ACCOUNT_NAME": "djangoprod"}))
    with pytest.raises(Problem, match="pulumi config set host appService --stack prod"):
        deploy.look_up("prod")


@pytest.fixture
def site() -> Iterator[tuple[str, list[tuple[int, Any]]]]:
    """A site's address, and what its /healthz answers, the last answer for ever."""
    answers: list[tuple[int, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/healthz", answers
        server.shutdown()
        thread.join()


def test_it_waits_until_the_new_release_answers(
    site: tuple[str, list[tuple[int, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    health, answers = site
    answers += [(200, {"release": "old"}), (503, {}), (200, []), (200, {"release": "new"})]
    deploy.wait_for(health, "new", 60)
    assert answers == [(200, {"release": "new"})]


def test_a_release_that_never_answers_is_a_problem_with_what_answers_instead(
    site: tuple[str, list[tuple[int, Any]]],
) -> None:
    health, answers = site
    answers.append((200, {"release": "old"}))
    with pytest.raises(Problem, match=r"that it runs old, instead of new\. Its log: az webapp log"):
        deploy.wait_for(health, "new", 0)
    answers[:] = [(503, {"release": "new"})]
    with pytest.raises(Problem, match="status 503"):
        deploy.wait_for(health, "new", 0)
