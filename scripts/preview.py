"""`make preview`: what a change would do to each stack, as Markdown, without Azure or a key.

The base's program is deployed to a throw-away cloud of localazure's, and the working tree's is
previewed on it. Standard output is the Markdown and nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts import setup
from scripts.console import Problem, entry, step
from scripts.paths import ROOT, VENV_PYTHON
from scripts.process import clean_environment

MARKER = "<!-- django-azure-blob preview -->"
DEFAULT_BASE = "origin/main"
FALLBACKS = ("main", "HEAD")
# GitHub takes 65,536 characters in a comment; what is left is for the head of the page.
LIMIT = 60_000
STACK_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LAST_LINES = 30


@dataclass(frozen=True)
class Base:
    """A commit to compare with: `ref` as it was found, `note` why it is not the one asked for."""

    ref: str
    commit: str
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """What is to be said of a stack: one line for the overview, and the report, if there is one."""

    stack: str
    line: str
    report: str = ""
    failed: bool = False


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make preview")
    parser.add_argument("--base", default=DEFAULT_BASE, help=f"default: {DEFAULT_BASE}")
    parser.add_argument("--stack", default="", help="default: every stack")
    options = parser.parse_args(arguments)
    return entry(lambda: preview(options.base, options.stack))


def preview(asked_base: str, asked_stack: str) -> int:
    """Print the page; 1 if a stack could not be previewed. Raises Problem."""
    with _progress_on_a_terminal():
        base = find_base(asked_base or DEFAULT_BASE)
        setup.ensure()
        prefix = "django-azure-blob-preview-"
        with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
            folder = Path(name)
            with step(f"Base {base.ref} ({base.commit[:7]})"):
                export(base, folder / "base")
            findings = look(folder, asked_stack)
    if isinstance(sys.stdout.encoding, str) and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the locale: it is a document
    print(page(base, findings), end="")
    return 1 if any(finding.failed for finding in findings) else 0


def find_base(asked: str) -> Base:
    """The commit that `asked` names; for the default, if there is none, the nearest that is there.

    Raises Problem for a name that is none, and in a folder that is no clone.
    """
    if _git("rev-parse", "--is-inside-work-tree") != "true":
        raise Problem(
            f"{ROOT} is not a git clone, so there is no base to compare with. To see what up "
            "would do: .venv/bin/python -m localazure preview"
        )
    commit = _commit(asked)
    if commit:
        return Base(asked, commit)
    if asked == DEFAULT_BASE:
        for ref in FALLBACKS:
            commit = _commit(ref)
            if commit:
                return Base(ref, commit, f"there is no {DEFAULT_BASE} in this clone")
        raise Problem("There is no commit yet, so there is no base to compare with")
    raise Problem(
        f"BASE is '{asked}', which names no commit in this clone: a branch, a tag or a commit, for "
        "example make preview BASE=HEAD~1. One that is only on the server: git fetch origin"
    )


def export(base: Base, folder: Path) -> None:
    """Write the base's files to the folder, and nothing to the clone. Raises Problem."""
    top, inside = Path(_git("rev-parse", "--show-toplevel")), _git("rev-parse", "--show-prefix")
    index = {"GIT_INDEX_FILE": str(folder.with_suffix(".index"))}
    tree = f"{base.commit}:{inside}"
    for arguments in (
        ["read-tree", tree],
        ["checkout-index", "--all", "--quiet", f"--prefix={folder}/"],
    ):
        done = _run(["git", *arguments], {**os.environ, **index}, cwd=top)
        if done.returncode:
            raise Problem(f"git {arguments[0]} failed: {done.stderr.strip() or 'nothing said'}")
    folder.mkdir(exist_ok=True)


def look(folder: Path, asked: str) -> list[Finding]:
    """What is to be said of each stack, or of the one asked for. Raises Problem for none such."""
    before, after = stacks(folder / "base"), stacks(ROOT)
    if asked and asked not in before | after:
        raise Problem(
            f"There is no stack '{asked}': Pulumi.{asked}.yaml does not exist. Stacks here: "
            f"{', '.join(sorted(after)) or 'none'}"
        )
    chosen = [asked] if asked else sorted(before | after)
    limit = LIMIT // len(chosen) if chosen else LIMIT
    findings = []
    for stack in chosen:
        if stack not in after:
            text = (
                "**removed** by this change. What it deployed stays until "
                f"`pulumi destroy --stack {stack}`, run before its settings are gone."
            )
            findings.append(Finding(stack, text))
        elif _is_encrypted(ROOT / f"Pulumi.{stack}.yaml"):
            text = "**left out**: its settings are encrypted, and no key is used here."
            findings.append(Finding(stack, text))
        else:
            with step(f"Stack {stack}"):
                findings.append(look_at(stack, folder, limit, is_new=stack not in before))
    return findings


def stacks(folder: Path) -> set[str]:
    names = {path.name[len("Pulumi.") : -len(".yaml")] for path in folder.glob("Pulumi.*.yaml")}
    return {name for name in names if STACK_NAME.fullmatch(name)}


