"""Properties of a blob that a browser may not set: all of them.

A signature binds no property: with the URL one can send an encoding, a type, metadata, an append
blob, or a copy of another address. direct.js sends none of these, so a blob that has any was not
sent by it.
"""

from __future__ import annotations

from typing import Any

from azure.storage.blob import BlobProperties, BlobType
from django.utils.translation import gettext_lazy as _

from azureblob.exceptions import FileRefused

_DEFAULT_TYPE = "application/octet-stream"
# Headers that Inspection.headers sets: *finish* may be requested twice, if its answer was lost.
_SET_BY_SITE = {"content_type", "content_disposition", "cache_control"}
_COLD_TIERS = {"Cool", "Cold", "Archive"}


def check_properties(found: BlobProperties) -> None:
    """What has to be untouched before a byte is read. Raises FileRefused."""
    if wrong := [*_besides_headers(found), *sorted(_headers(found).keys() - _SET_BY_SITE)]:
        raise _foreign(wrong)


def check_headers(found: BlobProperties, inspected: dict[str, str]) -> None:
    """The remaining headers: untouched, or those of the file that was `inspected`. Raises
    FileRefused."""
    present = _headers(found)
    expected = {name: value for name, value in inspected.items() if value != _DEFAULT_TYPE}
    if present not in ({}, expected):
        raise _foreign(sorted(present))


def unreadable() -> FileRefused:
    """For a blob that the service shows only to those who have its sender's key."""
    return _foreign(["encryption_key"])


def _headers(found: BlobProperties) -> dict[str, Any]:
    """The MD5 is the service's own, or is overwritten together with the rest."""
    return {
        name: value
        for name, value in vars(found.content_settings).items()
        if name != "content_md5" and value and value != _DEFAULT_TYPE
    }


def _besides_headers(found: BlobProperties) -> list[str]:
    present = {
        "blob_type": found.blob_type != BlobType.BLOCKBLOB,
        "metadata": bool(found.metadata),
        "tags": bool(found.tag_count),
        "tier": found.blob_tier in _COLD_TIERS and not found.blob_tier_inferred,
        "copy": bool(found.copy.id),
        "encryption_key": bool(found.encryption_key_sha256),
    }
    return [name for name, is_set in present.items() if is_set]


def _foreign(names: list[str]) -> FileRefused:
    return FileRefused(
        _(
            "This file was not sent as this page sends files (it came with %(properties)s). Choose "
            "it again."
        ),
        "properties",
        {"properties": ", ".join(names)},
    )
