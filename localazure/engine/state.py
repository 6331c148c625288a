"""A stack's state: what was deployed, in one file that only its owner may read."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from localazure.errors import LocalAzureError
from localazure.state_dir import Damaged, locked, read_json, read_text, write_json, write_private
from localazure.values import SECRET_MARK, SIGNATURE, Props, Secret

VERSION = 1
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass
class Resource:
    """One deployed resource, or a component (`custom` off) that only groups others.

    `delete` marks the old half of a replacement that still has to go, `external` what the program
    only reads: it is somebody else's.
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
        return self.urn.rpartition("::")[2]


class State:
    """The resources in the order of their making, and the creations that were under way.

    `pending` maps a URN to what an interrupted creation would have made. `unfinished` says that
    the last run did not come to its end, so that what is there may differ from what is written
    here; so may `azurite_loss`, if it is no longer `Azurite.last_loss()`.

    Secret values are encrypted in the file, with a key in a file next to it. Without `strict` those
    that the key does not open are lost, and all else can be read: enough to delete everything.
    """

    def __init__(self, home: Path, stack: str, *, strict: bool = True) -> None:
        self.file = home / "stacks" / f"{stack}.json"
        self._key_file = home / "secrets.key"
        self.resources: list[Resource] = []
        self.pending: dict[str, Resource] = {}
        self.unfinished = False
        self.azurite_loss = ""
        # Names are generated from it; a preview that is to say the same twice fixes it.
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
        """Add it, or set it in the place of the live one of its URN."""
        for index, existing in enumerate(self.resources):
            if existing.urn == resource.urn and not existing.delete:
                self.resources[index] = resource
                return
        self.resources.append(resource)

    def rename(self, former: str, urn: str) -> None:
        """Give the live resource `former` another URN, here and wherever it is referred to."""

        def renamed(reference: str) -> str:
            return urn if reference == former else reference

        for resource in self.resources:
            if not resource.delete:
                resource.urn = renamed(resource.urn)
            resource.parent = renamed(resource.parent)
            resource.deleted_with = renamed(resource.deleted_with)
            resource.dependencies = [renamed(other) for other in resource.dependencies]
        if former in self.pending:
            self.pending[urn] = replace(self.pending.pop(former), urn=urn)

    def remove(self, resource: Resource) -> None:
        self.resources = [other for other in self.resources if other is not resource]

    def rename_project(self, name: str) -> None:
        """Follow the project to another name, as `pulumi stack rename` does: the URNs alone change.

        Left as they are, every resource would be created a second time.
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

        for resource in [*self.resources, *self.pending.values()]:
            resource.urn = renamed(resource.urn)
            resource.parent = renamed(resource.parent)
            resource.deleted_with = renamed(resource.deleted_with)
            resource.dependencies = [renamed(urn) for urn in resource.dependencies]
        self.pending = {renamed(urn): resource for urn, resource in self.pending.items()}

    def save(self) -> None:
        """Write it whole, in one step: done after every change, a killed run loses nothing."""
        fernet = self._fernet()
        content = {
            "version": VERSION,
            "seed": self.seed,
            "pending": {urn: _sealed(_as_dict(r), fernet) for urn, r in self.pending.items()},
            "unfinished": self.unfinished,
            "azurite_loss": self.azurite_loss,
            "resources": [_sealed(_as_dict(r), fernet) for r in self.resources],
        }
        write_json(self.file, content)

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
                # Earlier versions noted the id only.
                urn: Resource(urn, _type_of(urn), custom=True, id=item)
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


def read_key(home: Path) -> Fernet | None:
    """The key that opens the secrets in the states, None if there is none yet. Raises Damaged."""
    file = home / "secrets.key"
    text = read_text(file)
    if text is None:
        return None
    try:
        return Fernet(text.strip())
    except ValueError:
        raise Damaged(file, "is not a key") from None


class _Lenient(Fernet):
    """Opens nothing: what was encrypted is lost."""

    def __init__(self) -> None:
        super().__init__(Fernet.generate_key())

    def decrypt(self, token: bytes | str, ttl: int | None = None) -> bytes:
        return b'""'


def _resource(item: Any, fernet: Fernet) -> Resource:
    """Raises ValueError, TypeError and the like for what describes none."""
    resource = Resource(**_opened(item, fernet))
    sample = Resource("", "", custom=True)
    for described in fields(Resource):
        _checked(getattr(resource, described.name), type(getattr(sample, described.name)))
    _type_of(resource.urn)
    if not all(isinstance(urn, str) for urn in resource.dependencies):
        raise TypeError(resource.dependencies)
    return resource


def _checked(value: Any, type_: type) -> Any:
    if not isinstance(value, type_):
        raise TypeError(value)
    return value


def _type_of(urn: str) -> str:
    """The resource's own type out of its URN, whatever components it stands in."""
    return urn.split("::")[2].rpartition("$")[2]


def _as_dict(resource: Resource) -> Props:
    return {f.name: getattr(resource, f.name) for f in fields(resource)}


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
