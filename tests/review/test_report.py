"""The Markdown of a preview: what a reviewer reads, and what no value in it can do.

The expected texts are in `reports/`. To write them again after a change, and then read the
difference: `make test ARGS=tests/review/test_report.py` with WRITE_REPORTS=1 in the environment.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localazure.engine.commands import Engine
from localazure.engine.display import Display
from localazure.engine.plan import Plan
from localazure.engine.project import Project, load_project
from review.changes import SECRET, UNKNOWN
from review.markdown import code, fenced, shown, shown_pair
from review.preview import STACK_TYPE, Message, Op, Preview, State, Step
from review.report import drift, report
from review.risks import manual_changes, risks
from tests.conftest import ROOT
from tests.localazure.bench import GROUP, Bench
from tests.localazure.conftest import PROGRAM, Desk

Props = dict[str, Any]
REPORTS = Path(__file__).parent / "reports"
BACKTICK, PIPE = "\\u0060", "\\u007c"


def reported(plan: Plan) -> str:
    """The report of what the engine prints as JSON."""
    printed = json.dumps(plan.as_json({}, show_sames=True))
    return report(Preview.from_json(json.loads(printed)))


def planned(desk: Desk, **settings: str) -> str:
    config = {f"sample:{key}": value for key, value in {**desk.settings, **settings}.items()}
    project = Project("sample", "desk", PROGRAM, PROGRAM / "__main__.py", config)
    return reported(Engine(project, desk.azurite, Display(io.StringIO())).plan())


def compare(name: str, text: str) -> None:
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:10000", text)
    file = REPORTS / f"{name}.md"
    if os.environ.get("WRITE_REPORTS"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.fixture
def deployed(desk: Desk) -> Desk:
    desk.run("up", account="samplestore", tls="TLS1_2", level="None", protect="false")
    return desk


def test_a_stack_from_nothing(desk: Desk) -> None:
    compare("new", planned(desk, account="samplestore", owner="hunter2hunter2"))


def test_an_unchanged_stack(deployed: Desk) -> None:
    compare("unchanged", planned(deployed))


def test_a_changed_origin(deployed: Desk) -> None:
    compare("cors", planned(deployed, origin="*"))


def test_a_renamed_account(deployed: Desk) -> None:
    compare("renamed", planned(deployed, account="otherstore"))


def test_private_containers_made_public(deployed: Desk) -> None:
    compare("opened", planned(deployed, level="Container", tls="TLS1_0"))


def test_protection_taken_off(desk: Desk) -> None:
    desk.run("up", account="samplestore", protect="true")
    compare("unprotected", planned(desk, protect="false"))


def test_a_protected_account_renamed(desk: Desk) -> None:
    desk.run("up", account="samplestore", protect="true")
    compare("refused", planned(desk, account="otherstore"))


def test_a_deleted_container_and_a_retained_one(deployed: Desk) -> None:
    compare("deleted", planned(deployed, containers="one"))
    deployed.run("up", retain="true")
    compare("retained", planned(deployed, containers="one"))


def test_a_program_that_refuses(deployed: Desk) -> None:
    compare("stopped", planned(deployed, refuse="yes"))


def test_the_real_program_from_nothing(desk: Desk) -> None:
    engine = Engine(load_project(ROOT, "local"), desk.azurite, Display(io.StringIO()))
    compare("project", reported(engine.plan()))


def test_an_import_that_would_fail(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk.azurite, tmp_path)
    group: Props = {"resourceGroupName": "Group", "location": "westeurope", "tags": {"by": "hand"}}
    made = bench.provider.create("azure-native:resources:ResourceGroup", group)
    imported = GROUP.replace(")\n", f', opts=Options(import_="{made.id}"))\n')
    bench.program(imported)
    compare("import", reported(bench.plan()))


def test_secrets_are_on_no_page(desk: Desk, tmp_path: Path) -> None:
    """Not even if a program does not mark them as secret, or no longer does."""
    first = planned(desk, account="samplestore", owner="hunter2hunter2")
    desk.run("up", account="samplestore", owner="hunter2hunter2")
    second = planned(desk, owner="correcthorsebattery")
    assert "| `tags` | `[secret]` |" in first
    assert "`[secret]` | `[secret]` |" in second
    bench = Bench(desk.azurite, tmp_path)
    bench.program("""
        keys = storage.list_storage_account_keys(
            account_name="samplestore", resource_group_name="Group"
        )
        pulumi.export("key", keys.keys[0].value)
        pulumi.export("all", [f"AccountKey={key.value};" for key in keys.keys])
        pulumi.export("url", "https://a.example/?sv=1&sig=abc%2Fdef%3D&se=2")
        pulumi.log.warn(f"the key is {keys.keys[1].value}")
    """)
    third = reported(bench.plan())
    assert '| `all` |  | `["AccountKey=[secret];", "AccountKey=[secret];"]` |' in third
    assert '`"https://a.example/?sv=1&sig=[secret]&se=2"`' in third
    assert "warning: the key is [secret]" in third
    keys = desk.control_plane["accounts"]["samplestore"]["keys"].values()
    secrets = [desk.outputs["key"], *keys, "hunter2", "correcthorse", "abc%2Fdef"]
    assert not [s for s in secrets for text in (first, second, third) if s in text]


def step(op: Op, type_: str, old: Props | None, new: Props, *, name: str = "x") -> Step:
    before = None if old is None else state(type_, old, name)
    after = None if op is Op.DELETE else state(type_, new, name)
    return Step(op, before, after)


def state(type_: str, inputs: Props, name: str, *dependencies: str) -> State:
    full = f"azure-native:{type_}"
    urn = f"urn:pulumi:s::p::{full}::{name}"
    return State(urn, full, inputs=inputs, dependencies=list(dependencies))


def preview(*steps: Step, **more: Any) -> Preview:
    return Preview("p", "s", list(steps), **more)


ACCOUNT, CONTAINER = "storage:StorageAccount", "storage:BlobContainer"
SERVICE, ROLE = "storage:BlobServiceProperties", "authorization:RoleAssignment"
LOCK = "authorization:ManagementLockByScope"
OPEN = {"corsRules": [{"allowedOrigins": ["https://a.example", "*"]}]}
SENDING = {"corsRules": [*OPEN["corsRules"], {"allowedOrigins": ["*"], "allowedMethods": ["PUT"]}]}
GRANT = {
    "principalId": "11111111-2222-3333-4444-555555555555",
    "principalType": "User",
    "roleDefinitionId": "/x/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe",
}
WEEK = {"enabled": True, "days": 7}


@pytest.mark.parametrize(
    ("type_", "old", "new", "words"),
    [
        (ACCOUNT, {}, {"allowBlobPublicAccess": True}, "may be opened"),
        (ACCOUNT, {"networkRuleSet": {"defaultAction": "Deny"}}, {}, "is **opened** to every"),
        (ACCOUNT, {"publicNetworkAccess": "Disabled"}, {}, "**public networks** again"),
        (
            ACCOUNT,
            {"networkRuleSet": {"ipRules": []}},
            {"networkRuleSet": {"ipRules": [{"iPAddressOrRange": "1.2.3.0/24"}]}},
            "**lets in** addresses `1.2.3.0/24`",
        ),
        (ACCOUNT, {}, {"enableHttpsTrafficOnly": False}, "**without TLS**"),
        (ACCOUNT, {"minimumTlsVersion": "TLS1_2"}, {}, "as **old** as `TLS1_0`"),
        (ACCOUNT, {"allowSharedKeyAccess": False}, {}, "shared keys are switched **on**"),
        (ACCOUNT, {}, {"allowCrossTenantReplication": True}, "**replicated** to another"),
        (ACCOUNT, {"sku": {"name": "Standard_GZRS"}}, {"sku": {"name": "Standard_GRS"}}, "fewer"),
        (CONTAINER, {}, {"publicAccess": "Blob"}, "**anyone** may read its blobs (`public"),
        (CONTAINER, {"publicAccess": "Blob"}, {"publicAccess": "Container"}, "**list them**"),
        (SERVICE, {"cors": {"corsRules": []}}, {"cors": OPEN}, "**any origin** may read through"),
        (SERVICE, {"cors": OPEN}, {"cors": SENDING}, "**any origin** may write through"),
        (SERVICE, {"isVersioningEnabled": True}, {}, "versioning is switched **off**"),
        (SERVICE, {"deleteRetentionPolicy": WEEK}, {}, "soft delete of blobs is switched **off**"),
        (
            SERVICE,
            {"containerDeleteRetentionPolicy": WEEK},
            {"containerDeleteRetentionPolicy": {"enabled": True, "days": 3}},
            "soft delete of containers goes **down** from 7 to 3 days",
        ),
        (SERVICE, {"restorePolicy": WEEK}, {"restorePolicy": {"enabled": False}}, "restore is sw"),
    ],
)
def test_a_change_for_the_worse_is_a_risk_and_its_opposite_is_none(
    type_: str, old: Props, new: Props, words: str
) -> None:
    (risk,) = risks(preview(step(Op.UPDATE, type_, old, new)))
    assert words in risk
    assert risk.startswith(f"`x` (`{type_.rpartition(':')[2]}`): ")
    assert risks(preview(step(Op.UPDATE, type_, new, old))) == []
    assert risks(preview(step(Op.UPDATE, type_, new, new))) == []


def test_a_new_container_for_everyone_is_a_risk_and_a_private_one_is_none() -> None:
    assert risks(preview(step(Op.CREATE, CONTAINER, None, {"publicAccess": "Blob"})))
    assert risks(preview(step(Op.CREATE, CONTAINER, None, {"publicAccess": "None"}))) == []
    assert risks(preview(step(Op.CREATE, CONTAINER, None, {"publicAccess": UNKNOWN}))) == []


def test_roles_given_and_taken_are_risks_with_their_names() -> None:
    (given,) = risks(preview(step(Op.CREATE, ROLE, None, GRANT)))
    who, role = f"`User {GRANT['principalId']}`", "`Storage Blob Data Contributor`"
    assert given == f"`x` (`RoleAssignment`) **gives** to {who} the role {role}."
    (taken,) = risks(preview(step(Op.DELETE, ROLE, GRANT, GRANT)))
    assert taken == f"`x` (`RoleAssignment`) **takes** from {who} the role {role}."


def test_what_loses_data_comes_first_and_a_lock_taken_off_says_what_it_held() -> None:
    found = risks(
        preview(
            step(Op.CREATE, ROLE, None, GRANT),
            step(Op.DELETE, LOCK, {}, {}, name="lock"),
            step(Op.UPDATE, CONTAINER, {}, {"publicAccess": "Blob"}),
            step(Op.DELETE, CONTAINER, {}, {}, name="media"),
        )
    )
    assert [risk.split(" ")[0] for risk in found] == ["`media`", "`lock`", "`x`", "`x`"]
    assert "what would be lost: `every blob in container media`" in found[0]
    assert "what it locked can be deleted again" in found[1]


def test_a_deleted_key_vault_takes_its_secrets_with_it() -> None:
    vault = "keyvault:Vault"
    (lost,) = risks(preview(step(Op.DELETE, vault, {"vaultName": "kv"}, {"vaultName": "kv"})))
    assert "what would be lost: `every secret in key vault kv`" in lost


EVIL = "a`b|c\nd<script>alert(1)</script> @octocat #1 https://evil.example \u202e \\| **x** -->"


def test_no_value_breaks_out_of_its_cell() -> None:
    changed = step(Op.UPDATE, ACCOUNT, {"tags": {EVIL: EVIL}}, {"tags": {EVIL: [EVIL]}}, name=EVIL)
    lost = step(Op.REPLACE, ACCOUNT, {"accountName": EVIL}, {"accountName": "b"}, name=EVIL)
    created = step(Op.CREATE, ACCOUNT, None, {"tags": {EVIL: EVIL}})
    stack = State(EVIL, STACK_TYPE, custom=False, outputs={EVIL: EVIL})
    outputs = Step(Op.SAME, None, stack, {EVIL: "add"})
    broken = Message("error", EVIL, about=f"::{EVIL}", rule=EVIL)
    found = preview(changed, lost, created, step(Op.DELETE, LOCK, {}, {}, name=EVIL), outputs)
    found.project, found.stack, found.violations = "p-->", "s`", [broken]
    text = report(found)
    for line in text.splitlines():
        outside = re.sub(r"`[^`]*`", "", line)
        for bad in ("alert", "@octocat", "#1", "evil.example", "**x**"):
            assert bad not in outside, line
        if line.startswith("|") and line.endswith("|"):
            assert line.count("|") == line.replace(PIPE, "").count("|")
            assert line.count(" | ") in (2, 3), line
        assert line.count("`") % 2 == 0, line
    assert "\u202e" not in text
    assert text.startswith("<!-- p-- preview -->\n"), "and no comment ends before its end"
    assert f"a{BACKTICK}b{PIPE}c\\nd<script>" in text


def test_messages_and_failures_stay_in_their_block() -> None:
    warning = Message("warning", "```\n# @octocat\n````")
    lines = report(preview(messages=[warning], failure="~~~\n```")).splitlines()
    assert lines.count("`````text") == 1
    assert lines.count("`````") == 1
    assert lines[lines.index("`````text") + 1 : lines.index("`````")] == [
        "warning: ```",
        "# @octocat",
        "````",
    ]
    assert fenced("plain\x1b[31m")[1] == "plain\\u001b[31m"


def test_values_are_shown_short_and_long_ones_where_they_differ() -> None:
    assert shown(UNKNOWN) == "(known after up)"
    assert shown({"a": [UNKNOWN]}) == '`{"a": ["(known after up)"]}`'
    assert shown("[secret]") == "`[secret]`"
    assert len(code("x" * 500)) == 122
    old, new = shown_pair("x" * 300 + "old", "x" * 300 + "new")
    assert old != new
    assert old.startswith("`…x")
    assert old.endswith('old"`')


def test_a_report_longer_than_a_comment_is_cut_between_rows_and_says_so() -> None:
    steps = [
        step(Op.CREATE, CONTAINER, None, {"containerName": f"c{n}" * 20}, name=f"c{n:04}")
        for n in range(2000)
    ]
    text = report(preview(*steps))
    assert 50_000 < len(text) <= 60_000
    assert "**The rest is left out**" in text.splitlines()[-1]
    assert "`python -m localazure preview --stack s`" in text
    assert text.count("<details>") == text.count("</details>") == 1
    rows = [line for line in text.splitlines() if line.startswith("| `c")]
    assert all(row.endswith("|") for row in rows)
    assert len(report(preview(*steps), 5000)) <= 5000


def test_the_order_does_not_depend_on_which_registration_was_faster() -> None:
    account = state(ACCOUNT, {}, "z")
    made = [account, *(state(CONTAINER, {}, name, account.urn) for name in ("b", "a"))]
    steps = [
        {"op": "create", "urn": s.urn, "newState": {**vars(s), "dependencies": s.dependencies}}
        for s in made
    ]
    texts = {report(Preview.from_json({"steps": order})) for order in (steps, steps[::-1])}
    assert len(texts) == 1
    names = re.findall(r"^\| `(\w)`", texts.pop(), re.MULTILINE)
    assert names == ["z", "a", "b"]


def test_an_output_that_becomes_plain_or_secret_is_shown_on_neither_side() -> None:
    stack = {"urn": "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s", "type": STACK_TYPE}
    for outputs in (({"key": SECRET}, {"key": "hush"}), ({"key": "hush"}, {"key": SECRET})):
        old, new = ({**stack, "outputs": each} for each in outputs)
        step = {"op": "same", "urn": stack["urn"], "oldState": old, "newState": new}
        step["detailedDiff"] = {"key": {"kind": "update", "inputDiff": False}}
        text = report(Preview.from_json({"steps": [step]}))
        assert "| `key` | `[secret]` | `[secret]` |" in text
        assert "hush" not in text


WILD = {"corsRules": [{"allowedOrigins": ["https://*.example.com"], "allowedMethods": ["PUT"]}]}


def test_a_wildcard_for_subdomains_is_a_lesser_risk_than_any_origin() -> None:
    both = {"corsRules": [*OPEN["corsRules"], *WILD["corsRules"]]}
    found = risks(preview(step(Op.UPDATE, SERVICE, {}, {"cors": both})))
    assert [risk.split("**")[1] for risk in found] == ["any origin", "every subdomain"]
    assert "may write through CORS (`https://*.example.com`)" in found[1]
    assert len(risks(preview(step(Op.CREATE, SERVICE, None, {"cors": WILD})))) == 1
    assert risks(preview(step(Op.UPDATE, SERVICE, {"cors": WILD}, {"cors": WILD}))) == []
    named = {"corsRules": [{"allowedOrigins": ["https://www.example.com"]}]}
    assert risks(preview(step(Op.UPDATE, SERVICE, {}, {"cors": named}))) == []


@pytest.mark.parametrize(
    ("type_", "declared", "in_azure", "words"),
    [
        (CONTAINER, {"publicAccess": "None"}, {"publicAccess": "Blob"}, "**anyone** may read"),
        (SERVICE, {"cors": {"corsRules": []}}, {"cors": OPEN}, "**any origin** may read"),
        (SERVICE, {"deleteRetentionPolicy": WEEK}, {}, "soft delete of blobs is switched **off**"),
        (
            ACCOUNT,
            {"minimumTlsVersion": "TLS1_2"},
            {"minimumTlsVersion": "TLS1_0"},
            "TLS as **old**",
        ),
    ],
)
def test_a_manual_change_for_the_worse_is_a_risk_and_changing_it_back_is_none(
    type_: str, declared: Props, in_azure: Props, words: str
) -> None:
    found = preview(step(Op.UPDATE, type_, in_azure, declared))
    (risk,) = manual_changes(found)
    assert risk.startswith(f"`x` (`{type_.rpartition(':')[2]}`) was changed in Azure: ")
    assert words in risk
    assert risks(found) == []
    assert manual_changes(preview(step(Op.UPDATE, type_, declared, in_azure))) == []
    text = drift(found)
    assert f"### Risks of manual changes\n\n- {risk}\n" in text
    assert "### Risks of an update" not in text
    assert "1 risk." in text
    assert "| resource | property | in Azure | declared |" in text


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        (CONTAINER, "would be created again **empty**."),
        (ACCOUNT, "would be created again **empty**."),
        ("resources:ResourceGroup", "would be created again **empty**."),
        (LOCK, "was **deleted** in Azure: what it locked can be deleted now."),
        (SERVICE, "was **deleted** in Azure and would be created again."),
    ],
)
def test_what_was_deleted_in_azure_is_a_risk_of_drift_and_of_an_update(
    type_: str, words: str
) -> None:
    created = step(Op.CREATE, type_, None, {})
    found = preview(created, refreshed={created.resource.urn: created.resource})
    (risk,) = manual_changes(found)
    assert risk.endswith(words)
    assert risks(found)[0] == risk
    assert drift(found).count(words) == 1
    assert manual_changes(preview(created)) == []
    assert risk not in risks(preview(created))


def test_protection_that_was_taken_off_in_the_state_is_drift_and_a_risk() -> None:
    unprotected = step(Op.SAME, ACCOUNT, {}, {})
    assert unprotected.new
    unprotected.new.protect = True
    found = preview(unprotected)
    assert found.changes_anything
    words = "`protect` is **taken off** `x`: it can be deleted and replaced."
    assert manual_changes(found) == [words]
    assert risks(found) == []
    assert f"### Risks of manual changes\n\n- {words}\n" in drift(found)
    unprotected.old, unprotected.new = unprotected.new, unprotected.old
    assert (manual_changes(found), risks(found)) == ([], [words])


def test_drift_that_an_update_would_open_again_is_a_risk_of_the_update() -> None:
    closed = preview(step(Op.UPDATE, CONTAINER, {}, {"publicAccess": "Blob"}))
    text = drift(closed)
    assert "### Risks of an update\n\n- `x` (`BlobContainer`): **anyone** may read" in text
    assert "changed in Azure:" not in text


def piped(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "review", *arguments]
    return subprocess.run(
        command, cwd=ROOT, input=text, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_the_command_reads_json_and_names_a_stack_without_resources() -> None:
    failed = {"diagnostics": [{"severity": "error", "message": "error: no\n"}]}
    done = piped(json.dumps(failed), "--stack", "prod")
    assert done.returncode == 0
    assert "## Preview of stack `prod`" in done.stdout
    assert "```text\nno\n```" in done.stdout
    assert piped("{}", "--stack", "prod", "--drift").stdout.startswith("## Drift of stack `prod`")


@pytest.mark.parametrize("text", ["", "[]", "3", '{"steps": [{}]}', '{"steps": 3}', "x" * 9])
def test_the_command_refuses_other_input_without_a_traceback(text: str) -> None:
    done = piped(text)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: this is not the JSON of `pulumi preview --json`\n"
