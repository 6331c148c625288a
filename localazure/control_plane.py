"""What Azure itself would remember: resource groups, storage accounts with their keys, containers.

Not a stack's state: the state says what a stack believes, the cloud what is there. Containers with
their data, access levels and CORS rules live in Azurite (`blobs`), what it has no place for here.
"""

from __future__ import annotations

import os
import secrets
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localazure.azurite import Azurite, Status
from localazure.state_dir import Damaged, locked, read_json, write_json

if TYPE_CHECKING:
    from localazure.blobs import Blobs

Record = dict[str, Any]
SUBSCRIPTION = TENANT = "00000000-0000-0000-0000-000000000000"
# Delete Container (Azure Storage REST API): a name is not available again for at least 30 seconds.
CONTAINER_DELETE_SECONDS = 30.0


class ControlPlane:
    """The control plane's memory, in one private file under the state folder.

    `groups` maps a group's name in lower case to its properties, `accounts` an account's name to
    `{group, keys, keyCreated, created, properties, containers, deleted, blobService}`. `recorded`,
    left out while empty, maps an id in lower case to `{id, type, inputs, computed}`: what has no
    data plane here.
    """

    def __init__(self, azurite: Azurite) -> None:
        self.azurite = azurite
        self._file = azurite.state_dir / "cloud.json"
        self._lock = azurite.state_dir / "cloud.lock"

    def load(self) -> Record:
        """What there is. Raises Damaged if the file cannot be read."""
        content = read_json(self._file)
        if content is None:
            return {"groups": {}, "accounts": {}}
        if not _is_sound(content):
            raise Damaged(self._file, "is not what localazure wrote")
        return content

    @contextmanager
    def change(self) -> Iterator[Record]:
        """Read, change and write back under a lock; nothing is written if the block raises."""
        with locked(self._lock):
            content = self.load()
            yield content
            if not content.get("recorded"):
                content.pop("recorded", None)
            _lock_keys_out(content)
            write_json(self._file, content)
            self.azurite.serve_accounts(_key_table(content))

    def start(self) -> Status:
        """Start Azurite unless it runs, and let it serve the accounts that there are."""
        self.serve_accounts()
        return self.azurite.start()

    def serve_accounts(self) -> None:
        """Bring Azurite's list of accounts up to date: a run that was killed may have left it
        behind the cloud."""
        with locked(self._lock):
            self.azurite.serve_accounts(_key_table(self.load()))

    def account(self, name: str) -> Record | None:
        found: Record | None = self.load()["accounts"].get(name)
        return found

    def blobs(self, name: str) -> Blobs:
        """The account's data plane. Raises KeyError if there is no such account."""
        # Imported here: its SDK is slow to load, and a preview of what is there needs none of it.
        from localazure.blobs import Blobs

        key = _served(self.load()["accounts"][name])[0]
        self.start()
        return Blobs(self.azurite, name, key)


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


def _lock_keys_out(content: Record) -> None:
    """An account that allows no shared key is served with one that nobody is told of.

    The control plane itself, which in Azure needs no key, works with that one.
    """
    for account in content["accounts"].values():
        if account["properties"].get("allowSharedKeyAccess") is not False:
            account.pop("controlKey", None)
        elif "controlKey" not in account:
            account["controlKey"] = new_key()


def _served(account: Record) -> tuple[str, ...]:
    """The keys that open the account's data, the control plane's first."""
    control = account.get("controlKey")
    return (control,) if control else tuple(account["keys"].values())


def _key_table(content: Record) -> dict[str, tuple[str, ...]]:
    return {name: _served(account) for name, account in content["accounts"].items()}


def _is_sound(content: Record) -> bool:
    """Whether all is there, of the right type, that the code relies on."""
    recorded = content.get("recorded", {})
    return (
        _holds(content, groups=dict, accounts=dict)
        and isinstance(recorded, dict)
        and all(_holds(group, name=str, location=str) for group in content["groups"].values())
        and all(_is_account(account) for account in content["accounts"].values())
        and all(
            _holds(record, id=str, type=str, inputs=dict, computed=dict)
            for record in recorded.values()
        )
    )


def _is_account(account: Any) -> bool:
    return (
        _holds(
            account,
            group=str,
            created=str,
            keys=dict,
            keyCreated=dict,
            properties=dict,
            containers=dict,
            deleted=dict,
        )
        and _holds(account["keys"], key1=str, key2=str)
        and _holds(account["keyCreated"], key1=str, key2=str)
        and _holds(account["properties"], location=str, sku=dict)
        and _holds(account["properties"]["sku"], name=str)
        and isinstance(account.get("blobService", {}), dict)
        and isinstance(account.get("containerSettings", {}), dict)
        and isinstance(account.get("controlKey", ""), str)
    )


def _holds(value: Any, **types: type) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(key), type_) for key, type_ in types.items()
    )
