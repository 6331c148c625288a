"""What Azure itself would remember: resource groups, storage accounts with their keys, containers.

Not a stack's state: the state says what a stack believes, the cloud what is there. Containers with
their data, access levels and CORS rules live in Azurite (`blobs`), what it has no place for here.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localazure.azurite import Azurite
from localazure.home import locked, write_json

if TYPE_CHECKING:
    from localazure.blobs import Blobs

Record = dict[str, Any]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
# Delete Container (Azure Storage REST API): a name is not available again for at least 30 seconds.
CONTAINER_DELETE_SECONDS = 30.0


class Cloud:
    """The control plane's memory, in one private file under the state folder.

    `groups` maps a group's name in lower case to its properties, `accounts` an account's name to
    `{group, keys, properties, containers, deleted, cors}`.
    """

    def __init__(self, azurite: Azurite) -> None:
        self.azurite = azurite
        self._file = azurite.home / "cloud.json"
        self._lock = azurite.home / "cloud.lock"

    @property
    def home(self) -> Path:
        return self.azurite.home

    def load(self) -> Record:
        try:
            loaded: Record = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {"groups": {}, "accounts": {}}
        return loaded

    @contextmanager
    def change(self) -> Iterator[Record]:
        """Read, change and write back under a lock; nothing is written if the block raises."""
        with locked(self._lock):
            content = self.load()
            before = _key_table(content)
            yield content
            write_json(self._file, content)
            if _key_table(content) != before:
                self.azurite.serve_accounts(_key_table(content))

    def account(self, name: str) -> Record | None:
        found: Record | None = self.load()["accounts"].get(name)
        return found

    def blobs(self, name: str) -> Blobs:
        """The account's data plane. Raises KeyError if there is no such account."""
        # Imported here: its SDK is slow to load, and a preview of what is there needs none of it.
        from localazure.blobs import Blobs

        return Blobs(self.azurite, name, self.load()["accounts"][name]["keys"]["key1"])


def new_key() -> str:
    """An account key as Azure makes them: 64 random bytes, base64."""
    return b64encode(secrets.token_bytes(64)).decode()


def now() -> str:
    """This moment as Azure prints it, UTC with seven decimals."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def being_deleted(account: Record, container: str) -> bool:
    """Whether a container of that name was deleted so lately that Azure would refuse a new one."""
    seconds = float(os.environ.get("LOCALAZURE_CONTAINER_DELETE_SECONDS", CONTAINER_DELETE_SECONDS))
    deleted = account["deleted"].get(container)
    return deleted is not None and time.time() - float(deleted) < seconds


def _key_table(content: Record) -> dict[str, tuple[str, ...]]:
    return {name: tuple(account["keys"].values()) for name, account in content["accounts"].items()}
