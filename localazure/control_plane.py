"""What exists in Azure: resource groups, storage accounts with their keys, and other resources.

A stack's state says what the stack believes; the control plane says what exists. Azurite stores
containers, their data, access levels and CORS rules (see `blobs`); everything else is stored here.
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
    """The control plane's data, in one private file of the state folder.

    `groups` maps a group's name in lower case to its properties. `accounts` maps an account's name
    to `{group, keys, keyCreated, created, properties, containers, deleted}`, and optionally
    `blobService`, `containerSettings` and `controlKey`. `recorded`, left out while empty, maps an
    id in lower case to `{id, type, inputs, computed}`, for types without a data plane here.
    """

    def __init__(self, azurite: Azurite) -> None:
        self.azurite = azurite
        self._file = azurite.state_dir / "cloud.json"
        self._lock = azurite.state_dir / "cloud.lock"

    def load(self) -> Record:
        """Everything that exists. Raises Damaged if the file cannot be read."""
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
        """Start Azurite unless it runs, and serve the existing accounts."""
        self.serve_accounts()
        return self.azurite.start()

    def serve_accounts(self) -> None:
        """Update Azurite's list of accounts, which a killed run may have left outdated."""
        with locked(self._lock):
            self.azurite.serve_accounts(_key_table(self.load()))

    def account(self, name: str) -> Record | None:
        found: Record | None = self.load()["accounts"].get(name)
        return found

    def blobs(self, name: str) -> Blobs:
        """The account's data plane. Raises KeyError if there is no such account."""
        # Imported here: the SDK is slow to load, and previews of an unchanged stack do not need it.
        from localazure.blobs import Blobs

        key = _served(self.load()["accounts"][name])[0]
        self.start()
        return Blobs(self.azurite, name, key)


def new_key() -> str:
    """An account key as Azure makes them: 64 random bytes, base64."""
    return b64encode(secrets.token_bytes(64)).decode()


def now() -> str:
    """The current time as Azure prints it: UTC with seven decimals."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def being_deleted(account: Record, container: str) -> bool:
    """Whether a container was deleted so recently that Azure would refuse a new one."""
    seconds = float(os.environ.get("LOCALAZURE_CONTAINER_DELETE_SECONDS", CONTAINER_DELETE_SECONDS))
    deleted = account["deleted"].get(container)
    return deleted is not None and time.time() - float(deleted) < seconds


def _lock_keys_out(content: Record) -> None:
    """Give accounts without shared key access one secret key, so that no listed key works.

    Only the control plane uses it, which needs no key in Azure.
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


_GROUP = {"name": str, "location": str}
_RECORD = {"id": str, "type": str, "inputs": dict, "computed": dict}
_KEYS = {"key1": str, "key2": str}
_ACCOUNT = {
    "group": str,
    "created": str,
    "keys": _KEYS,
    "keyCreated": _KEYS,
    "properties": {"location": str, "sku": {"name": str}},
    "containers": dict,
    "deleted": dict,
    "blobService": dict | None,
    "containerSettings": dict | None,
    "controlKey": str | None,
}


def _is_sound(content: Record) -> bool:
    """Whether everything that the code relies on is present and of the right type."""
    return (
        _has_form(content, {"groups": dict, "accounts": dict, "recorded": dict | None})
        and all(_has_form(group, _GROUP) for group in content["groups"].values())
        and all(_has_form(account, _ACCOUNT) for account in content["accounts"].values())
        and all(_has_form(record, _RECORD) for record in (content.get("recorded") or {}).values())
    )


def _has_form(value: Any, form: Any) -> bool:
    if isinstance(form, dict):
        return isinstance(value, dict) and all(
            _has_form(value.get(key), below) for key, below in form.items()
        )
    return isinstance(value, form)
