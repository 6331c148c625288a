"""A stack's state: what was deployed, in one file that only its owner may read."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from localazure.errors import LocalAzureError
from localazure.home import write_json, write_private
from localazure.values import SECRET_MARK, SIGNATURE, Props, Secret

VERSION = 1
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass
class Resource:
    """One deployed resource, or a component (`custom` off) that only groups others.

    `delete` marks the old half of a replacement that still has to go.
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

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


class State:
    """The resources in the order of their making, and the creations that were under way.

    Secret values are encrypted in the file, with a key in a file beside it.
    """

    def __init__(self, home: Path, stack: str) -> None:
        self.file = home / "stacks" / f"{stack}.json"
        self._key_file = home / "secrets.key"
        self.resources: list[Resource] = []
        self.pending: dict[
            str, str
        ] = {}  # URN to the id that an interrupted create would have made
        # Names are generated from it; a preview that is to say the same twice fixes it.
        self.seed = os.environ.get("LOCALAZURE_SEED") or secrets.token_hex(16)
        if self.file.exists():
            self._load()

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

    def remove(self, resource: Resource) -> None:
        self.resources = [other for other in self.resources if other is not resource]

    def save(self) -> None:
        """Write it whole, in one step: done after every change, a killed run loses nothing."""
        fernet = self._fernet()
        content = {
            "version": VERSION,
            "seed": self.seed,
            "pending": self.pending,
            "resources": [_sealed(_as_dict(r), fernet) for r in self.resources],
        }
        write_json(self.file, content)

    def _load(self) -> None:
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
            if content["version"] != VERSION:
                raise LocalAzureError(
                    f"{self.file} has version {content['version']}, this engine writes {VERSION}"
                )
            fernet = self._fernet()
            self.seed, self.pending = content["seed"], content["pending"]
            self.resources = [Resource(**_opened(item, fernet)) for item in content["resources"]]
        except (ValueError, KeyError, TypeError, InvalidToken) as error:
            raise LocalAzureError(
                f"{self.file} cannot be read ({type(error).__name__}), so nobody knows what it "
                "described. To start afresh: 'python -m localazure azurite stop' and remove the "
                f"folder {self.file.parent.parent}"
            ) from None

    def _fernet(self) -> Fernet:
        if not self._key_file.exists():
            write_private(self._key_file, Fernet.generate_key().decode())
        return Fernet(self._key_file.read_text().strip())


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
