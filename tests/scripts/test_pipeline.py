"""`make pipeline`: what it prints, that applying does the same, and that the real `az` takes it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import engine, pipeline
from scripts.pipeline import Command, Target
from tests.scripts.conftest import ROOT, bare_environment, script

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GIVEN = ("--stack=prod", "--repository=acme/shop", f"--subscription={SUBSCRIPTION}")
GOLDEN = Path(__file__).parent / "golden" / "pipeline.sh"
LOCKED = {"resourceGroupName": "Shop", "location": "northeurope", "lock": "true"}
# A tool that notes its arguments and standard input, and answers what the queries ask. A file in
# `failures` is `WORDS|TEXT`: a command with these words fails with this text; from a file that is
# called once… it fails a single time.
TOOL = r"""#!/bin/sh
folder='{folder}' name="${{0##*/}}"
line="$name $*"
for failure in "$folder"/failures/*; do
    IFS='|' read -r words said <"$failure"
    case "$line" in *"$words"*)
        case "${{failure##*/}}" in once*) rm "$failure" ;; esac
        echo "$said" >&2
        exit 1 ;;
    esac
done
given='' backend=''
case "$line" in *' --input '*) given=$(cat) ;; esac
if [ "$name" = pulumi ]; then backend="$PULUMI_BACKEND_URL"; fi
{{
    printf '%s' "$name"
    for argument in "$@" "$given" "$backend"; do printf '\037%s' "$argument"; done
    echo
}} >>"$folder/log"
of="${{line#*--name }}"
case "$line" in
*'group exists'*) echo false ;;
*'--query clientId'*) echo "CLIENT-${{of%% *}}" ;;
*'--query principalId'*) echo "PRINCIPAL-${{of%% *}}" ;;
*'--query tenantId'*) echo TENANT ;;
*'--query id'*) echo ME ;;
*oidc*) echo repo:acme@1/shop@2 ;;
*'gh api '*--jq*) echo 77 ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """`az`, `gh` and `pulumi` that only note what they are asked, in the folder's `log`."""
    (tmp_path / "failures").mkdir()
    (tmp_path / "failures" / "never").write_text("no such command|\n")
    (tmp_path / "bin").mkdir()
    for name in ("az", "gh", "pulumi"):
        script(tmp_path / "bin" / name, TOOL.format(folder=tmp_path))
    # What asks whether something is there finds nothing.
    for number, words in enumerate(("az group show", "az keyvault show", "az keyvault key show")):
        (tmp_path / "failures" / f"absent-{number}").write_text(f"{words}|not found\n")
    (tmp_path / "failures" / "absent-9").write_text("deployment-branch-policies --jq|none\n")
    return tmp_path


def environment(tools: Path) -> dict[str, str]:
    path = os.pathsep.join([str(tools / "bin"), os.environ["PATH"]])
    return bare_environment(PATH=path, PIPELINE_PAUSE_SECONDS="0")


def run_pipeline(tools: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "run.py"), "pipeline", *arguments]
    return subprocess.run(
        command, cwd=tools, env=environment(tools), capture_output=True, text=True, check=False
    )


def noted(tools: Path) -> list[list[str]]:
    log = tools / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [line.split("\x1f") for line in lines]


def commands(settings: dict[str, str], *, group_exists: bool = False) -> list[Command]:
    target = Target("prod", "acme/shop", SUBSCRIPTION, settings, group_exists, "")
    return pipeline.commands_for(target)


def words_of(command: Command) -> list[str]:
    """The words of the command itself, without the question whether it is necessary."""
    return shlex.split(command.stores[1].rpartition(" || ")[2])


def roles(settings: dict[str, str]) -> dict[str, set[tuple[str, str]]]:
    """Who is given which role, and on what kind of thing."""
    found: dict[str, set[tuple[str, str]]] = {}
    for command in commands(settings):
        words = words_of(command)
        if words[:4] == ["az", "role", "assignment", "create"]:
            who, role, scope = (
                words[words.index(option) + 1]
                for option in ("--assignee-object-id", "--role", "--scope")
            )
            found.setdefault(who, set()).add((role, scope.split("/")[-2]))
    return found


