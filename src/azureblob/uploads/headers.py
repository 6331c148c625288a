"""What a blob is stored with, and so served with: the service itself adds nothing."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import IO, Any
from urllib.parse import quote

from django.core.files.uploadedfile import UploadedFile

from azureblob.uploads.inspection import Inspected, at_a_glance
from azureblob.uploads.inspection_cache import Mark, marked
from azureblob.uploads.kinds import HEAD_BYTES
from azureblob.uploads.names import as_metadata, shown_name

# RFC 8187's attr-char, beside letters and digits.
_ATTRIBUTE = "!#$&+-.^_`|~"


def blob_headers(
    inspected: Inspected, original: str, cache_control: str | None = None
) -> dict[str, str]:
    """Arguments of the SDK's ContentSettings; an inline blob has no disposition, so that a public
    page does not tell what its owner called it."""
    found = {"content_type": inspected.content_type}
    if not inspected.inline:
        found["content_disposition"] = attachment(original)
    if cache_control:
        found["cache_control"] = cache_control
    return found


def blob_metadata(original: str) -> dict[str, str]:
    """The name that the file came with; `names.from_metadata` reads it."""
    return {"original_name": as_metadata(original)}


def attachment(original: str) -> str:
    """Content-Disposition by RFC 6266: `filename` for the oldest clients, `filename*` for all
    others. ASCII, as headers are; a shown name has neither quotes nor backslashes."""
    name = shown_name(original)
    plain = "".join(c if c.isascii() and c != "%" else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE)}"


def stored_with(
    stream: IO[bytes], name: str, sent: Any = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and metadata for bytes that are saved as `name`: by what a checked field found of the
    file that was `sent`, else by the first bytes."""
    known = marked(sent)
    if known is None:
        stream.seek(0)
        head = stream.read(HEAD_BYTES)
        original = sent.name if isinstance(sent, UploadedFile) and sent.name else name
        known = Mark(at_a_glance(head), PurePosixPath(original).name)
    return blob_headers(known.inspected, known.original), blob_metadata(known.original)
