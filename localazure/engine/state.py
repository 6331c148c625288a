"""A stack's state: the deployed resources, in one file that only its owner can read."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from localazure.errors import LocalAzureError
from localazure.state_dir import Damaged, locked, read_json, read_text, write_json, write_private
from localazure.values import SECRET_MARK, SIGNATURE, Props, Secret, name_of, token_of

VERSION = 1
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass
class Resource:
    """One deployed resource, or a component (`custom` is False), which only groups others.

    `delete` marks the old half of a replacement that is still to be deleted. An `external` resource
    is only read by the program and belongs to somebody else.
    """

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Props = field(default_factory=dict)
    outputs: Props = field(default_factory=dict)
    parent: str = ""
    dependencies: list[str] = field(default_factory=list)
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    delete: bool = False
    generation: int = 0
    external: bool = False

    @property
    def name(self) -> str:
        return name_of(self.urn)


class State:
    """The resources in the order of their creation, and the creations in progress.

    `pending` maps a URN to the resource of an interrupted creation. If the last run was interrupted
    (`unfinished`), or `azurite_loss` is no longer `Azurite.last_loss()`, Azure may differ from the
    state.

    Secret values are encrypted in the file, with a key in a file next to it. Without `strict`,
    values that cannot be decrypted are dropped; the rest is enough to delete everything.
    """

    def __init__(self, home: Path, stack: str, *, strict: bool = True) -> None:
        self.file = home / "stacks" / f"{stack}.json"
        self._key_file = home / "secrets.key"
        self.resources: list[Resource] = []
        self.pending: dict[str, Resource] = {}
        self.unfinished = False
        self.azurite_loss = ""
        # For generated names. If it is set, repeated previews generate the same names.
        self.seed = os.environ.get("LOCALAZURE_SEED") or secrets.token_hex(16)
        content = read_json(self.file)
        if content is not None:
            self._take(content, strict=strict)

    def live(self, urn: str) -> Resource | None:
        return next((r for r in self.resources if r.urn == urn and not r.delete), None)

    def stack_outputs(self) -> Props:
        root = next((r for r in self.resources if r.type == STACK_TYPE), None)
        return root.outputs if root else {}

    def put(self, resource: Resource) -> None:
        """Add it, or replace the live resource with its URN."""
        for index, existing in enumerate(self.resources):
            if existing.urn == resource.urn and not existing.delete:
                self.resources[index] = resource
                return
        self.resources.append(resource)

    def rename(self, former: str, urn: str) -> None:
        """Give the resource `former` another URN, also in the references to it."""
        self._rename(lambda reference: urn if reference == former else reference)

    def remove(self, resource: Resource) -> None:
        self.resources = [other for other in self.resources if other is not resource]

    def rename_project(self, name: str) -> None:
        """Change the project's name in all URNs, as `pulumi stack rename` does.

        Otherwise every resource would be created a second time.
        """
        root = next((r for r in self.resources if r.type == STACK_TYPE), None)
        if root is None:
            return
        before, _, rest = root.urn.partition("::")
        old = rest.partition("::")[0]
        if old == name:
            return
        stack = before.rpartition(":")[2]

        def renamed(urn: str) -> str:
            start = f"{before}::{old}::"
            urn = f"{before}::{name}::{urn.removeprefix(start)}" if urn.startswith(start) else urn
            if urn.endswith(f"::{STACK_TYPE}::{old}-{stack}"):
                urn = f"{urn.rpartition('::')[0]}::{name}-{stack}"
            return urn

        self._rename(renamed)

    def save(self) -> None:
        """Write the whole file atomically. After every change, so a killed run loses nothing."""
        fernet = self._fernet()
        content = {
            "version": VERSION,
            "seed": self.seed,
            "pending": {urn: _sealed(vars(r), fernet) for urn, r in self.pending.items()},
            "unfinished": self.unfinished,
            "azurite_loss": self.azurite_loss,
            "resources": [_sealed(vars(r), fernet) for r in self.resources],
        }
        write_json(self.file, content)

    def _rename(self, renamed: Callable[[str], str]) -> None:
        for resource in [*self.resources, *self.pending.values()]:
            resource.urn = renamed(resource.urn)
            resource.parent = renamed(resource.parent)
            resource.deleted_with = renamed(resource.deleted_with)
            resource.dependencies = [renamed(urn) for urn in resource.dependencies]
        self.pending = {renamed(urn): resource for urn, resource in self.pending.items()}

    def _take(self, content: Props, *, strict: bool) -> None:
        version = content.get("version")
        if isinstance(version, int) and version > VERSION:
            raise LocalAzureError(
                f"{self.file} has version {version}, and this localazure writes {VERSION}: use the "
                "newer one that wrote it"
            )
        fernet = _Lenient() if not strict else self._fernet()
        try:
            if version != VERSION:
                raise ValueError(version)
            self.seed = _checked(content["seed"], str)
            self.unfinished = _checked(content.get("unfinished", False), bool)
            self.azurite_loss = _checked(content.get("azurite_loss", ""), str)
            self.resources = [_resource(item, fernet) for item in content["resources"]]
            self.pending = {
                # Earlier versions stored only the id.
                urn: Resource(urn, token_of(urn), custom=True, id=item)
                if isinstance(item, str)
                else _resource(item, fernet)
                for urn, item in content["pending"].items()
            }
        except InvalidToken:
            raise Damaged(
                self._key_file, f"is not the key that {self.file} was written with"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            raise Damaged(self.file, "is not what localazure wrote") from None

    def _fernet(self) -> Fernet:
        with locked(self._key_file.with_suffix(".lock")):
            found = read_key(self._key_file.parent)
            if found is None:
                key = Fernet.generate_key()
                write_private(self._key_file, key.decode())
                found = Fernet(key)
        return found


def dependents(resource: Resource, resources: Iterable[Resource]) -> list[Resource]:
    """All live resources that depend on it, directly or not, in topological order."""
    candidates = [r for r in resources if r.custom and not r.delete and r is not resource]
    urns = {resource.urn}
    found: list[Resource] = []
    while True:
        more = [r for r in candidates if r not in found and urns & set(r.dependencies)]
        if not more:
            return topological_order(found)
        found += more
        urns |= {r.urn for r in more}


def topological_order(resources: Iterable[Resource]) -> list[Resource]:
    """Each resource after its parent and everything that it depends on.

    The order of creation is not enough: an update may have made an old resource depend on a newer
    one.
    """
    given = list(resources)
    by_urn: dict[str, list[int]] = {}
    for index, resource in enumerate(given):
        by_urn.setdefault(resource.urn, []).append(index)
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for index, resource in enumerate(given):
        above = (by_urn.get(urn, []) for urn in (*resource.dependencies, resource.parent))
        sorter.add(index, *(other for found in above for other in found if other != index))
    try:
        return [given[index] for index in sorter.static_order()]
    except CycleError:  # in a state file that was edited by hand
        return given


def read_key(home: Path) -> Fernet | None:
    """The key of the secrets in the states, None if there is none yet. Raises Damaged."""
    file = home / "secrets.key"
    text = read_text(file)
    if text is None:
        return None
    try:
        return Fernet(text.strip())
    except ValueError:
        raise Damaged(file, "is not a key") from None


class _Lenient(Fernet):
    """Decrypts nothing: every secret becomes an empty string."""

    def __init__(self) -> None:
        super().__init__(Fernet.generate_key())

    def decrypt(self, token: bytes | str, ttl: int | None = None) -> bytes:
        return b'""'


def _resource(item: Any, fernet: Fernet) -> Resource:
    """Raises ValueError, TypeError or the like if the item does not describe a resource."""
    resource = Resource(**_opened(item, fernet))
    sample = Resource("", "", custom=True)
    for described in fields(Resource):
        _checked(getattr(resource, described.name), type(getattr(sample, described.name)))
    token_of(resource.urn)
    if not all(isinstance(urn, str) for urn in resource.dependencies):
        raise TypeError(resource.dependencies)
    return resource


def _checked(value: Any, type_: type) -> Any:
    if not isinstance(value, type_):
        raise TypeError(value)
    return value


def _sealed(value: Any, fernet: Fernet) -> Any:
    if isinstance(value, Secret):
        text = json.dumps(_sealed(value.value, fernet))
        return {SIGNATURE: SECRET_MARK, "ciphertext": fernet.encrypt(text.encode()).decode()}
    if isinstance(value, dict):
        return {key: _sealed(item, fernet) for key, item in value.items()}
    if isinstance(value, list):
        return [_sealed(item, fernet) for item in value]
    return value


def _opened(value: Any, fernet: Fernet) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET_MARK:
            return Secret(_opened(json.loads(fernet.decrypt(value["ciphertext"])), fernet))
        return {key: _opened(item, fernet) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item, fernet) for item in value]
    return value