def look_at(stack: str, folder: Path, limit: int, *, is_new: bool) -> Finding:
    """Deploy the base's stack to a cloud of its own and preview the working tree's on it."""
    with _cloud(folder / f"cloud-{stack}") as environment:
        if not is_new:
            done = _localazure(environment, "up", "-C", folder / "base", "-s", stack, "--yes")
            if done.returncode:
                return _no_base(stack, done)
        arguments = ("preview", "-C", ROOT, "-s", stack, "--markdown", "--limit", str(limit))
        done = _localazure(environment, *arguments)
    _, _, report = done.stdout.partition("\n")
    if not report:
        text = "**no preview**: the change's own program or settings fail."
        return Finding(stack, text, _section(stack, text, done.stderr), failed=True)
    line = next((line for line in report.splitlines() if line.startswith("**")), "")
    if is_new:
        line = f"**new**, previewed on an empty cloud. {line}"
        heading, _, rest = report.partition("\n")
        report = f"{heading}\n\nNew in this change: previewed on an empty cloud.\n{rest}"
    return Finding(stack, line, report, failed=done.returncode != 0)


def page(base: Base, findings: list[Finding]) -> str:
    """The whole page; its first line is a comment that nobody sees, by which it is found again."""
    note = f" ({base.note})" if base.note else ""
    lines = [
        MARKER,
        f"# Preview of this change on {_code(base.ref)}",
        "",
        f"Deployed was {_code(base.ref)} at {_code(base.commit[:7])}{note}, to a throw-away cloud "
        "on one machine, and on that the change was previewed. No Azure was asked: what somebody "
        "changed there by hand does not show.",
        "",
        *(f"- {_code(finding.stack)}: {finding.line}" for finding in findings),
    ]
    if not findings:
        lines.append("There is no stack: no Pulumi.<stack>.yaml, here or there.")
    reports = [f"\n{finding.report.rstrip()}\n" for finding in findings if finding.report]
    return "\n".join(lines) + "\n" + "".join(reports)


def _no_base(stack: str, done: subprocess.CompletedProcess[str]) -> Finding:
    text = "**no preview**: the base itself could not be deployed, so there is nothing to compare."
    return Finding(stack, text, _section(stack, text, done.stderr or done.stdout), failed=True)


def _section(stack: str, text: str, said: str) -> str:
    kept = "\n".join(said.strip().splitlines()[-_LAST_LINES:]) or "nothing was said"
    runs = [len(run) for run in re.findall(r"`+", kept)]
    fence = "`" * max(3, *(length + 1 for length in runs), 0)
    heading = f"## Preview of stack {_code(stack)}"
    return f"{heading}\n\n{text[0].upper()}{text[1:]}\n\n{fence}text\n{kept}\n{fence}"


def _code(text: str) -> str:
    return f"`{re.sub(r'[`|]|[^ -~]', '?', text)}`"


def _is_encrypted(settings: Path) -> bool:
    """Whether a value is encrypted, with a key that only the stack's owners have."""
    return bool(re.search(r"^[^\S\n]++(- )?secure:\s", settings.read_text("utf-8"), re.MULTILINE))


@contextlib.contextmanager
def _cloud(home: Path) -> Iterator[dict[str, str]]:
    """The environment of an empty cloud; its Azurite has ended when this ends, however it does."""
    dropped = ("AZURE_", "DJANGO_", "LOCALAZURE_", "PULUMI_")
    kept = {k: v for k, v in clean_environment().items() if not k.startswith(dropped)}
    home.mkdir(mode=0o700)
    environment = {
        **kept,
        "LOCALAZURE_HOME": str(home),
        "LOCALAZURE_BLOB_PORT": str(_free_port()),
        "LOCALAZURE_CONTAINER_DELETE_SECONDS": "0",
        "LOCALAZURE_GROUPS": "any",  # with createResourceGroup off the stack finds its group
        "LOCALAZURE_SEED": "preview",  # so that generated names are the same each time
        "PYTHONUTF8": "1",
    }
    try:
        yield environment
    finally:
        with _undisturbed():
            if (home / "azurite.json").exists():
                _localazure(environment, "azurite", "stop")


def _localazure(
    environment: Mapping[str, str], *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    # This project's own engine, whichever commit's program it runs.
    command = [str(VENV_PYTHON), "-m", "localazure", *map(str, arguments)]
    return _run(command, environment, cwd=ROOT)


def _run(
    command: list[str], environment: Mapping[str, str], *, cwd: Path
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise Problem(f"{command[0]} could not be started: {error.strerror}") from None


def _git(*arguments: str) -> str:
    """What git says, in one line; empty if it refuses."""
    return _run(["git", *arguments], os.environ, cwd=ROOT).stdout.strip()


def _commit(ref: str) -> str:
    if ref.startswith("-"):
        return ""
    return _git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _progress_on_a_terminal() -> Iterator[None]:
    """What is done is told on standard error, to a person; standard output is the page's."""
    with contextlib.ExitStack() as stack:
        if sys.stderr.isatty():
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        else:
            nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
        yield


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C waits: tidying up takes a second."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
