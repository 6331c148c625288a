"""What a sender may set of a blob, which is nothing but its bytes.

A signature binds no property: with the URL one can send an encoding, a type, metadata, an append
blob, a copy of some address. direct.js sends none of these, so a file that has any did not come by
it.
"""

from __future__ import annotations

from typing import Any

from azure.storage.blob import BlobProperties, BlobType

from azureblob.uploads.refusal import Refused

_DEFAULT_TYPE = "application/octet-stream"
# Of ContentSettings, those that `blob_headers` gives; *finish* may come twice, when the first
# answer was lost.
_OURS = {"content_type", "content_disposition", "cache_control"}
_COLD = {"Cool", "Cold", "Archive"}


def check_properties(found: BlobProperties) -> None:
    """What has to be as it was before a byte is read. Raises Refused."""
    if wrong := [*_beside_headers(found), *sorted(_headers(found).keys() - _OURS)]:
        raise _foreign(wrong)


def check_headers(found: BlobProperties, ours: dict[str, str]) -> None:
    """The rest: untouched, or `ours`, the headers of a file that has passed. Raises Refused."""
    present = _headers(found)
    expected = {name: value for name, value in ours.items() if value != _DEFAULT_TYPE}
    if present not in ({}, expected):
        raise _foreign(sorted(present))


def _headers(found: BlobProperties) -> dict[str, Any]:
    """The MD5 is the service's own, or is overwritten with the rest."""
    return {
        name: value
        for name, value in vars(found.content_settings).items()
        if name != "content_md5" and value and value != _DEFAULT_TYPE
    }


def _beside_headers(found: BlobProperties) -> list[str]:
    present = {
        "blob_type": found.blob_type != BlobType.BLOCKBLOB,
        "metadata": bool(found.metadata),
        "tags": bool(found.tag_count),
        "tier": found.blob_tier in _COLD and not found.blob_tier_inferred,
        "copy": bool(found.copy.id),
        "encryption_key": bool(found.encryption_key_sha256),
    }
    return [name for name, is_so in present.items() if is_so]


def unreadable() -> Refused:
    """For a blob that the service itself does not show without the sender's key."""
    return _foreign(["encryption_key"])


def _foreign(names: list[str]) -> Refused:
    return Refused(
        f"This file was not sent as this page sends files (it came with {', '.join(names)}). "
        "Choose it again.",
        "properties",
    )
