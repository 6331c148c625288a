"""One run over a stack: compares what the program registers with the state, step by step."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from threading import RLock

from localazure.engine.creation import create_patiently
from localazure.engine.failure import Protected, StepFailed
from localazure.engine.paths import covers, ignoring, parsed, parts
from localazure.engine.state import Resource, State, dependents, topological_order
from localazure.engine.steps import Goal, Listener, Op, Step, changes_of
from localazure.errors import ArmError, LocalAzureError
from localazure.provider.provider import Diff, Provider
from localazure.values import Props, Secret, has_secret, name_of, plain, token_of
from review.changes import top
from review.data_loss import data_loss
from review.preview import Message


class Deployment:
    """Turns registrations into steps. With `preview` nothing is changed and nothing is saved."""

    def __init__(
        self, state: State, provider: Provider, listener: Listener, *, preview: bool
    ) -> None:
        self._state = state
        self._provider = provider
        self._listener = listener
        self._preview = preview
        self._lock = RLock()
        if not preview:
            state.unfinished = True  # until `ended`; saved with the first change
        self._registered: set[str] = set()
        # Deleted before the replacement of a dependency, by URN, with the data loss.
        self._deleted_first: dict[str, tuple[Resource, str]] = {}
        self._deleted: set[str] = set()
        self.failure: str = ""
        # The last refused call of a function, which the program may handle.
        self.refusal: str = ""

    def register(self, urn: str, goal: Goal) -> Resource:
        """Make one resource what the program declares. Raises StepFailed."""
        with self._lock:
            if self.failure:
                raise StepFailed(self.failure)
            if urn in self._registered:
                raise self._fail(urn, f"'{goal.name}' is registered twice: names must differ")
            self._registered.add(urn)
            self._take_former_name(urn, goal)
            try:
                return self._custom(urn, goal) if goal.custom else self._component(urn, goal)
            except (ArmError, LocalAzureError) as error:
                raise self._fail(urn, str(error)) from None

    def read(self, urn: str, resource_id: str, type_: str, parent: str) -> Resource:
        """Record an existing resource that belongs to somebody else. Raises StepFailed.

        If the stack created it, the stack no longer manages it, as in Pulumi.
        """
        with self._lock:
            if self.failure:
                raise StepFailed(self.failure)
            self._registered.add(urn)
            old = self._state.live(urn)
            if old and not old.external and old.id.lower() != resource_id.lower():
                raise self._fail(urn, f"the stack created {old.id} with this name: remove it first")
            try:
                found = self._provider.read(type_, resource_id, {})
            except (ArmError, LocalAzureError) as error:
                raise self._fail(urn, str(error)) from None
            if found is None:
                raise self._fail(urn, f"{resource_id} does not exist")
            live, _ = found
            resource = Resource(urn, type_, custom=True, id=live.id, outputs=live.outputs)
            resource.parent, resource.external = parent, True
            self._state.put(resource)
            self._done(Step(Op.SAME if old and old.external else Op.READ, resource, old=old))
            return resource

    def register_outputs(self, urn: str, outputs: Props) -> None:
        with self._lock:
            resource = self._state.live(urn)
            if resource is not None and not self.failure:
                resource.outputs = outputs
                self._save()

    def invoke(self, token: str, arguments: Props) -> Props:
        """Call one of the provider's functions. The program may handle a refusal (ArmError)."""
        with self._lock:
            try:
                return self._provider.invoke(token, plain(arguments))
            except (ArmError, LocalAzureError) as error:
                self.refusal = str(error)
                raise

    def message(self, severity: str, text: str, urn: str = "") -> None:
        self._listener.message(Message(severity, text, urn))

    def finish(self) -> None:
        """Delete what the program no longer declares. Raises StepFailed."""
        with self._lock:
            for urn, (resource, lost) in self._deleted_first.items():
                if urn not in self._registered:
                    self._done(Step(Op.DELETE, resource, lost=lost))
            doomed = [r for r in self._state.resources if r.delete or r.urn not in self._registered]
            try:
                self.delete(doomed)
            except Protected as refusal:
                self.failure = (
                    f"{refusal} The program no longer declares it: declare it again, or deploy it "
                    "once with 'protect' off before you remove it"
                )
                raise StepFailed(self.failure) from None

    def ended(self) -> None:
        """The run is complete, so the state is what is in Azure."""
        self._state.unfinished = False
        self._state.azurite_loss = self._provider.last_loss()
        self._save()

    def delete(self, doomed: list[Resource]) -> None:
        """Delete these, dependents first. If one is protected, nothing is deleted."""
        protected = [r for r in doomed if r.protect and not r.delete]
        if protected:
            refusal = Protected(protected)
            self.failure = str(refusal)
            raise refusal
        gone = {r.urn for r in doomed if not r.delete}
        self._deleted |= {r.urn for r in doomed if not (r.retain_on_delete or r.external)}
        lost = {id(r): self._loss(r) for r in doomed if not r.delete}
        if not self._preview and doomed:
            self._state.unfinished = True
            self._save()
        for resource, skip in _deletions(doomed, gone):
            self._delete(resource, skip=skip, lost=lost.get(id(resource), ""))

    def _take_former_name(self, urn: str, goal: Goal) -> None:
        """Find the resource by its former URNs, as Pulumi does with aliases."""
        if self._state.live(urn):
            return
        for former in goal.aliases:
            if former not in self._registered and (
                self._state.live(former) or former in self._state.pending
            ):
                self._state.rename(former, urn)
                return

    def _component(self, urn: str, goal: Goal) -> Resource:
        old = self._state.live(urn)
        resource = _described(Resource(urn, goal.type, custom=False, inputs=goal.inputs), goal)
        resource.outputs = old.outputs if old else {}
        self._state.put(resource)
        self._done(Step(Op.SAME if old else Op.CREATE, resource, old=old))
        return resource

    def _custom(self, urn: str, goal: Goal) -> Resource:
        if goal.type not in self._provider.resource_types:
            raise self._fail(
                urn,
                f"localazure does not know the type {goal.type}. It knows "
                f"{', '.join(sorted(self._provider.resource_types))}; the Pulumi CLI with Azure "
                "knows all",
            )
        old = self._state.live(urn)
        if old is None or old.external:
            return self._import(urn, goal) if goal.import_id else self._make(urn, goal)
        if goal.import_id and goal.import_id.lower() != old.id.lower():
            raise self._fail(
                urn,
                f"it is in the stack as {old.id}, and 'import_' is {goal.import_id}. Remove "
                "'import_', or give the other resource a name of its own in the program",
            )
        wanted = ignoring(plain(goal.inputs), plain(old.inputs), goal.ignore_changes)
        inputs = self._check(urn, goal, old.inputs, wanted, old.generation)
        diff = self._provider.diff(goal.type, plain(old.inputs), plain(inputs))
        # The program itself may demand a new resource.
        asked = [parsed(text) for text in goal.replace_on_changes]
        forced = [path for path in diff.changes if any(covers(p, parts(path)) for p in asked)]
        if not (diff.changes or urn in self._state.pending):
            resource = _described(replace(old), goal)
            self._state.put(resource)
            self._done(Step(Op.SAME, resource, old=old))
            return resource
        if diff.replaces or forced:
            replaces = tuple(dict.fromkeys([*diff.replaces, *forced]))
            return self._replace(old, goal, diff, replaces, inputs, wanted)
        return self._update(old, goal, diff, inputs)

    def _make(self, urn: str, goal: Goal) -> Resource:
        generation = self._next_generation(urn)
        inputs = self._check(urn, goal, {}, plain(goal.inputs), generation)
        return self._create(urn, goal, inputs, generation)

    def _check(self, urn: str, goal: Goal, old: Props, wanted: Props, generation: int) -> Props:
        """`wanted` with generated names. A property is secret if the program says so, or if it is
        ignored and secret in `old`."""
        seed = hashlib.sha256(f"{self._state.seed}/{urn}/{generation}".encode()).digest()
        before = plain(old)
        checked, failures = self._provider.check(goal.type, goal.name, before, wanted, seed)
        if failures:
            raise self._fail(urn, "; ".join(f"{f.property}: {f.reason}" for f in failures))
        ignored = {parsed(text)[0] for text in goal.ignore_changes}
        return {
            key: Secret(value)
            if has_secret(goal.inputs.get(key))
            or (has_secret(old.get(key)) and ignored & {key, "*"})
            else value
            for key, value in checked.items()
        }

    def _import(self, urn: str, goal: Goal) -> Resource:
        """Import an existing resource, which the program must declare as it is, as in Pulumi."""
        started = time.monotonic()
        found = self._provider.read(goal.type, goal.import_id, {})
        if found is None:
            raise self._fail(
                urn,
                f"nothing to import: {goal.import_id} does not exist. Correct the names in the "
                "id, or remove 'import_' to create it",
            )
        live, live_inputs = found
        generation = self._next_generation(urn)
        wanted = ignoring(plain(goal.inputs), live_inputs, goal.ignore_changes)
        inputs = self._check(urn, goal, live_inputs, wanted, generation)
        diff = self._provider.diff(goal.type, live_inputs, plain(inputs))
        changes = changes_of(diff, live_inputs, inputs)
        if changes:
            self._refuse_import(urn, tuple(dict.fromkeys(top(c.path) for c in changes)))
        resource = _described(
            Resource(urn, goal.type, custom=True, inputs=inputs, generation=generation), goal
        )
        resource.id = live.id
        resource.outputs = _with_secrets(live.outputs, inputs, goal)
        self._state.put(resource)
        there = replace(resource, inputs=live_inputs)
        self._done(Step(Op.IMPORT, resource, changes, time.monotonic() - started, old=there))
        return resource

    def _refuse_import(self, urn: str, differing: tuple[str, ...]) -> None:
        """A preview continues and warns that the import will fail, as Pulumi's does."""
        reason = f"inputs to import do not match the existing resource: [{' '.join(differing)}]"
        if not self._preview:
            raise self._fail(
                urn,
                f"{reason}. Declare them as they are in Azure (a preview shows both), or name them "
                "in ignore_changes",
            )
        self.message("warning", f"{reason}; importing this resource will fail", urn)

    def _create(
        self, urn: str, goal: Goal, inputs: Props, generation: int, step: Step | None = None
    ) -> Resource:
        started = time.monotonic()
        resource = _described(
            Resource(urn, goal.type, custom=True, inputs=inputs, generation=generation), goal
        )
        if self._preview:
            live = self._provider.create(goal.type, plain(inputs), preview=True)
        else:
            resource.id = self._provider.resource_id(goal.type, plain(inputs))
            self._state.pending[urn] = resource
            self._save()
            try:
                live = create_patiently(
                    self._provider, goal.type, goal.name, plain(inputs), self._listener.notice
                )
            except ArmError:
                # If a resource with that name exists, it does not belong to this stack.
                del self._state.pending[urn]
                self._save()
                raise
            del self._state.pending[urn]
        resource.id = live.id
        resource.outputs = _with_secrets(live.outputs, inputs, goal)
        self._state.put(resource)
        if urn in self._deleted_first:
            before, lost = self._deleted_first[urn]
            diff = self._provider.diff(goal.type, plain(before.inputs), plain(inputs))
            changes = changes_of(diff, before.inputs, inputs)
            step = Step(Op.REPLACE, resource, changes, old=before, lost=lost)
        step = step or Step(Op.CREATE, resource)
        seconds = time.monotonic() - started
        self._done(replace(step, resource=resource, seconds=seconds))
        return resource

    def _update(self, old: Resource, goal: Goal, diff: Diff, inputs: Props) -> Resource:
        started = time.monotonic()
        for hook in goal.before_update:
            objection = hook.call(old, inputs) if hook.in_previews or not self._preview else ""
            if objection:
                raise self._fail(old.urn, f'before hook "{hook.name}" failed: {objection}')
        live = self._provider.update(
            goal.type, old.id, plain(old.outputs), plain(inputs), preview=self._preview
        )
        resource = _described(replace(old, inputs=inputs), goal)
        resource.outputs = _with_secrets(live.outputs, inputs, goal)
        self._state.put(resource)
        seconds = time.monotonic() - started
        if self._state.pending.pop(old.urn, None):
            note = "completed after an interrupted run"
            self._done(Step(Op.CREATE, resource, seconds=seconds, note=note))
        else:
            changes = changes_of(diff, old.inputs, inputs)
            self._done(Step(Op.UPDATE, resource, changes, seconds, old=old))
        return resource

    def _replace(
        self,
        old: Resource,
        goal: Goal,
        diff: Diff,
        replaces: tuple[str, ...],
        inputs: Props,
        wanted: Props,
    ) -> Resource:
        lost = self._loss(old)
        reason = f"{', '.join(replaces)} changed, which needs a new resource"
        if old.protect:
            would = f" (what would be lost: {lost})" if lost else ""
            raise self._fail(
                old.urn,
                f"{reason}, and this one is protected{would}: undo the change, or set 'protect' to "
                "False first",
            )
        changes = changes_of(diff, old.inputs, inputs)
        generation = old.generation + 1
        inputs = self._check(old.urn, goal, {}, wanted, generation)
        if not old.retain_on_delete:
            self._deleted.add(old.urn)
        first = goal.delete_before_replace
        if diff.delete_first if first is None else first:
            self._delete_first(old, reason)
        else:
            # A copy, because the step refers to the old resource.
            self._state.put(replace(old, delete=True))
            self._save()
        step = Step(Op.REPLACE, old, changes, old=old, replaces=replaces, lost=lost)
        return self._create(old.urn, goal, inputs, generation, step)

    def _delete_first(self, old: Resource, reason: str) -> None:
        """Delete it and its dependents, which are created again when they are registered."""
        above = dependents(old, self._state.resources)
        protected = [r.name for r in above if r.protect]
        if protected:
            raise self._fail(
                old.urn,
                f"{reason}, and its dependents are protected: {', '.join(protected)}. Undo the "
                "change, or set 'protect' to False first",
            )
        self._deleted |= {r.urn for r in above if not r.retain_on_delete}
        for resource in above:
            self._deleted_first[resource.urn] = (resource, self._loss(resource))
        for resource, skip in _deletions([old, *above], {old.urn}):
            self._delete(resource, skip=skip, quietly=True)

    def _delete(
        self, resource: Resource, *, skip: bool, lost: str = "", quietly: bool = False
    ) -> None:
        started = time.monotonic()
        kept = resource.retain_on_delete or resource.external
        if resource.custom and not skip and not kept and not self._preview:
            try:
                self._provider.delete(resource.type, resource.id)
            except (ArmError, LocalAzureError) as error:
                raise self._fail(resource.urn, str(error)) from None
        self._state.remove(resource)
        self._state.pending.pop(resource.urn, None)
        self._save()
        # The old half of a replacement was reported with the new one.
        if not quietly and not resource.delete:
            op = Op.FORGET if kept else Op.DELETE
            seconds = time.monotonic() - started
            self._done(Step(op, resource, seconds=seconds, old=resource, lost=lost))

    def _loss(self, resource: Resource) -> str:
        return data_loss(resource, self._state.resources, self._deleted)

    def _next_generation(self, urn: str) -> int:
        """After that of a replaced half that still exists: its name must not be generated again."""
        return max((r.generation + 1 for r in self._state.resources if r.urn == urn), default=0)

    def _done(self, step: Step) -> None:
        self._save()
        self._listener.step(step)

    def _save(self) -> None:
        if not self._preview:
            self._state.save()

    def _fail(self, urn: str, reason: str) -> StepFailed:
        self.failure = f"{token_of(urn)} {name_of(urn)}: {reason}".strip()
        return StepFailed(self.failure)


