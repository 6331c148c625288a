"""An account's two keys: when they were created, and how to replace one."""

from __future__ import annotations

from localazure.control_plane import ControlPlane, Record, new_key, now
from localazure.errors import ArmError
from localazure.provider.arm import account_id
from localazure.provider.records import refuse_locked


def list_keys(control_plane: ControlPlane, account: str) -> list[dict[str, str]]:
    """`[{keyName, creationTime}]`, without the keys themselves.

    Raises ArmError (404) if there is no such account.
    """
    found = _account(control_plane.load(), account)
    return [
        {"keyName": key, "creationTime": found["keyCreated"][key]} for key in sorted(found["keys"])
    ]


def renew(control_plane: ControlPlane, account: str, key: str) -> None:
    """Replace `key1` or `key2`. From now on, signatures by the old key are refused.

    Raises ArmError if the account or the key does not exist, or if there is a read-only lock.
    """
    with control_plane.change() as content:
        found = _account(content, account)
        refuse_locked(content, account_id(found["group"], account), "write")
        if key not in found["keys"]:
            raise ArmError(
                400,
                "InvalidValuesForRequestParameters",
                "Values for request parameters are invalid: keyName. "
                f"'{key}' is none of {', '.join(found['keys'])}.",
            )
        found["keys"][key] = new_key()
        found["keyCreated"][key] = now()


def _account(content: Record, name: str) -> Record:
    found: Record | None = content["accounts"].get(name)
    if found is None:
        message = f"The Resource 'Microsoft.Storage/storageAccounts/{name}' was not found."
        raise ArmError(404, "ResourceNotFound", message)
    return found
