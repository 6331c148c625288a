"""`make preview`: what a change would do to each stack, as Markdown, without Azure or a key.

The base's program is deployed to a temporary cloud of localazure, and the working tree's program is
previewed on it. Only the Markdown is written to standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts import process, setup
from scripts.console import Problem, ignored, step
from scripts.engine import no_stack, settings_file, stacks
from scripts.git import check_out, commit_of
from scripts.paths import ROOT, VENV_PYTHON
from scripts.ports import free_port
from scripts.process import clean_environment

MARKER = "<!-- django-azure-blob preview -->"
DEFAULT_BASE = "origin/main"
FALLBACKS = ("main", "HEAD")
# Of the 65,536 characters that GitHub accepts in a comment, the rest is for the page's head.
LIMIT = 60_000
# Only the stack's owners have the key of such a value.
_ENCRYPTED = re.compile(r"^[^\S\n]++(- )?secure:\s", re.MULTILINE)
_LAST_LINES = 30


@dataclass(frozen=True)
class Base:
    """A commit to compare with. `note` says why `ref` is not the one that was requested."""

    ref: str
    commit: str
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """A stack's line in the overview, and its report, if there is one."""

    stack: str
    line: str
    report: str = ""
    failed: bool = False


def main(arguments: list[str]) -> int:
    """Print the page; 1 if a stack could not be previewed. Raises Problem."""
    parser = argparse.ArgumentParser(prog="make preview")
    parser.add_argument("--base", default=DEFAULT_BASE, help=f"default: {DEFAULT_BASE}")
    parser.add_argument("--stack", default="", help="default: every stack")
    options = parser.parse_args(arguments)
    # Standard output is for the page; a person sees the progress on standard error.
    progress = sys.stderr if sys.stderr.isatty() else io.StringIO()
    with contextlib.redirect_stdout(progress):
        base = find_base(options.base or DEFAULT_BASE)
        setup.ensure()
        prefix = "django-azure-blob-preview-"
        with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
            folder = Path(name)
            with step(f"Base {base.ref} ({base.commit[:7]})"):
                check_out(base.commit, folder / "base")
            findings = list(look(folder, options.stack))
    if isinstance(sys.stdout.encoding, str) and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # Markdown is UTF-8 in every locale
    print(page(base, findings), end="")
    return 1 if any(finding.failed for finding in findings) else 0


def find_base(asked: str) -> Base:
    """The commit that `asked` names; if the default does not exist, the first fallback that does.

    Raises Problem for a name of no commit, and in a folder that is no clone.
    """
    inside = process.call(["git", "rev-parse", "--is-inside-work-tree"]).stdout
    if inside.strip() != "true":
        raise Problem(
            f"{ROOT} is not a git clone, so there is no base to compare with. To see what up "
            "would do: .venv/bin/python -m localazure preview"
        )
    if commit := commit_of(asked):
        return Base(asked, commit)
    if asked != DEFAULT_BASE:
        raise Problem(
            f"BASE is '{asked}', which names no commit in this clone: a branch, a tag or a commit, "
            "for example make preview BASE=HEAD~1. One that is only on the server: git fetch origin"
        )
    for ref in FALLBACKS:
        if commit := commit_of(ref):
            return Base(ref, commit, f"there is no {DEFAULT_BASE} in this clone")
    raise Problem("There is no commit yet, so there is no base to compare with")


