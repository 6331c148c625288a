"""The commands of `python -m localazure`: the CLI's forms of output, and errors of one line."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localazure.engine.commands import Engine, shell_quoted
from localazure.engine.display import Display
from localazure.engine.failure import ProgramFailed
from localazure.engine.project import Project
from tests.conftest import ROOT
from tests.localazure.conftest import PROGRAM, Desk


def run(desk: Desk, *arguments: str, cwd: Path = PROGRAM) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as a command changes its process, such as its garbage collection."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LOCALAZURE_HOME": str(desk.azurite.state_dir),
        "LOCALAZURE_BLOB_PORT": str(desk.azurite.port),
    }
    return subprocess.run(
        [sys.executable, "-m", "localazure", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_outputs_are_printed_as_the_pulumi_cli_prints_them(desk: Desk) -> None:
    up = run(desk, "up", "--yes", "-s", "desk")
    assert (up.returncode, up.stderr) == (0, "")
    key, endpoint = desk.outputs["key"], desk.outputs["endpoint"]
    plain = run(desk, "output", "-s", "desk").stdout
    assert plain.startswith("Current stack outputs (2):\n    OUTPUT    VALUE\n")
    assert key not in plain
    shell = run(desk, "output", "-s", "desk", "--shell").stdout
    assert shell == f"endpoint={endpoint}\nkey=\\[secret]\n"
    opened = run(desk, "output", "-s", "desk", "--shell", "--show-secrets").stdout
    assert opened == f"endpoint={endpoint}\nkey={key}\n"
    as_json = json.loads(run(desk, "output", "-s", "desk", "--json").stdout)
    assert as_json == {"endpoint": endpoint, "key": "[secret]"}
    assert run(desk, "output", "-s", "desk", "endpoint").stdout == f"{endpoint}\n"
    assert run(desk, "output", "-s", "desk", "key").stdout == "[secret]\n"


def test_up_can_print_the_outputs_as_json_and_its_progress_elsewhere(
    desk: Desk, tmp_path: Path
) -> None:
    shutil.copytree(PROGRAM, tmp_path / "program")
    main = tmp_path / "program" / "__main__.py"
    main.write_text(f"{main.read_text()}\nprint('printed by the program')\n")
    arguments = ("up", "--yes", "--json", "-s", "desk")
    up = run(desk, *arguments, cwd=tmp_path / "program")
    key, endpoint = desk.outputs["key"], desk.outputs["endpoint"]
    assert json.loads(up.stdout) == {"endpoint": endpoint, "key": "[secret]"}
    assert "Updating (desk):" in up.stderr
    assert "printed by the program" in up.stderr
    opened = run(desk, *arguments, "--show-secrets")
    assert json.loads(opened.stdout) == {"endpoint": endpoint, "key": key}
    assert key not in opened.stderr


def test_an_output_that_is_not_there_is_named_with_those_that_are(desk: Desk) -> None:
    answer = run(desk, "output", "-s", "desk", "nothing")
    assert answer.returncode == 1
    assert answer.stderr == (
        "error: Stack 'desk' has no output 'nothing'. It has: none: run up first\n"
    )


def test_a_stack_that_is_not_there_is_named_with_those_that_are(desk: Desk) -> None:
    answer = run(desk, "preview", "-s", "prdo")
    assert answer.returncode == 1
    assert answer.stderr == (
        "error: There is no stack 'prdo': Pulumi.prdo.yaml does not exist. Stacks here: desk\n"
    )


def test_a_folder_without_a_project_is_said_to_be_one(desk: Desk, tmp_path: Path) -> None:
    answer = run(desk, "preview", cwd=tmp_path)
    assert answer.returncode == 1
    assert "Pulumi.yaml does not exist: run this in the project's folder" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_broken_settings_file_is_named(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    (tmp_path / "Pulumi.local.yaml").write_text("config: [\n")
    answer = run(desk, "preview", cwd=tmp_path)
    assert answer.returncode == 1
    assert "Pulumi.local.yaml is not valid YAML" in answer.stderr


def test_settings_that_only_the_cli_can_decrypt_are_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    (tmp_path / "Pulumi.local.yaml").write_text("config:\n  x:token:\n    secure: v1:abc\n")
    answer = run(desk, "preview", cwd=tmp_path)
    assert "encrypts 'x:token': only the Pulumi CLI can read that" in answer.stderr


def test_a_broken_state_file_is_named_and_is_left_alone(desk: Desk) -> None:
    desk.state.file.parent.mkdir(exist_ok=True)
    desk.state.file.write_text("{")
    answer = run(desk, "up", "--yes", "-s", "desk")
    assert answer.returncode == 1
    assert "desk.json is not valid JSON" in answer.stderr
    assert (desk.azurite.state_dir / "stacks" / "desk.json").read_text() == "{"


def test_colours_are_for_terminals_and_a_pipe_has_none(desk: Desk) -> None:
    assert "\x1b" not in run(desk, "preview", "-s", "desk").stdout


def report(printed: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "review", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, input=printed, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout


def test_a_preview_is_printed_as_json_and_nothing_else(desk: Desk) -> None:
    answer = run(desk, "preview", "-s", "desk", "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert json.loads(answer.stdout)["changeSummary"] == {"create": 6}
    lines = report(answer.stdout).splitlines()
    assert lines[0] == "<!-- sample preview -->"
    assert lines[3].startswith("**6 to create.** ")
    short = report(answer.stdout, "--limit", "1000")
    assert len(short) <= 1000
    assert "**The rest is left out**" in short


def test_json_has_unchanged_resources_on_request_and_the_stack_always(desk: Desk) -> None:
    desk.run("up")
    few = json.loads(run(desk, "preview", "-s", "desk", "--json").stdout)
    assert [step["op"] for step in few["steps"]] == ["same"]
    assert few["steps"][0]["urn"].endswith("pulumi:pulumi:Stack::sample-desk")
    every = json.loads(run(desk, "preview", "-s", "desk", "--json", "--show-sames").stdout)
    assert [step["op"] for step in every["steps"]] == ["same"] * 6
    assert few["changeSummary"] == every["changeSummary"] == {"same": 6}


def test_a_preview_that_fails_says_why_in_its_json(desk: Desk, tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copytree(PROGRAM, program)
    (program / "Pulumi.desk.yaml").write_text("config:\n  sample:refuse: sure\n")
    answer = run(desk, "preview", "-s", "desk", "--json", cwd=program)
    assert (answer.returncode, answer.stderr) == (1, "")
    assert json.loads(answer.stdout)["diagnostics"] == [
        {"message": "error: the program refuses: no\n", "severity": "error"}
    ]


def test_generated_names_can_be_fixed_so_that_a_report_says_the_same_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = report(run(desk, "preview", "-s", "desk", "--json").stdout)
    monkeypatch.setenv("LOCALAZURE_SEED", "x")
    first, second = (report(run(desk, "preview", "-s", "desk", "--json").stdout) for _ in range(2))
    assert first == second
    name = first.partition('`accountName` | `"')[2][:13]
    assert name.startswith("store")
    assert name not in other


def test_a_refused_destroy_says_what_to_do_and_touches_nothing(desk: Desk) -> None:
    desk.run("up", protect="true")
    answer = run(desk, "destroy", "-s", "desk", "--yes")
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: store is protected, so nothing was deleted.\n")
    assert "  2. deploy that: python -m localazure up --stack desk\n" in answer.stderr
    assert "The state has the completed steps" not in answer.stderr
    assert len(desk.control_plane["accounts"]) == 1


def test_keys_are_listed_and_renewed_by_name_and_never_printed(desk: Desk) -> None:
    desk.run("up")
    account = desk.account
    before = dict(desk.control_plane["accounts"][account]["keys"])
    listed = run(desk, "keys", "list", "--account", account)
    assert [line.split("  created ")[0] for line in listed.stdout.splitlines()] == ["key1", "key2"]
    renewed = run(desk, "keys", "renew", "--account", account, "--key", "key2")
    assert renewed.stdout == (
        f"key2 of {account} is renewed; requests with the old one are refused from now on\n"
    )
    after = desk.control_plane["accounts"][account]["keys"]
    assert after["key1"] == before["key1"]
    assert after["key2"] != before["key2"]
    said = listed.stdout + listed.stderr + renewed.stdout + renewed.stderr
    assert not [key for key in (*before.values(), *after.values()) if key in said]


def test_a_key_to_renew_has_to_be_named(desk: Desk) -> None:
    answer = run(desk, "keys", "renew", "--account", "samplestore")
    assert answer.returncode == 1
    assert "keys renew --account samplestore --key key2" in answer.stderr
    answer = run(desk, "keys", "list", "--account", "samplestore")
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: Status=404 ")


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain/+=value", "plain/+=value"),
        ("[secret]", r"\[secret]"),
        ("", "''"),
        ("two words", "'two words'"),
        ("it's", r"it\'s"),
        ("a&b;c$d", r"a\&b\;c\$d"),
        ("~home", r"\~home"),
        ("it's two", r"'it'\''s two'"),
    ],
)
def test_shell_values_are_quoted_so_that_a_shell_gives_them_back(text: str, quoted: str) -> None:
    assert shell_quoted(text) == quoted
    echoed = subprocess.run(
        ["sh", "-c", f"printf %s {quoted}"], capture_output=True, text=True, check=True
    )
    assert echoed.stdout == text


def leaves_signals_to_the_system(folder: Path, then: str) -> Path:
    """The sample program, which does this and then something else."""
    shutil.copytree(PROGRAM, folder)
    main = folder / "__main__.py"
    text = main.read_text()
    main.write_text(
        f"import signal\n{text}\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n{then}\n"
    )
    return main


def test_an_interrupt_is_handled_even_if_the_program_left_it_to_the_system(
    desk: Desk, tmp_path: Path
) -> None:
    interrupted = "pulumi.Output.from_input(0).apply(lambda _: signal.raise_signal(signal.SIGINT))"
    leaves_signals_to_the_system(tmp_path / "program", interrupted)
    up = run(desk, "up", "--yes", "-s", "desk", cwd=tmp_path / "program")
    assert (up.returncode, up.stderr) == (
        130,
        "\nstopped; the state has what was done, 'up' continues from there\n",
    )


def test_a_program_that_fails_leaves_interrupts_as_they_were(desk: Desk, tmp_path: Path) -> None:
    main = leaves_signals_to_the_system(tmp_path / "program", "raise pulumi.RunError('no')")
    project = Project("sample", "desk", main.parent, main, {})
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(ProgramFailed, match="no"):
            Engine(project, desk.azurite, Display(io.StringIO())).preview()
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGINT, before)
