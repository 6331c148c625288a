"""One run over a stack: what the program registers, held against the state, one step at a time."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from threading import RLock

from localazure.engine.diffs import changes_of
from localazure.engine.failure import StepFailed
from localazure.engine.state import Resource, State
from localazure.engine.steps import Goal, Listener, Op, Step
from localazure.errors import AzureError, LocalAzureError
from localazure.provider.kinds import Live
from localazure.provider.provider import Diff, Provider
from localazure.values import Props, Secret, has_secret, plain

# Azure says of these that the same call will be accepted a little later.
PASSING = frozenset({"ContainerBeingDeleted"})
PASSING_SECONDS = 300.0
PASSING_PAUSE = 1.0


class Deployment:
    """Turns registrations into steps; with `preview` nothing is done and nothing is saved."""

    def __init__(
        self, state: State, provider: Provider, listener: Listener, *, preview: bool
    ) -> None:
        self._state = state
        self._provider = provider
        self._listener = listener
        self._preview = preview
        self._lock = RLock()
        self._registered: set[str] = set()
        # What had to go before the replacement of something below it, by URN.
        self._deleted_first: dict[str, Resource] = {}
        self.failure: str = ""

    def register(self, urn: str, goal: Goal) -> Resource:
        """Bring one resource to what the program asks for. Raises StepFailed."""
        with self._lock:
            if self.failure:
                raise StepFailed(self.failure)
            if urn in self._registered:
                raise self._fail(urn, f"'{goal.name}' is registered twice: names must differ")
            self._registered.add(urn)
            try:
                return self._custom(urn, goal) if goal.custom else self._component(urn, goal)
            except (AzureError, LocalAzureError) as error:
                raise self._fail(urn, str(error)) from None

    def register_outputs(self, urn: str, outputs: Props) -> None:
        with self._lock:
            resource = self._state.live(urn)
            if resource is not None and not self.failure:
                resource.outputs = outputs
                self._save()

    def invoke(self, token: str, arguments: Props) -> Props:
        with self._lock:
            try:
                return self._provider.invoke(token, plain(arguments))
            except (AzureError, LocalAzureError) as error:
                raise self._fail(token, str(error)) from None

    def finish(self) -> None:
        """Delete what the program no longer asks for. Raises StepFailed."""
        with self._lock:
            self.delete(
                [r for r in self._state.resources if r.delete or r.urn not in self._registered]
            )

    def delete(self, doomed: list[Resource]) -> None:
        """Delete these, dependents first. A protected one stops it before anything is touched."""
        protected = [r.name for r in doomed if r.protect and not r.delete]
        if protected:
            raise self._fail(
                protected[0],
                f"{', '.join(protected)}: protected, so nothing was deleted. To delete it all the "
                "same, take 'protect' off in the program, deploy that, and repeat this",
            )
        gone = {r.urn for r in doomed if not r.delete}
        for resource in reversed(doomed):
            self._delete(resource, skip=resource.deleted_with in gone)

    def _component(self, urn: str, goal: Goal) -> Resource:
        old = self._state.live(urn)
        resource = _described(Resource(urn, goal.type, custom=False, inputs=goal.inputs), goal)
        resource.outputs = old.outputs if old else {}
        self._state.put(resource)
        self._done(Step(Op.SAME if old else Op.CREATE, resource))
        return resource

    def _custom(self, urn: str, goal: Goal) -> Resource:
        old = self._state.live(urn)
        wanted = plain(goal.inputs)
        if old:
            kept = plain(old.inputs)
            wanted.update({k: kept[k] for k in goal.ignore_changes if k in kept})
        generation = old.generation if old else self._next_generation(urn)
        inputs = self._check(urn, goal, plain(old.inputs) if old else {}, wanted, generation)
        if old is None:
            return self._create(urn, goal, inputs, generation)
        diff = self._provider.diff(goal.type, plain(old.inputs), plain(inputs))
        forced = {p.split(".")[0] for p in diff.changes} & set(goal.replace_on_changes)
        if not diff.changes:
            resource = _described(replace(old), goal)
            self._state.put(resource)
            self._done(Step(Op.SAME, resource))
            return resource
        if diff.replaces or forced:
            return self._replace(old, goal, diff, inputs, wanted)
        return self._update(old, goal, diff, inputs)

    def _check(self, urn: str, goal: Goal, old: Props, wanted: Props, generation: int) -> Props:
        seed = hashlib.sha256(f"{self._state.seed}/{urn}/{generation}".encode()).digest()
        if goal.type not in self._provider.kinds:
            raise self._fail(
                urn,
                f"localazure does not know the type {goal.type}. It knows "
                f"{', '.join(sorted(self._provider.kinds))}; the Pulumi CLI with Azure knows all",
            )
        checked, failures = self._provider.check(goal.type, goal.name, old, wanted, seed)
        if failures:
            raise self._fail(urn, "; ".join(f"{f.property}: {f.reason}" for f in failures))
        return {
            key: Secret(value) if has_secret(goal.inputs.get(key)) else value
            for key, value in checked.items()
        }

    def _create(
        self, urn: str, goal: Goal, inputs: Props, generation: int, step: Step | None = None
    ) -> Resource:
        started = time.monotonic()
        resource = _described(
            Resource(urn, goal.type, custom=True, inputs=inputs, generation=generation), goal
        )
        note = ""
        if self._preview:
            live = self._provider.create(goal.type, plain(inputs), preview=True)
        else:
            resource.id = self._provider.resource_id(goal.type, plain(inputs))
            interrupted = self._state.pending.get(urn) == resource.id
            self._state.pending[urn] = resource.id
            self._save()
            live, note = self._create_or_find(resource, find=interrupted)
            del self._state.pending[urn]
        resource.id = live.id
        resource.outputs = _with_secrets(live.outputs, inputs, goal)
        self._state.put(resource)
        seconds = time.monotonic() - started
        before = self._deleted_first.get(urn)
        if before:
            diff = self._provider.diff(goal.type, plain(before.inputs), plain(inputs))
            step = Step(Op.REPLACE, resource, changes_of(diff, before.inputs, inputs))
        self._done(
            replace(
                step or Step(Op.CREATE, resource), resource=resource, seconds=seconds, note=note
            )
        )
        return resource

    def _create_or_find(self, resource: Resource, *, find: bool) -> tuple[Live, str]:
        """Create it; what an interrupted run had made already is taken up and brought in line."""
        inputs = plain(resource.inputs)
        found = self._provider.read(resource.type, resource.id, inputs) if find else None
        if found:
            live, live_inputs = found
            if self._provider.diff(resource.type, live_inputs, inputs).changes:
                live = self._provider.update(resource.type, live.id, live.outputs, inputs)
            return live, "taken up from an interrupted run"
        deadline = time.monotonic() + PASSING_SECONDS
        told = False
        while True:
            try:
                return self._provider.create(resource.type, inputs), ""
            except AzureError as error:
                if error.code not in PASSING or time.monotonic() > deadline:
                    raise
                if not told:
                    self._listener.notice(
                        f"{resource.name}: Azure answers {error.code}; trying again for up to "
                        f"{PASSING_SECONDS:.0f} s"
                    )
                    told = True
                time.sleep(PASSING_PAUSE)

    def _update(self, old: Resource, goal: Goal, diff: Diff, inputs: Props) -> Resource:
        started = time.monotonic()
        live = self._provider.update(
            goal.type, old.id, plain(old.outputs), plain(inputs), preview=self._preview
        )
        resource = _described(replace(old, inputs=inputs), goal)
        resource.outputs = _with_secrets(live.outputs, inputs, goal)
        self._state.put(resource)
        changes = changes_of(diff, old.inputs, inputs)
        self._done(Step(Op.UPDATE, resource, changes, time.monotonic() - started))
        return resource

    def _replace(
        self, old: Resource, goal: Goal, diff: Diff, inputs: Props, wanted: Props
    ) -> Resource:
        if old.protect:
            raise self._fail(
                old.urn,
                f"{', '.join(diff.replaces)} changed, which needs a new resource, and this one is "
                "protected: undo the change, or take 'protect' off first",
            )
        changes = changes_of(diff, old.inputs, inputs)
        generation = old.generation + 1
        inputs = self._check(old.urn, goal, {}, wanted, generation)
        first = goal.delete_before_replace
        if diff.delete_first if first is None else first:
            for dependent in reversed(self._dependents(old)):
                self._deleted_first[dependent.urn] = dependent
                self._delete(dependent, skip=dependent.deleted_with == old.urn, quietly=True)
            self._delete(old, skip=False, quietly=True)
        else:
            old.delete = True
            self._save()
        step = Step(Op.REPLACE, old, changes)
        return self._create(old.urn, goal, inputs, generation, step)

    def _dependents(self, resource: Resource) -> list[Resource]:
        """All live resources that stand on it, directly or not, in the order of their making."""
        urns, found = {resource.urn}, []
        for other in self._state.resources:
            if other.custom and not other.delete and urns & set(other.dependencies):
                urns.add(other.urn)
                found.append(other)
        return found

    def _delete(self, resource: Resource, *, skip: bool, quietly: bool = False) -> None:
        started = time.monotonic()
        kept = resource.retain_on_delete
        if resource.custom and not skip and not kept and not self._preview:
            try:
                self._provider.delete(resource.type, resource.id)
            except (AzureError, LocalAzureError) as error:
                raise self._fail(resource.urn, str(error)) from None
        self._state.remove(resource)
        self._save()
        # The old half of a replacement has been told of with the new one.
        if not quietly and not resource.delete:
            op = Op.FORGET if kept else Op.DELETE
            self._done(Step(op, resource, seconds=time.monotonic() - started))

    def _next_generation(self, urn: str) -> int:
        """Past that of a replaced half that is still to go, whose name must not come again."""
        return max((r.generation + 1 for r in self._state.resources if r.urn == urn), default=0)

    def _done(self, step: Step) -> None:
        self._save()
        self._listener.step(step)

    def _save(self) -> None:
        if not self._preview:
            self._state.save()

    def _fail(self, urn: str, reason: str) -> StepFailed:
        name = urn.rpartition("::")[2]
        type_ = urn.split("::")[2].rpartition("$")[2] if urn.count("::") >= 3 else ""
        self.failure = f"{type_} {name}: {reason}".strip()
        return StepFailed(self.failure)


def _described(resource: Resource, goal: Goal) -> Resource:
    resource.parent = goal.parent
    resource.dependencies = goal.dependencies
    resource.protect = goal.protect
    resource.retain_on_delete = goal.retain_on_delete
    resource.deleted_with = goal.deleted_with
    return resource


def _with_secrets(outputs: Props, inputs: Props, goal: Goal) -> Props:
    """An output is secret if the input of its name was, or if the program says so."""
    marked = {key for key, value in inputs.items() if has_secret(value)}
    marked |= set(goal.additional_secret_outputs)
    return {key: Secret(value) if key in marked else value for key, value in outputs.items()}
