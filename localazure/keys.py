"""An account's two keys: when they were made, and a new one in the place of an old."""

from __future__ import annotations

from localazure.control_plane import ControlPlane, Record, no_account
from localazure.provider.arm import account_id
from localazure.provider.records import refuse_locked


def list_keys(control_plane: ControlPlane, account: str) -> list[dict[str, str]]:
    """`[{keyName, creationTime}]`, without the keys themselves.

    Raises AzureError (404) if there is no such account.
    """
    found = _account(control_plane, account)
    return [
        {"keyName": key, "creationTime": found["keyCreated"][key]} for key in sorted(found["keys"])
    ]


def renew(control_plane: ControlPlane, account: str, key: str) -> None:
    """Replace `key1` or `key2`. What is signed with the old one is refused from now on.

    Raises AzureError for an account or a key that there is not, and for a read-only lock.
    """
    found = _account(control_plane, account)
    refuse_locked(control_plane.load(), account_id(found["group"], account), "write")
    control_plane.renew_key(account, key)


def _account(control_plane: ControlPlane, name: str) -> Record:
    found = control_plane.account(name)
    if found is None:
        raise no_account(name)
    return found
