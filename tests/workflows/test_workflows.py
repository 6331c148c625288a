"""What every workflow keeps to: schema, known weaknesses, pins, least privilege, sound shell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
EVERY = [*WORKFLOWS, *ACTIONS]
PIN = re.compile(r"uses: (?P<action>[\w.-]+/[\w./-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# What whoever opens a pull request, or names a branch, has the say in.
UNTRUSTED = re.compile(
    r"github\.(head_ref|ref_name|base_ref|event\.(?!pull_request\.(user|head\.repo)\.))|inputs\."
)
named = pytest.mark.parametrize("file", EVERY, ids=lambda file: str(file.relative_to(GITHUB)))
workflow_named = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)


def load(file: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def triggers(file: Path) -> dict[str, Any]:
    # To YAML 1.1, `on` is true.
    found: dict[str, Any] = load(file)[True]
    return found


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(file)["jobs"]
    return found


def steps(file: Path) -> list[dict[str, Any]]:
    if file in ACTIONS:
        found: list[dict[str, Any]] = load(file)["runs"]["steps"]
        return found
    return [step for job in jobs(file).values() for step in job["steps"]]


def scripts() -> list[Any]:
    """Every script, after a line for each variable that its step is given."""
    found = []
    for file in EVERY:
        for number, step in enumerate(steps(file)):
            if "run" in step:
                given = [*step.get("env", {}), "GITHUB_STEP_SUMMARY"]
                name = f"{file.parent.name if file in ACTIONS else file.stem}-{number}"
                script = "".join(f"export {key}=x\n" for key in given) + step["run"]
                found.append(pytest.param(script, id=name))
    return found


def tool(name: str) -> str:
    """A tool of requirements-dev.txt, from the environment that runs these tests."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is not installed: make test installs it"
    return found


