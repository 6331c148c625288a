"""The workflows' scripts, run as the workflows run them, against a GitHub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.conftest import BOT, GitHub
from tests.workflows.test_workflows import GITHUB

SCRIPTS = GITHUB / "scripts"
SHA = "0123456789abcdef0123456789abcdef01234567"
MARKER = "<!-- django-azure-blob preview -->"
FORK = "stranger/name"
PREFIX = "urn:pulumi:prod::django-azure-blob::django-azure-blob:index:DjangoBlobStorage$"


def planned(op: str, type_: str, name: str, old: Any, new: Any, **more: Any) -> dict[str, Any]:
    urn = f"{PREFIX}azure-native:{type_}::{name}"
    states = {
        side: {"urn": urn, "type": f"azure-native:{type_}", "custom": True, "inputs": inputs}
        for side, inputs in (("oldState", old), ("newState", new))
        if inputs is not None
    }
    return {"op": op, "urn": urn, **states, **more}


def printed(*steps: dict[str, Any], error: str = "", **summary: int) -> str:
    """What `pulumi preview --json` prints, shortened."""
    diagnostics = [{"severity": "error", "message": f"error: {error}\n"}] if error else []
    content = {"steps": steps, "diagnostics": diagnostics, "changeSummary": summary}
    return json.dumps(content)


RENAMED = planned(
    "replace",
    "storage:StorageAccount",
    "django",
    {"accountName": "old"},
    {"accountName": "new"},
    detailedDiff={"accountName": {"kind": "update-replace"}},
)
OPENED = planned(
    "update",
    "storage:BlobContainer",
    "site-media",
    {"publicAccess": "None"},
    {"publicAccess": "Blob"},
)
UNLOCKED = planned("delete", "authorization:ManagementLockByScope", "site-lock", {}, None)
CHANGES = printed(RENAMED, OPENED, UNLOCKED, same=5, update=1, delete=1, replace=1)
# Lines of the log of events.
POLICIES = "\n".join(
    json.dumps({"policyEvent": {"resourceUrn": RENAMED["urn"], **event}})
    for event in (
        {
            "policyName": "versioning",
            "message": "CIS 10.2.2: What a blob held before",
            "enforcementLevel": "advisory",
        },
        {
            "policyName": "delete-lock",
            "message": "CIS 10.3.10: Azure refuses to delete\nno lock",
            "enforcementLevel": "mandatory",
        },
    )
)
LOST = "`every blob in account old, soft-deleted ones too`"
RISKS = [
    "`django` (`StorageAccount`) is **replaced**, because `accountName` changes; what would be "
    f"lost: {LOST}.",
    "`site-lock` (`ManagementLockByScope`) is **deleted**: what it locked can be deleted again.",
    "`site-media` (`BlobContainer`): **anyone** may read its blobs (`publicAccess` is `Blob`).",
]
BROKEN = (
    "`django` (`StorageAccount`) breaks the rule `delete-lock`: "
    "`CIS 10.3.10: Azure refuses to delete no lock`."
)
CLEAN = printed(same=8)


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPTS / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `pulumi` on PATH that prints the file `says`, writes its arguments down, ends as told.

    It runs in a project of its own, whose stacks have the state in the file `state`.
    """
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    (project / "Pulumi.yaml").touch()
    (tmp_path / "state").write_text('{"version": 3, "deployment": {}}')
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "pulumi"
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f'*"stack export"*) cat {tmp_path}/state ;;\n'
        '*"stack init"*) echo "encryptionsalt: v1:salt" > "Pulumi.$6.yaml" ;;\n'
        f'*"stack import"*) cat "$9" > {tmp_path}/imported ;;\n'
        f'*) echo "$@" >> {tmp_path}/arguments\ncat {tmp_path}/says\nfor log; do :; done\n'
        f'[ ! -e {tmp_path}/events ] || cp {tmp_path}/events "$log"\n'
        f'exit "$(cat {tmp_path}/status)" ;;\n'
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "status").write_text("0")
    return tmp_path


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAD_REPOSITORY", FORK)
    monkeypatch.setenv("HEAD_BRANCH", "a branch/with?odd&signs")
    monkeypatch.setenv("HEAD_SHA", SHA)


