"""The engine's commands: preview, up, refresh, destroy and output."""

from __future__ import annotations

import copy
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from localazure.azurite import Azurite
from localazure.engine.deployment import Deployment
from localazure.engine.display import Display
from localazure.engine.failure import ProgramFailed, Protected, StepFailed
from localazure.engine.plan import Plan
from localazure.engine.project import Project
from localazure.engine.refresh import refresh_steps, settle, take_up
from localazure.engine.state import State
from localazure.engine.steps import Listener, Op, Step
from localazure.errors import LocalAzureError
from localazure.provider.provider import Provider
from localazure.repair import repair, unowned
from localazure.state_dir import locked, read_text
from localazure.values import Props, Secret, masked, plain
from review.data_loss import data_loss
from review.preview import Message

_NOTE = re.compile(r"'[a-z]+' \(process \d+, since [\d:]+ UTC\)")


class Engine:
    """One stack of a project, with its state in `azurite.state_dir`."""

    def __init__(self, project: Project, azurite: Azurite, display: Display) -> None:
        self._project = project
        self._home = azurite.state_dir
        self._display = display
        self._provider = Provider(azurite)
        self._provider.configure(project.provider_config())
        self._lock = self._home / "stacks" / f"{project.stack}.lock"

    def preview(self) -> None:
        """Show what `up` would do."""
        self._previewed(self._state())

    def preview_json(self, *, show_sames: bool) -> bool:
        """Print what `up` would do as JSON; False if the preview fails, for which there is a
        diagnostic."""
        started, plan = time.monotonic(), self.plan()
        content = plan.as_json(self._project.config, show_sames=show_sames)
        content["duration"] = round((time.monotonic() - started) * 1e9)
        self._display.line(json.dumps(content, indent=2))
        return not plan.failure

    def plan(self) -> Plan:
        """What `up` would do. If the preview fails, the plan's `failure` says why."""
        plan = Plan()
        try:
            self._find(plan, self._state(), plan.messages.append)
        except (ProgramFailed, StepFailed) as error:
            plan.failure = str(error)
        return plan

    def up(self, *, yes: bool) -> None:
        """Deploy what the program declares. Without `yes`, show the plan and ask first."""
        with self._alone("up"):
            state = self._state()
            if not yes:
                if not self._previewed(state):
                    return
                self._confirm("update")
            self._provider.start()
            self._display.line(f"Updating ({self._project.stack}):\n")
            started, outputs = time.monotonic(), state.stack_outputs()
            self._settle(state)
            steps, listener = self._listening()
            deployment = Deployment(state, self._provider, listener, preview=False)
            try:
                self._run(deployment, preview=False)
            except StepFailed as error:
                left = unowned(self._home) if 'Code="ResourceExists"' in str(error) else ""
                raise StepFailed(f"{error}. {left}" if left else str(error)) from None
            deployment.finish()
            deployment.ended()
            self._display.outputs(outputs, state.stack_outputs())
            self._display.options(steps)
            self._display.summary(steps, planned=False)
            self._display.line(f"\nDuration: {time.monotonic() - started:.1f} s")

    def refresh(self, *, yes: bool) -> None:
        """Update the state to what is in Azure."""
        with self._alone("refresh"):
            state = self._state()
            self._provider.start()
            take_up(state, self._provider)
            steps = refresh_steps(state, self._provider)
            state.unfinished = False
            state.azurite_loss = self._provider.last_loss()
            self._display.line(f"Refreshing ({self._project.stack}):\n")
            self._display.plan(steps)
            self._display.summary(steps, planned=not yes)
            if all(step.op is Op.SAME for step in steps):
                state.save()
                return
            if not yes:
                self._confirm("refresh")
            state.save()

    def destroy(self, *, yes: bool) -> None:
        """Delete everything that the stack created, including its data, unless it is protected.

        Damaged files are moved aside first.
        """
        moved = repair(self._home)
        if moved:
            self._display.line(f"{moved}\n")
        with self._alone("destroy"):
            state = self._state(strict=False)
            if state.resources or state.pending:
                self._provider.start()
            take_up(state, self._provider)
            if not yes and state.resources:
                steps, listener = self._listening(quiet=True)
                trial = copy.deepcopy(state)
                self._delete_all(Deployment(trial, self._provider, listener, preview=True), trial)
                self._display.line(f"Previewing destroy ({self._project.stack}):\n")
                self._display.plan(steps)
                self._display.summary(steps, planned=True)
                self._confirm("destroy")
            self._display.line(f"Destroying ({self._project.stack}):\n")
            steps, listener = self._listening()
            deployment = Deployment(state, self._provider, listener, preview=False)
            self._delete_all(deployment, state)
            deployment.ended()
            self._display.summary(steps, planned=False)
        left = unowned(self._home)
        if left:
            self._display.line(f"\n{left}")

    def output(self, name: str | None, *, as_json: bool, shell: bool, show_secrets: bool) -> None:
        """Print the stack's outputs in the Pulumi CLI's formats."""
        known = self._state().stack_outputs()
        if name is not None and name not in known:
            raise LocalAzureError(
                f"Stack '{self._project.stack}' has no output '{name}'. It has: "
                f"{', '.join(sorted(known)) or 'none: run up first'}"
            )
        shown: Props = plain(known) if show_secrets else masked(known)
        if name is not None:
            # As the CLI, it masks a secret output even if it is requested by name.
            self._display.line(json.dumps(shown[name]) if as_json else _text(shown[name]))
        elif as_json:
            self._display.line(json.dumps(shown, indent=2, sort_keys=True))
        elif shell:
            for key in sorted(shown):
                self._display.line(f"{key}={shell_quoted(_text(shown[key]))}")
        elif not shown:
            self._display.line("No output values currently in this stack")
        else:
            self._table(shown, known)

    def _state(self, *, strict: bool = True) -> State:
        state = State(self._home, self._project.stack, strict=strict)
        state.rename_project(self._project.name)
        return state

    def _table(self, shown: Props, known: Props) -> None:
        width = max(len(key) for key in shown)
        self._display.line(f"Current stack outputs ({len(shown)}):")
        self._display.line(f"    {'OUTPUT':<{width}}  VALUE")
        for key in sorted(shown):
            self._display.line(f"    {key:<{width}}  {_text(shown[key])}")
        if any(isinstance(value, Secret) for value in known.values()) and shown == masked(known):
            self._display.line("\n[secret] values are shown with --show-secrets")

    def _previewed(self, state: State) -> bool:
        """Show the plan; True if it changes anything."""
        plan = Plan()
        self._display.line(f"Previewing update ({self._project.stack}):\n")
        self._find(plan, state, self._display.message)
        self._display.plan(plan.steps)
        self._display.outputs(plan.outputs_before, plan.outputs_after)
        self._display.options(plan.steps)
        self._display.summary(plan.steps, planned=True)
        return plan.changes_anything

    def _find(self, plan: Plan, state: State, heard: Callable[[Message], None]) -> None:
        """Fill the plan by a preview. Raises StepFailed and ProgramFailed."""
        trial = copy.deepcopy(state)
        self._settle(trial, heard)
        plan.outputs_before = copy.deepcopy(state.stack_outputs())
        listener = Listener(plan.steps.append, self._display.line, heard)
        deployment = Deployment(trial, self._provider, listener, preview=True)
        self._run(deployment, preview=True)
        deployment.finish()
        plan.outputs_after = trial.stack_outputs()

    def _settle(self, state: State, heard: Callable[[Message], None] | None = None) -> None:
        if settle(state, self._provider):
            text = "the last run, or Azurite, was interrupted: the state was refreshed"
            (heard or self._display.message)(Message("info", text))

    def _delete_all(self, deployment: Deployment, state: State) -> None:
        try:
            deployment.delete(state.resources[:])
        except Protected as error:
            raise LocalAzureError(self._how_to_unprotect(error, state)) from None

    def _how_to_unprotect(self, error: Protected, state: State) -> str:
        """The protected resources, what would be lost, and the steps to take."""
        stack, deleted = self._project.stack, {r.urn for r in state.resources}
        losses = [data_loss(r, state.resources, deleted) for r in state.resources]
        if f"{self._project.name}:protect" in self._project.config:
            switch = (
                f"set 'protect' to false: in Pulumi.{stack}.yaml, or by "
                f"pulumi config set protect false --stack {stack}"
            )
        else:
            switch = "remove 'protect' from these resources in the program"
        return "\n".join(
            [
                str(error),
                *(f"  ! what would be lost: {text}" for text in losses if text),
                "To delete it anyway:",
                f"  1. {switch}",
                f"  2. deploy that: python -m localazure up --stack {stack}",
                f"  3. then: python -m localazure destroy --stack {stack}",
            ]
        )

    def _run(self, deployment: Deployment, *, preview: bool) -> None:
        # Imported here, because the SDK takes half a second, and `output` does not need it.
        from localazure.engine.program import run_program

        run_program(self._project, deployment, preview=preview)

    def _listening(self, *, quiet: bool = False) -> tuple[list[Step], Listener]:
        steps: list[Step] = []

        def on_step(step: Step) -> None:
            steps.append(step)
            if not quiet:
                self._display.progress(step)

        return steps, Listener(on_step, self._display.line, self._display.message)

    def _confirm(self, verb: str) -> None:
        if not sys.stdin.isatty():
            raise LocalAzureError(f"There is no terminal to ask on: add --yes to {verb} anyway")
        answer = input(f"\nDo you want to perform this {verb} on {self._project.stack}? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise LocalAzureError(f"{verb} declined: nothing was changed")

    @contextmanager
    def _alone(self, verb: str) -> Iterator[None]:
        """One run at a time on a stack: a second one names the first and stops."""
        note = self._lock.with_suffix(".running")
        with locked(self._lock, wait=False) as held:
            if not held:
                who = _who(note)
                raise LocalAzureError(
                    f"Stack '{self._project.stack}' is being worked on by {who}. "
                    "Wait for it to end and try again; nothing was changed"
                )
            since = datetime.now(UTC).strftime("%H:%M:%S UTC")
            # The note is for people: if it cannot be written, the run goes on.
            with suppress(OSError):
                note.unlink(missing_ok=True)  # a pipe would block
                note.write_text(f"'{verb}' (process {os.getpid()}, since {since})")
            try:
                yield
            finally:
                with suppress(OSError):
                    note.unlink()


def _who(note: Path) -> str:
    try:
        text = read_text(note) or ""
    except LocalAzureError:
        text = ""
    # A killed run leaves its note, and the current run may not have written its own yet.
    return text if _NOTE.fullmatch(text) else "another run"


def shell_quoted(text: str) -> str:
    """Quoted as by the Pulumi CLI: in quotes if there is white space, else with backslashes."""
    if not text or re.search(r"\s", text):
        return "'" + text.replace("'", "'\\''") + "'"
    return re.sub(r"""([\\'"`${\[|&;<>()*?!]|^~)""", r"\\\1", text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
