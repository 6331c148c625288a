"""The files that people and services expect in a repository have the form that those read."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.workflows.test_workflows import GITHUB, ROOT, load, tool

FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
# https://pre-commit.com, "Creating new hooks" and "Repository local hooks".
PRE_COMMIT = {
    "type": "object",
    "required": ["repos"],
    "properties": {
        "repos": {
            "type": "array",
            "items": {
                "required": ["repo", "hooks"],
                "properties": {
                    "hooks": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"required": ["id", "name", "entry", "language"]},
                    }
                },
            },
        }
    },
}


def check(*arguments: str | Path) -> None:
    command = [tool("check-jsonschema"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dependabots_configuration_is_of_githubs_form() -> None:
    check("--builtin-schema", "vendor.dependabot", GITHUB / "dependabot.yml")


def test_the_issue_templates_are_of_githubs_form() -> None:
    forms = [file for file in FORMS if file.stem != "config"]
    assert len(forms) == 2
    check("--builtin-schema", "vendor.github-issue-forms", *forms)
    check(
        "--builtin-schema", "vendor.github-issue-config", GITHUB / "ISSUE_TEMPLATE" / "config.yml"
    )


def test_dependabot_looks_at_every_file_with_packages_after_a_cooldown() -> None:
    updates = load(GITHUB / "dependabot.yml")["updates"]
    watched = {
        (update["package-ecosystem"], folder)
        for update in updates
        for folder in update.get("directories", [update.get("directory")])
    }
    listed = subprocess.run(
        ["git", "ls-files", "*requirements*.txt", "*package.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    folders = {f"/{Path(file).parent}".replace("/.", "/") for file in listed if "json" not in file}
    assert {folder for kind, folder in watched if kind == "pip"} == folders
    assert {folder for kind, folder in watched if kind == "npm"} == {"/localazure/node"}
    assert {kind for kind, _ in watched} == {"pip", "npm", "github-actions"}
    for update in updates:
        assert update["cooldown"]["default-days"] >= 7
        assert update["groups"]


def test_pre_commit_runs_what_make_lint_runs(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(PRE_COMMIT))
    check("--schemafile", schema, ROOT / ".pre-commit-config.yaml")
    (repository,) = load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == ["make lint"]


def test_the_development_container_has_the_pinned_pulumi_and_a_node_for_azurite() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    features = {name.rpartition("/")[2]: options for name, options in container["features"].items()}
    (pinned,) = re.findall(r"^pulumi==(.+)$", (ROOT / "requirements.txt").read_text(), re.M)
    assert features["pulumi:1"]["version"] == pinned
    assert int(features["node:1"]["version"]) >= 20
    assert container["image"].endswith("python:3.12")


@pytest.mark.parametrize("name", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md"])
def test_every_link_of_the_policies_within_the_repository_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_versions_that_the_policy_supports_are_those_that_ci_tests() -> None:
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    matrix = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text())["jobs"]["versions"][
        "strategy"
    ]["matrix"]["include"]
    assert {job["django"] for job in matrix} == set(re.findall(r"\b[56]\.\d\b", policy))
    oldest, newest = re.findall(r"\b3\.(\d+)\b", policy)
    classifiers = (ROOT / "pyproject.toml").read_text()
    declared = {int(minor) for minor in re.findall(r":: 3\.(\d+)", classifiers)}
    assert declared == set(range(int(oldest), int(newest) + 1))
    assert {int(job["python"].partition(".")[2]) for job in matrix} == declared