def open_pull(github: GitHub, number: int = 7, sha: str = SHA, repository: str = FORK) -> None:
    github.pull(number, repository, "a branch/with?odd&signs", sha)


def artifact(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "preview.md"
    file.write_text(text, encoding="utf-8")
    return file


def comment(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    done = run("comment.py", artifact(tmp_path, text))
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.usefixtures("head")
def test_the_first_run_comments_and_the_second_edits_that_comment(
    github: GitHub, tmp_path: Path
) -> None:
    open_pull(github)
    comment(tmp_path, f"{MARKER}\none\n")
    comment(tmp_path, f"{MARKER}\ntwo\n")
    (made,) = github.comments[7]
    assert made["body"].startswith(f"{MARKER}\ntwo\n")
    assert (
        f"[The run](https://github.example/owner/name/actions/runs/7) of commit {SHA[:7]}"
        in (made["body"])
    )
    assert [asked for asked in github.asked if not asked.startswith("GET")] == [
        "POST issues/7/comments",
        f"PATCH issues/comments/{made['id']}",
    ]
    assert github.tokens == {"Bearer a-token-for-this-run"}


@pytest.mark.usefixtures("head")
def test_its_own_comment_is_found_beyond_the_first_page_and_others_are_left_alone(
    github: GitHub, tmp_path: Path
) -> None:
    open_pull(github)
    for number in range(120):
        github.comment(7, f"{MARKER}\nquoted {number}", author="somebody")
    github.comment(7, "another workflow's")
    own = github.comment(7, f"{MARKER}\nold")
    comment(tmp_path, f"{MARKER}\nnew\n")
    changed = [each for each in github.comments[7] if "new" in each["body"]]
    assert changed == [own]
    assert len(github.comments[7]) == 122


@pytest.mark.usefixtures("head")
def test_it_comments_only_where_the_previewed_commit_is_the_head(
    github: GitHub, tmp_path: Path
) -> None:
    open_pull(github, 1, sha="f" * 40)
    # The same branch's name and commit in a repository of the same owner, but another one.
    open_pull(github, 2, repository="stranger/other")
    done = comment(tmp_path, f"{MARKER}\none\n")
    assert "No open pull request has this commit as its head" in done.stdout
    assert github.comments == {}


@pytest.mark.usefixtures("head")
def test_the_artifact_notifies_nobody_and_names_no_other_pull_request(
    github: GitHub, tmp_path: Path
) -> None:
    open_pull(github)
    comment(tmp_path, f"noise of make\n{MARKER}\n@everybody and @org/team, pull request 99\n")
    (made,) = github.comments[7]
    assert made["body"].startswith(f"{MARKER}\n@\u200beverybody and @\u200borg/team")
    assert list(github.comments) == [7]


@pytest.mark.usefixtures("head")
def test_a_long_preview_is_cut_and_what_it_opened_is_closed(github: GitHub, tmp_path: Path) -> None:
    open_pull(github)
    lines = "\n".join(f"+ a line of the preview: {number}" for number in range(5_000))
    text = f"{MARKER}\n<details><summary>x</summary>\n\n````diff\n```\n{lines}\n````\n</details>\n"
    comment(tmp_path, text)
    (made,) = github.comments[7]
    assert 50_000 < len(made["body"]) < 65_536
    ending = made["body"].splitlines()[-5:]
    assert ending[0] == "````"
    assert "</details>" in ending
    assert "The rest is cut off" in ending[-1]


@pytest.mark.usefixtures("head")
def test_without_a_preview_the_comment_says_so(github: GitHub, tmp_path: Path) -> None:
    open_pull(github)
    assert run("comment.py", tmp_path / "missing.md").returncode == 0
    (made,) = github.comments[7]
    assert "The preview failed before it had anything to say." in made["body"]


@pytest.mark.usefixtures("head")
def test_an_artifact_that_points_elsewhere_is_not_followed(github: GitHub, tmp_path: Path) -> None:
    open_pull(github)
    (tmp_path / "secret").write_text(f"{MARKER}\nnot for you\n")
    (tmp_path / "link.md").symlink_to(tmp_path / "secret")
    run("comment.py", tmp_path / "link.md")
    assert "not for you" not in github.comments[7][0]["body"]


def test_a_preview_puts_the_risks_first_and_the_properties_below(pulumi: Path) -> None:
    (pulumi / "says").write_text(CHANGES)
    done = run("preview.py", "dev", "prod")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == MARKER
    counts = "**1 to update, 1 to replace, 1 to delete, 5 unchanged.** 3 risks."
    assert lines.count(counts) == 2
    assert [line for line in lines if line.startswith("## ")] == [
        "## Preview of stack `dev`",
        "## Preview of stack `prod`",
    ]
    found = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    found = [line for line in found if line != "`site-lock` `ManagementLockByScope`"]
    assert found == RISKS * 2
    changed = '`accountName` (needs a new resource) | `"old"` | `"new"`'
    assert lines.index(f"- {RISKS[0]}") < lines.index(f"| `django` `StorageAccount` | {changed} |")
    asked = (pulumi / "arguments").read_text().splitlines()
    assert [line.split()[:3] for line in asked] == [
        ["preview", "--stack", "dev"],
        ["preview", "--stack", "prod"],
    ]
    assert all("--policy-pack policy" in line and "--refresh" in line for line in asked)


def test_a_preview_that_failed_says_so_and_shows_why(pulumi: Path) -> None:
    (pulumi / "says").write_text(printed(error="One setting is wrong; nothing was changed."))
    (pulumi / "status").write_text("1")
    done = run("preview.py", "dev", "prod")
    assert done.returncode == 1
    assert "## Preview of stack `dev`\n\n**The preview stopped before its end.**" in done.stdout
    assert "## Preview of stack `prod`\n\n**The preview stopped before its end.**" in done.stdout
    assert "```text\nOne setting is wrong" in done.stdout


def test_a_preview_without_json_shows_what_pulumi_said(pulumi: Path) -> None:
    (pulumi / "says").write_text("{}")
    (pulumi / "status").write_text("1")
    program = pulumi / "bin" / "pulumi"
    program.write_text(program.read_text().replace("exit ", "echo error: no passphrase >&2\nexit "))
    done = run("preview.py", "prod")
    assert done.returncode == 1
    assert "error: no passphrase" in done.stdout


def test_a_broken_mandatory_rule_is_the_first_risk_and_an_advisory_is_none(pulumi: Path) -> None:
    (pulumi / "says").write_text(CHANGES)
    (pulumi / "events").write_text(POLICIES)
    (pulumi / "status").write_text("1")
    done = run("preview.py", "prod")
    assert done.returncode == 1
    found = [line for line in done.stdout.splitlines() if line.startswith("- ")]
    assert found[:2] == [f"- {BROKEN}", f"- {RISKS[0]}"]
    assert "versioning" not in done.stdout


def test_a_previews_text_cannot_end_its_code_block(pulumi: Path) -> None:
    (pulumi / "says").write_text(printed(error="tags: \n```\n</details>\n# A heading"))
    text = run("preview.py", "dev").stdout
    assert "\n````text\n" in text
    assert text.rstrip().endswith("</details>\n# A heading\n````")


KEY = "4dabf18193072939515e22adb298388d"
STATE = {
    "version": 3,
    "deployment": {
        "secrets_providers": {"type": "cloud", "state": {"url": "azurekeyvault://x/keys/pulumi"}},
        "resources": [
            {
                "outputs": {
                    "plain": "seen",
                    "deep": [{KEY: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:hidden"}],
                }
            }
        ],
    },
}


def test_a_preview_runs_on_a_copy_without_secrets_and_without_the_stacks_key(
    pulumi: Path,
) -> None:
    (pulumi / "says").write_text(CLEAN)
    (pulumi / "state").write_text(json.dumps(STATE))
    settings = pulumi / "project" / "Pulumi.prod.yaml"
    committed = "secretsprovider: azurekeyvault://x\nencryptedkey: abc\nconfig:\n  sku: x\n"
    settings.write_text(committed)
    assert run("preview.py", "prod").returncode == 0
    imported = json.loads((pulumi / "imported").read_text())["deployment"]
    assert imported["secrets_providers"] == {"type": "passphrase", "state": {"salt": "v1:salt"}}
    outputs = imported["resources"][0]["outputs"]
    assert outputs["plain"] == "seen"
    assert outputs["deep"][0]["plaintext"] == '"withheld"'
    assert "hidden" not in (pulumi / "imported").read_text()
    assert "--config-file" in (pulumi / "arguments").read_text()
    assert settings.read_text() == committed


def test_a_stack_with_encrypted_settings_is_named_and_not_previewed(pulumi: Path) -> None:
    (pulumi / "project" / "Pulumi.prod.yaml").write_text("config:\n  x:\n    secure: v1:abc\n")
    done = run("preview.py", "prod")
    assert done.returncode == 1
    assert "Pulumi.prod.yaml holds encrypted settings" in done.stdout
    assert not (pulumi / "arguments").exists()


def test_a_saved_plan_holds_no_secret(pulumi: Path) -> None:
    plan = pulumi / "plan.json"
    plan.write_text(json.dumps(STATE))
    (pulumi / "says").write_text(CLEAN)
    assert run("preview.py", "prod", "--plan", plan).returncode == 0
    assert "hidden" not in plan.read_text()
    (resource,) = json.loads(plan.read_text())["deployment"]["resources"]
    assert resource["outputs"]["deep"] == ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"]


def test_a_deployment_uses_the_plan_and_says_when_it_no_longer_fits(pulumi: Path) -> None:
    (pulumi / "says").write_text("error: resource urn:x violates plan: properties changed: ~~a\n")
    (pulumi / "status").write_text("1")
    done = run("deploy.py", "prod", "plan.json")
    assert done.returncode == 1
    assert "violates plan" in done.stdout
    assert "For a new plan to approve, run the workflow Deploy again." in done.stdout
    assert "--plan plan.json" in (pulumi / "arguments").read_text()
    (pulumi / "says").write_text("error: Azure is down\n")
    assert "approved" not in run("deploy.py", "prod", "plan.json").stdout
    (pulumi / "status").write_text("0")
    assert run("deploy.py", "prod", "plan.json").returncode == 0


def drift(pulumi: Path, says: str, status: int) -> tuple[int, Path]:
    (pulumi / "says").write_text(says)
    (pulumi / "status").write_text(str(status))
    done = run("drift.py", "look", "prod")
    file = pulumi / f"drift-{len(says)}.md"
    file.write_text(done.stdout, encoding="utf-8")
    return done.returncode, file


def tell(file: Path) -> None:
    done = run("drift.py", "tell", "prod", file)
    assert done.returncode == 0, done.stderr


def test_drift_opens_one_issue_updates_it_and_closes_it_when_it_is_gone(
    github: GitHub, pulumi: Path
) -> None:
    github.issues.append(
        {"number": 1, "state": "open", "body": "other", "title": "x", "user": {"login": BOT}}
    )
    status, found = drift(pulumi, CHANGES, 0)
    assert status == 0
    tell(found)
    tell(found)
    (issue,) = (each for each in github.issues if each["number"] == 2)
    assert issue["title"] == "Drift: prod is not as main declares it"
    assert issue["state"] == "open"
    assert RISKS[0] in issue["body"] and '| `"old"` | `"new"` |' in issue["body"]
    assert "--refresh" in (pulumi / "arguments").read_text()

    status, none = drift(pulumi, CLEAN, 0)
    assert status == 0
    tell(none)
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert "No drift any more" in github.comments[2][0]["body"]
    writes = [asked for asked in github.asked if not asked.startswith("GET")]
    assert writes == [
        "POST issues",
        "PATCH issues/2",
        "POST issues/2/comments",
        "PATCH issues/2",
    ]
    # Clean twice is nothing to say, and a new drift is a new issue.
    tell(none)
    tell(found)
    assert [each["number"] for each in github.issues] == [1, 2, 3]


def test_a_comparison_that_failed_is_no_drift(github: GitHub, pulumi: Path) -> None:
    status, file = drift(pulumi, printed(error="could not sign in"), 255)
    assert status == 1
    assert "could not be compared" in file.read_text(encoding="utf-8")
    done = run("drift.py", "tell", "prod", file)
    assert done.returncode == 1
    assert "says neither" in done.stderr
    assert github.issues == []