def test_the_printed_script_is_the_golden_one_and_sound_shell(tools: Path) -> None:
    """To renew it: the command of the first lines, `> tests/scripts/golden/pipeline.sh`."""
    done = run_pipeline(tools, *GIVEN)
    assert done.returncode == 0, done.stderr
    assert done.stdout == GOLDEN.read_text()
    assert noted(tools) == []
    checker = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert checker, "make test installs shellcheck"
    checked = subprocess.run([checker, str(GOLDEN)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_applying_runs_what_the_script_runs(tools: Path) -> None:
    printed = run_pipeline(tools, *GIVEN).stdout
    subprocess.run(
        ["sh"], input=printed, text=True, env=environment(tools), check=True, capture_output=True
    )
    by_script = noted(tools)
    done = run_pipeline(tools, *GIVEN, "--apply")
    assert done.returncode == 0, done.stderr
    by_apply = noted(tools)
    assert by_apply[0][:3] == ["az", "group", "exists"]
    assert by_apply[1:] == by_script
    assert len(by_script) == len(commands(pipeline.settings_of("prod")))
    assert "git add Pulumi.prod.yaml" in done.stdout


def test_jobs_are_trusted_by_the_subjects_that_the_workflows_have(tools: Path) -> None:
    assert run_pipeline(tools, *GIVEN, "--apply").returncode == 0
    trusted = {
        (words[words.index("--identity-name") + 1], words[words.index("--subject") + 1])
        for words in noted(tools)
        if "federated-credential" in words
    }
    assert trusted == {
        ("github-prod-preview", "repo:acme@1/shop@2:pull_request"),
        ("github-prod-preview", "repo:acme@1/shop@2:ref:refs/heads/main"),
        ("github-prod-deploy", "repo:acme@1/shop@2:environment:production"),
    }


def test_the_previewing_identity_reads_and_neither_lists_keys_nor_decrypts() -> None:
    assert roles(LOCKED)["$PREVIEW_PRINCIPAL"] == {
        ("Reader", "resourceGroups"),
        ("Storage Blob Data Reader", "containers"),
    }


def test_the_deploying_identity_has_no_role_outside_its_groups_and_gives_three_roles_only() -> None:
    given = roles(LOCKED)["$DEPLOY_PRINCIPAL"]
    assert given == {
        ("Contributor", "resourceGroups"),
        ("Locks Contributor", "resourceGroups"),
        ("Role Based Access Control Administrator", "resourceGroups"),
        ("Storage Blob Data Contributor", "containers"),
        ("Key Vault Crypto User", "keys"),
    }
    without = roles({**LOCKED, "lock": "false"})["$DEPLOY_PRINCIPAL"]
    assert given - without == {("Locks Contributor", "resourceGroups")}
    every = [words_of(command) for command in commands(LOCKED)]
    (administrator,) = (words for words in every if "--condition" in words)
    condition = administrator[administrator.index("--condition") + 1]
    assert set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", condition)) == set(pipeline.GRANTED)


def test_the_roles_that_may_be_given_are_those_that_the_stack_gives() -> None:
    text = (ROOT / "infra" / "access.py").read_text()
    assert set(pipeline.GRANTED) == set(re.findall(r'"([0-9a-f]{8}-[0-9a-f-]{27})"', text))


def test_a_name_with_spaces_and_parentheses_stays_one_word() -> None:
    every = [words_of(command) for command in commands({"resourceGroupName": "Shop (EU); $(id)"})]
    groups = {
        words[words.index("--resource-group") + 1] for words in every if "--resource-group" in words
    }
    assert groups == {"Shop (EU); $(id)-pipeline"}
    scopes = {words[words.index("--scope") + 1] for words in every if "--scope" in words}
    assert f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Shop (EU); $(id)" in scopes


def test_services_that_the_stack_uses_are_registered() -> None:
    def registered(**settings: str) -> list[str]:
        every = (words_of(command) for command in commands({**LOCKED, **settings}))
        return [words[4] for words in every if words[:3] == ["az", "provider", "register"]]

    assert registered() == registered(frontDoor="none") == []
    assert registered(frontDoor="standard") == ["Microsoft.Cdn"]
    used = registered(privateEndpointSubnet="/x", logAnalyticsWorkspace="/y")
    assert used == ["Microsoft.Network", "Microsoft.Insights"]


def test_every_variable_that_the_workflows_read_is_set() -> None:
    read = {
        name
        for file in (ROOT / ".github" / "workflows").glob("*.yml")
        for name in re.findall(r"vars\.(\w+)", file.read_text())
    }
    every = [words_of(command) for command in commands(LOCKED)]
    variables = [words for words in every if words[:3] == ["gh", "variable", "set"]]
    assert {words[3] for words in variables} == read
    (own,) = (words for words in variables if "--env" in words)
    assert own[3:] == [
        *("AZURE_CLIENT_ID", "--repo", "acme/shop"),
        *("--env", "production", "--body", "$DEPLOY_CLIENT"),
    ]


def test_a_second_run_leaves_the_key_and_the_vault_alone(tools: Path) -> None:
    for failure in (tools / "failures").glob("absent-*"):
        failure.unlink()
    assert run_pipeline(tools, *GIVEN, "--apply").returncode == 0
    done = {" ".join(words[:4]) for words in noted(tools)}
    assert "az keyvault key show" in done
    assert not {"az keyvault key create", "az keyvault create --name"} & done
    assert "az group create --name" in done  # of the pipeline's own group


def test_the_first_failure_ends_it_and_says_what_was_done_and_what_to_type(tools: Path) -> None:
    (tools / "failures" / "always").write_text("identity create|ERROR: quota exceeded")
    done = run_pipeline(tools, *GIVEN, "--apply")
    assert done.returncode == 1
    assert "az identity create failed: ERROR: quota exceeded" in done.stderr
    assert re.search(r"\d+ of \d+ commands were done before it", done.stderr)
    assert "    az identity create --name github-prod-preview" in done.stderr
    assert not any(words[0] == "gh" and words[1] == "variable" for words in noted(tools))


def test_a_role_that_has_not_arrived_yet_is_waited_for(tools: Path) -> None:
    refusal = "keyvault key create|(Forbidden) Caller is not authorized to perform action"
    (tools / "failures" / "once").write_text(refusal)
    done = run_pipeline(tools, *GIVEN, "--apply")
    assert done.returncode == 0, done.stderr
    assert any(words[:4] == ["az", "keyvault", "key", "create"] for words in noted(tools))


def test_a_resource_group_that_exists_is_not_taken_without_a_word(tools: Path) -> None:
    (tools / "failures" / "absent-0").unlink()
    az = tools / "bin" / "az"
    az.write_text(az.read_text().replace("echo false", "echo true"))
    done = run_pipeline(tools, *GIVEN, "--apply")
    assert done.returncode == 1
    assert "The resource group DjangoBlobProd exists." in done.stderr
    assert "pulumi config set createResourceGroup false --stack prod" in done.stderr
    assert [words[:3] for words in noted(tools)] == [["az", "group", "exists"]]
    assert run_pipeline(tools, *GIVEN, "--apply", "--existing-group").returncode == 0
    assert not any("createResourceGroup" in words for words in noted(tools))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stack=nowhere",), "There is no stack 'nowhere'"),
        (("--stack=../prod",), "There is no stack '../prod'"),
        ((*GIVEN, "--repository=a b"), "--repository is 'a b', which is not valid"),
        ((*GIVEN, "--subscription=$(id)"), "--subscription is '$(id)', which is not valid"),
        ((*GIVEN, "--reviewer=a/b"), "--reviewer is 'a/b', which is not valid"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    tools: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run_pipeline(tools, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_repository_and_subscription_are_asked_for_and_else_named(tools: Path) -> None:
    (tools / "failures" / "away").write_text("account show|Please run 'az login' to setup account.")
    done = run_pipeline(tools, "--stack=prod", "--repository=acme/shop")
    assert done.returncode == 1
    assert "Please run 'az login' to setup account." in done.stderr
    assert 'ARGS="--subscription ID"' in done.stderr


def test_settings_are_read_with_and_without_the_projects_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ROOT", tmp_path)
    text = "  shop:resourceGroupName: Shop # ours\n  location: 'northeurope'\n  lock: true\n"
    (tmp_path / "Pulumi.prod.yaml").write_text(f"config:\n{text}")
    assert pipeline.settings_of("prod") == LOCKED


@pytest.mark.skipif(shutil.which("az") is None, reason="the Azure CLI is not on PATH")
def test_the_real_az_takes_every_command(tmp_path: Path) -> None:
    """Without a sign-in it parses a command, and then asks for one: nothing reaches Azure."""
    signed_out = {**os.environ, "AZURE_CONFIG_DIR": str(tmp_path), "AZURE_CORE_NO_COLOR": "1"}
    seen = set()
    for command in commands(LOCKED):
        for line in command.stores[1].replace(">/dev/null 2>&1", "").split(" || "):
            words = shlex.split(line)
            options = tuple(word for word in words if word.startswith("-"))
            if words[:1] != ["az"] or (*words[:4], options) in seen:
                continue
            seen.add((*words[:4], options))
            done = subprocess.run(
                words, env=signed_out, capture_output=True, text=True, check=False
            )
            assert done.returncode == 1, (words, done.stderr)
            assert "az login" in done.stderr, (words, done.stderr)
    assert len(seen) > 10