def look(folder: Path, asked: str) -> Iterator[Finding]:
    """The finding of each stack, or of the one that was requested. Raises Problem for a stack that
    does not exist."""
    before, after = stacks(folder / "base"), stacks(ROOT)
    if asked and asked not in before | after:
        raise Problem(no_stack(asked))
    chosen = [asked] if asked else sorted(before | after)
    for stack in chosen:
        if stack not in after:
            text = (
                "**removed** by this change. What it deployed stays until "
                f"`pulumi destroy --stack {stack}`, run before its settings are gone."
            )
            yield Finding(stack, text)
        elif _ENCRYPTED.search(settings_file(stack).read_text("utf-8")):
            text = "**left out**: its settings are encrypted, and no key is used here."
            yield Finding(stack, text)
        else:
            with step(f"Stack {stack}"):
                found = look_at(stack, folder, LIMIT // len(chosen), is_new=stack not in before)
            yield found


def look_at(stack: str, folder: Path, limit: int, *, is_new: bool) -> Finding:
    """Deploy the base to a cloud of its own, and preview the working tree's program on it."""
    reason = ""
    with _cloud(folder / f"cloud-{stack}") as environment:
        if not is_new:
            done = _localazure(environment, "up", "-C", folder / "base", "-s", stack, "--yes")
            if done.returncode:
                reason = "the base itself could not be deployed, so there is nothing to compare"
        if not reason:
            options = ("-C", ROOT, "-s", stack, "--json", "--show-sames")
            done = _localazure(environment, "preview", *options)
            if not done.stdout:
                reason = "the change's own program or settings fail"
    content = done.stdout
    if reason:
        output = (done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:]
        failure = {"severity": "error", "message": "\n".join(output) or "there is no error message"}
        content = json.dumps({"diagnostics": [failure]})
    report = _review(stack, folder, content, limit)
    line = next(line for line in report.splitlines() if line.startswith("**"))
    if reason:
        line = f"**no preview**: {reason}."
    elif is_new:
        line = f"**new**, previewed on an empty cloud. {line}"
        heading, _, rest = report.partition("\n")
        report = f"{heading}\n\nNew in this change: previewed on an empty cloud.\n{rest}"
    return Finding(stack, line, report, failed=bool(reason or done.returncode))


def _review(stack: str, folder: Path, preview: str, limit: int) -> str:
    """The Markdown of a preview's JSON, without the first line, which the page has."""
    file = folder / f"{stack}.json"
    file.write_text(preview, encoding="utf-8")
    options = ("--stack", stack, "--limit", str(limit))
    done = process.call([VENV_PYTHON, "-m", "review", file, *options])
    if done.returncode:
        raise Problem(f"The preview of stack {stack} cannot be reported: {done.stderr.strip()}")
    return done.stdout.partition("\n")[2]


def page(base: Base, findings: list[Finding]) -> str:
    """The whole page. The first line is an invisible comment for tools to find it by."""
    note = f" ({base.note})" if base.note else ""
    lines = [
        MARKER,
        f"# Preview of this change on {_code(base.ref)}",
        "",
        f"{_code(base.ref)} at {_code(base.commit[:7])}{note} was deployed to a temporary cloud on "
        "one machine, and the change was previewed on it. Azure was not used, so manual changes "
        "there are not visible here.",
        "",
        *(f"- {_code(finding.stack)}: {finding.line}" for finding in findings),
    ]
    if not findings:
        lines.append("There is no stack: no Pulumi.<stack>.yaml, here or there.")
    reports = [f"\n{finding.report.rstrip()}\n" for finding in findings if finding.report]
    return "\n".join(lines) + "\n" + "".join(reports)


def _code(text: str) -> str:
    return f"`{re.sub(r'[`|]|[^ -~]', '?', text)}`"


@contextlib.contextmanager
def _cloud(home: Path) -> Iterator[dict[str, str]]:
    """The environment of an empty cloud, whose Azurite is stopped in the end, also on errors."""
    dropped = ("AZURE_", "DJANGO_", "LOCALAZURE_", "PULUMI_")
    kept = {k: v for k, v in clean_environment().items() if not k.startswith(dropped)}
    home.mkdir(mode=0o700)
    environment = {
        **kept,
        "LOCALAZURE_HOME": str(home),
        "LOCALAZURE_BLOB_PORT": str(free_port()),
        "LOCALAZURE_CONTAINER_DELETE_SECONDS": "0",
        "LOCALAZURE_GROUPS": "any",  # with createResourceGroup off the group must exist
        "LOCALAZURE_SEED": "preview",  # so that generated names are the same each time
        "PYTHONUTF8": "1",
    }
    try:
        yield environment
    finally:
        # A second Ctrl-C is ignored: cleaning up takes a second.
        with ignored(signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if (home / "azurite.json").exists():
                _localazure(environment, "azurite", "stop")


def _localazure(
    environment: Mapping[str, str], *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    # This project's own engine, whichever commit's program it runs.
    return process.call([VENV_PYTHON, "-m", "localazure", *arguments], env=environment)