def _deletions(doomed: list[Resource], gone: set[str]) -> Iterator[tuple[Resource, bool]]:
    """The order in which to delete these, dependents first. True marks a resource that is deleted
    with one of `gone`, without a call of its own; it stays in the state until then."""
    waiting: dict[str, list[Resource]] = {}
    left = {r.urn for r in doomed}

    def release(urn: str) -> Iterator[tuple[Resource, bool]]:
        left.discard(urn)
        for resource in waiting.pop(urn, ()):
            yield resource, True
            yield from release(resource.urn)

    for resource in reversed(topological_order(doomed)):
        if resource.deleted_with in gone and resource.deleted_with in left - {resource.urn}:
            waiting.setdefault(resource.deleted_with, []).append(resource)
        else:
            yield resource, resource.deleted_with in gone
            yield from release(resource.urn)
    for urn in list(waiting):  # only in a state file that was edited by hand
        yield from release(urn)


def _described(resource: Resource, goal: Goal) -> Resource:
    resource.parent = goal.parent
    resource.dependencies = goal.dependencies
    resource.protect = goal.protect
    resource.retain_on_delete = goal.retain_on_delete
    resource.deleted_with = goal.deleted_with
    return resource


def _with_secrets(outputs: Props, inputs: Props, goal: Goal) -> Props:
    """An output is secret if the input of the same name is, or if the program says so."""
    marked = {key for key, value in inputs.items() if has_secret(value)}
    marked |= set(goal.additional_secret_outputs)
    return {key: Secret(value) if key in marked else value for key, value in outputs.items()}