def test_there_are_the_five_workflows() -> None:
    assert [file.stem for file in WORKFLOWS] == ["ci", "comment", "deploy", "drift", "preview"]


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", ACTIONS)],
    ids=["workflows", "actions"],
)
def test_they_are_of_githubs_form(schema: str, files: list[Path]) -> None:
    command: list[str | Path] = [tool("check-jsonschema"), "--builtin-schema", schema, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    command: list[str | Path] = [
        tool("zizmor"),
        "--offline",
        "--quiet",
        "--persona",
        "pedantic",
        GITHUB,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_zizmor_is_told_to_pass_over_is_one_trigger_and_says_why() -> None:
    told = [file.name for file in EVERY if "zizmor:" in file.read_text(encoding="utf-8")]
    assert told == ["comment.yml"]
    text = (GITHUB / "workflows" / "comment.yml").read_text(encoding="utf-8")
    assert text.count("zizmor: ignore[dangerous-triggers]") == text.count("zizmor:") == 1
    assert text.startswith("#")


@named
def test_every_action_is_pinned_by_its_commit_and_says_its_version(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    used = [line.strip().removeprefix("- ") for line in lines if "uses:" in line]
    assert used
    for line in used:
        assert PIN.fullmatch(line) or line == "uses: $/.github/actions/stack"


def test_an_action_has_one_pin_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in EVERY:
        for match in PIN.finditer(file.read_text(encoding="utf-8")):
            pins.setdefault(match["action"], set()).add(match[0])
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@workflow_named
def test_nothing_is_permitted_by_default_and_each_job_says_what_it_needs(file: Path) -> None:
    assert load(file)["permissions"] == {}
    allowed = {
        "contents": {"read"},
        "actions": {"read"},
        "id-token": {"write"},
        "issues": {"write"},
        "pull-requests": {"write"},
    }
    for job in jobs(file).values():
        assert job["permissions"]
        for permission, level in job["permissions"].items():
            assert level in allowed[permission]


@workflow_named
def test_a_job_that_runs_a_pull_requests_code_can_write_nothing(file: Path) -> None:
    if "pull_request" in triggers(file):
        for job in jobs(file).values():
            assert set(job["permissions"]) <= {"contents", "id-token"}
    assert "pull_request_target" not in triggers(file)


@workflow_named
def test_a_job_that_may_write_to_github_has_no_way_into_azure_and_runs_no_packages(
    file: Path,
) -> None:
    for job in jobs(file).values():
        if {"issues", "pull-requests"} & set(job["permissions"]):
            assert "id-token" not in job["permissions"]
            ran = [step["run"] for step in job["steps"] if "run" in step]
            assert all(re.match(r"python3 \.github/scripts/\w+\.py ", run) for run in ran)


def test_only_the_comment_follows_another_run_and_it_takes_mains_code() -> None:
    following = [file.stem for file in WORKFLOWS if "workflow_run" in triggers(file)]
    assert following == ["comment"]
    (checkout,) = (
        step
        for step in steps(GITHUB / "workflows" / "comment.yml")
        if step.get("uses", "").startswith("actions/checkout@")
    )
    assert not {"ref", "repository"} & set(checkout["with"])
    (download,) = (
        step
        for step in steps(GITHUB / "workflows" / "comment.yml")
        if step.get("uses", "").startswith("actions/download-artifact@")
    )
    assert download["with"]["path"].startswith("${{ runner.temp }}/")


@workflow_named
def test_jobs_end_and_do_not_run_into_each_other(file: Path) -> None:
    assert load(file)["concurrency"]["group"]
    for job in jobs(file).values():
        assert 0 < job["timeout-minutes"] <= 60


def test_what_changes_prod_does_so_alone_and_is_neither_interrupted_nor_dropped() -> None:
    for name in ("deploy", "drift"):
        concurrency = load(GITHUB / "workflows" / f"{name}.yml")["concurrency"]
        assert concurrency == {"group": f"{name}-prod", "cancel-in-progress": False}


def test_an_update_waits_for_an_approval_and_deploys_the_plan_that_was_approved() -> None:
    updates = [
        (file.stem, job, step)
        for file in WORKFLOWS
        for job in jobs(file).values()
        for step in job["steps"]
        if re.search(r"deploy\.py|pulumi up", step.get("run", ""))
    ]
    ((name, job, step),) = updates
    assert (name, job["environment"], job["needs"]) == ("deploy", "production", "plan")
    assert set(triggers(GITHUB / "workflows" / "deploy.yml")) == {"push", "workflow_dispatch"}
    (download,) = (
        each for each in job["steps"] if "actions/download-artifact@" in each.get("uses", "")
    )
    # Of this run: another run's would have to be named.
    assert set(download["with"]) == {"name", "path"}
    assert step["env"]["PLAN"] == f"{download['with']['path']}/plan.json"
    plan = jobs(GITHUB / "workflows" / "deploy.yml")["plan"]["steps"]
    (upload,) = (each for each in plan if "actions/upload-artifact@" in each.get("uses", ""))
    assert (upload["with"]["name"], upload["with"]["path"]) == ("plan", "plan.json")
    (preview,) = (each["run"] for each in plan if "preview.py" in each.get("run", ""))
    assert "--plan plan.json" in preview


@pytest.mark.parametrize("script", ["deploy", "preview"])
def test_plan_and_update_look_at_azure_first_and_keep_to_the_policy(script: str) -> None:
    text = (GITHUB / "scripts" / f"{script}.py").read_text(encoding="utf-8")
    assert '"--policy-pack", "policy"' in text
    # Without it an update does not see what was changed by hand, and puts nothing back.
    assert '"--refresh"' in text


def steps_run(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of a job, with those of the project's own action in place."""
    found: list[dict[str, Any]] = []
    for step in job["steps"]:
        own = str(step.get("uses", "")).startswith("$/")
        found += steps(GITHUB / step["uses"][len("$/.github/") :] / "action.yml") if own else [step]
    return found


INSTALLS = re.compile(
    r"(pip3?|uv|npm|apt|apt-get|pulumi( plugin)?) (install|ci)|make setup|curl|wget"
)
# Actions that bring files of the repository or of this run, and no tools.
NO_TOOLS = ("actions/checkout@", "actions/upload-artifact@", "actions/download-artifact@")


def test_tools_are_installed_before_the_job_signs_in() -> None:
    signed_in = 0
    for file in WORKFLOWS:
        for job in jobs(file).values():
            ran = steps_run(job)
            names = [str(step.get("uses", "")) for step in ran]
            logins = [i for i, name in enumerate(names) if name.startswith("azure/login@")]
            assert bool(logins) == ("id-token" in job["permissions"])
            if not logins:
                continue
            signed_in += 1
            before, after = ran[: logins[0]], ran[logins[0] + 1 :]
            assert any("pulumi plugin install" in step.get("run", "") for step in before)
            for step in after:
                assert not INSTALLS.search(step.get("run", ""))
                assert "run" in step or step["uses"].startswith(NO_TOOLS)
    assert signed_in == 4


@named
def test_no_secret_is_stored(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert not re.search(r"(?i)client.?secret|access_token|passphrase|account_key", text)


@named
def test_a_checkout_leaves_no_token_behind(file: Path) -> None:
    for step in steps(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@named
def test_no_expression_is_pasted_into_a_script(file: Path) -> None:
    for step in steps(file):
        assert "${{" not in step.get("run", "")


@named
def test_what_others_may_name_reaches_a_step_as_its_environment_only(file: Path) -> None:
    for step in steps(file):
        for key, value in step.get("with", {}).items():
            if UNTRUSTED.search(str(value)):
                assert (file.name, key) in {
                    ("comment.yml", "run-id"),
                    ("action.yml", "client-id"),
                    ("action.yml", "tenant-id"),
                    ("action.yml", "subscription-id"),
                }


@pytest.mark.parametrize("script", scripts())
def test_a_script_is_sound_shell_and_runs_what_there_is(script: str) -> None:
    # The shell that GitHub runs them with.
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    command = [tool("shellcheck"), "--shell=bash", "--enable=all", "--exclude=SC2250", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for file in re.findall(r"\.github/scripts/\w+\.py|\.ci/run", script):
        assert (ROOT / file).exists()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for target in re.findall(r"make (?:-s )?([a-z]+)", script):
        assert target in targets


def test_the_cli_is_of_the_packages_version() -> None:
    (pinned,) = re.findall(r"^pulumi==(.+)$", (ROOT / "requirements.txt").read_text(), re.M)
    wanted = {
        step["with"]["pulumi-version"]
        for file in EVERY
        for step in steps(file)
        if step.get("uses", "").startswith("pulumi/actions@")
    }
    assert wanted == {pinned}


def test_a_pull_request_is_previewed_in_azure_or_on_the_runner_and_never_both() -> None:
    both = jobs(GITHUB / "workflows" / "preview.yml")
    opposite = {"!=": "==", "==": "!=", "&&": "||"}
    azure = both["azure"]["if"].split()
    assert [opposite.get(word, word) for word in azure] == both["local"]["if"].split()
