"""A project that goes by another name: made by `pulumi new`, or renamed after its deployment."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, free_port
from tests.e2e.conftest import Pulumi, need_pulumi, pulumi_environment
from tests.scripts.test_up import Terminal

ORIGINS = "https://www.example.com,https://*.preview.example.com"
# What `pulumi new` asks a terminal before it writes to it.
QUERIES, REPORTS = "\x1b[6n", b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[1;1R"
UNASKED = ("--yes", "--skip-preview")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this repository, as a clone has them."""
    need_pulumi()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no clone: git names the files of which a template is made")
    folder = tmp_path_factory.mktemp("template")
    for name in listed.stdout.rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Pulumi]:
    """A Pulumi of its own, and a folder with nothing in it."""
    need_pulumi()
    project = tmp_path / "project"
    project.mkdir()
    pulumi = Pulumi(project, pulumi_environment(tmp_path))
    yield pulumi
    pulumi.azurite.stop()


def use_installed_packages(folder: Path) -> None:
    """What `pulumi new` and `make setup` would download."""
    shutil.rmtree(folder / ".venv", ignore_errors=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    modules = Path("localazure", "node", "node_modules")
    (folder / modules).symlink_to(ROOT / modules)


def planned(pulumi: Pulumi, stack: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads(pulumi.run("preview", "-s", stack, "--json").stdout)[
        "steps"
    ]
    return steps


def inputs(steps: list[dict[str, Any]], type_: str) -> dict[str, Any]:
    (found,) = [s["newState"]["inputs"] for s in steps if s["newState"]["type"].endswith(type_)]
    return dict(found)


def assert_it_is_as_answered(pulumi: Pulumi, name: str) -> None:
    steps = planned(pulumi, "dev")
    assert {step["op"] for step in steps} == {"create"}
    account = inputs(steps, ":StorageAccount")
    assert account["location"] == "northeurope"
    assert re.fullmatch("web[0-9a-f]{8}", account["accountName"])
    assert account["tags"]["project"] == name
    assert inputs(steps, ":ResourceGroup")["resourceGroupName"] == "ShopGroup"
    rules = inputs(steps, ":BlobServiceProperties")["cors"]["corsRules"]
    assert {tuple(rule["allowedOrigins"]) for rule in rules} == {tuple(ORIGINS.split(","))}
    # The profile's own settings are there, whatever the project's name.
    assert [s["newState"]["inputs"]["publicAccess"] for s in steps if "media" in s["urn"]] == [
        "Blob"
    ]


def assert_it_runs(pulumi: Pulumi) -> None:
    """`make up` deploys and serves it; `make down` takes it down, after another rename too."""
    folder, port = pulumi.folder, free_port()
    env = {
        **{k: v for k, v in pulumi.environment.items() if not k.startswith(("AZURE_", "DJANGO_"))},
        "TERM": "xterm",
        "DATABASE_URL": f"sqlite:///{folder.parent / 'db.sqlite3'}",
    }
    ports = (f"PORT={port}", f"BLOB_PORT={env['LOCALAZURE_BLOB_PORT']}")
    site = Terminal(["make", "up", *ports], env, folder)
    try:
        site.read_until("Ctrl-C ends the site.", seconds=200)
        assert "Stack by pulumi" in site.text
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
            assert answer.status == 200
    finally:
        site.type(b"\x03")
        site.status()
        site.close()
        rename(pulumi, "renamed")
        down = subprocess.run(
            ["make", "down"], cwd=folder, env=env, capture_output=True, text=True, check=False
        )
    assert down.returncode == 0, down.stdout + down.stderr
    cloud = json.loads((Path(env["LOCALAZURE_HOME"]) / "cloud.json").read_text())
    assert cloud == {"accounts": {}, "groups": {}}


def test_pulumi_new_asks_for_what_matters_and_the_answers_are_deployed(
    template: Path, empty: Pulumi
) -> None:
    # Without an index its last step, the packages, ends soon.
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "TERM": "xterm"}
    env = {k: v for k, v in {**empty.environment, **offline}.items() if k != "CI"}
    terminal = Terminal(["pulumi", "new", str(template)], env, empty.folder)
    try:
        terminal.read_until(QUERIES)
        terminal.type(REPORTS)
        for question, answer in (
            ("Project name", "shop"),
            ("Project description", ""),
            ("Stack name", "dev"),
            ("(accountNamePrefix):", "web"),
            ("(corsOrigins):", ORIGINS),
            ("(location):", "northeurope"),
            ("(resourceGroupName):", "ShopGroup"),
        ):
            terminal.read_until(question)
            terminal.type(f"{answer}\r".encode())
        terminal.read_until("Saved config")
    finally:
        terminal.status()
        terminal.close()
    use_installed_packages(empty.folder)
    assert_it_is_as_answered(empty, "shop")
    assert_it_runs(empty)


@pytest.mark.parametrize("name", ["My-Site.2", "azure_blob9"])
def test_a_project_of_any_name_previews_and_runs_unedited(
    template: Path, empty: Pulumi, name: str
) -> None:
    empty.run("new", str(template), "--generate-only", "--name", name, "--yes")
    use_installed_packages(empty.folder)
    empty.run("stack", "init", "prod")
    (account,) = [
        step["newState"]
        for step in planned(empty, "prod")
        if step["newState"]["type"].endswith(":StorageAccount")
    ]
    assert account["inputs"]["sku"] == {"name": "Standard_GZRS"}
    assert account["protect"] is True
    empty.run("stack", "init", "dev")
    for key, value in (
        ("accountNamePrefix", "web"),
        ("corsOrigins", ORIGINS),
        ("location", "northeurope"),
        ("resourceGroupName", "ShopGroup"),
    ):
        empty.run("config", "set", "-s", "dev", key, value)
    assert_it_is_as_answered(empty, name)
    assert_it_runs(empty)


def rename(pulumi: Pulumi, name: str) -> None:
    file = pulumi.folder / "Pulumi.yaml"
    file.write_text(re.sub("^name: .*", f"name: {name}", file.read_text(), flags=re.MULTILINE))


def test_a_deployed_stack_that_is_renamed_changes_its_tag_alone(pulumi: Pulumi) -> None:
    pulumi.run("stack", "init", "prod")
    pulumi.run("up", "-s", "prod", *UNASKED)
    pulumi.run("stack", "rename", "organization/shop/prod", "-s", "prod")
    rename(pulumi, "shop")
    refused = pulumi.run("preview", "-s", "prod", check=False)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "this project is called 'shop' and does not read the prefix" in said
    (command,) = set(re.findall(r"sed -i\.bak '[^']+' Pulumi\.prod\.yaml", said))
    subprocess.run(command, shell=True, cwd=pulumi.folder, check=True)  # noqa: S602 - its own
    changed = [step for step in planned(pulumi, "prod") if step["op"] != "same"]
    assert {step["op"] for step in changed} == {"update"}
    assert all(step["diffReasons"] == ["tags"] for step in changed)


def test_every_wrong_setting_is_reported_at_once_by_the_program_itself(pulumi: Pulumi) -> None:
    file = pulumi.folder / "Pulumi.wrong.yaml"
    file.write_text(
        "config:\n  protect: maybe\n  corsMaxAgeSeconds: soon\n  corsOrigins: [1]\n"
        "  tags: {costCenter: 1.5}\n  mediaAcess: public\n  other:lock: true\n"
    )
    pulumi.run("stack", "init", "wrong")
    pulumi.run("config", "set", "-s", "wrong", "--path", "tags.code", "4711")
    refused = pulumi.run("preview", "-s", "wrong", check=False)
    said = refused.stdout + refused.stderr
    assert "6 settings are wrong; nothing was changed." in said
    for part in (
        "protect is 'maybe': true or false",
        "corsMaxAgeSeconds is 'soon': a whole number",
        "'1': not a string",
        "the tag 'costCenter' is the number 1.5",
        "did you mean mediaAccess?",
        "other:lock: this project is called",
    ):
        assert part in said
    assert "Traceback" not in said
    assert "must be of type" not in said
    file.unlink()


def test_a_number_among_the_tags_is_deployed_as_text(pulumi: Pulumi) -> None:
    pulumi.run("stack", "init", "dev")
    pulumi.run("config", "set", "-s", "dev", "--path", "tags.costCenter", "4711")
    account = inputs(planned(pulumi, "dev"), ":StorageAccount")
    assert account["tags"]["costCenter"] == "4711"


def test_a_secret_that_is_no_setting_is_refused_and_not_shown(pulumi: Pulumi) -> None:
    pulumi.run("config", "set", "-s", "dev", "--secret", "dbPassword", "hunter2")
    refused = pulumi.run("preview", "-s", "dev", check=False)
    pulumi.run("config", "rm", "-s", "dev", "dbPassword")
    said = refused.stdout + refused.stderr
    assert "dbPassword is '[secret]': no such setting" in said
    assert "hunter2" not in said
