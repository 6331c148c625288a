"""What a file is by its content, checked against a field's rules, and how it is stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, cast

from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from azureblob.exceptions import FileRefused, Localized
from azureblob.uploads import images, svg
from azureblob.uploads.filenames import content_disposition, original_name_metadata, shown_name
from azureblob.uploads.rules import HEAD_BYTES, INERT, SVG, UNKNOWN, UploadRules, extension, sniff

_localized_size = lazy(filesizeformat, str)


@dataclass(frozen=True)
class Inspection:
    """How a file is to be stored.

    `content_type` is application/octet-stream and `extension` .bin for a file of none of the
    field's types. `inline` is False for everything that is not an image, audio or video file: it is
    stored as an attachment. `width` and `height` are an image's, in pixels.
    """

    content_type: str
    extension: str
    inline: bool
    width: int | None = None
    height: int | None = None

    def headers(self, original_name: str, cache_control: str | None = None) -> dict[str, str]:
        """Arguments of the SDK's ContentSettings. An inline blob has no disposition: a public page
        would reveal the name that its owner gave the file."""
        found = {"content_type": self.content_type}
        if not self.inline:
            found["content_disposition"] = content_disposition(original_name)
        if cache_control:
            found["cache_control"] = cache_control
        return found


ATTACHMENT = Inspection(UNKNOWN, extension(UNKNOWN), inline=False)


def inspect_head(head: bytes) -> Inspection:
    """How a file that begins with `head` is stored if no field has rules for it."""
    content_type = sniff(head)
    if content_type not in INERT:
        return ATTACHMENT
    return Inspection(content_type, extension(content_type), inline=True)


def stored_with(
    stream: IO[bytes], name: str, sent: Any = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and metadata for bytes that are saved as `name`: by the inspection of the file that
    was `sent`, if a checked field made one, else by the first bytes."""
    cached = cached_inspection(sent)
    if cached is None:
        stream.seek(0)
        inspection = inspect_head(stream.read(HEAD_BYTES))
        original = sent.name if isinstance(sent, UploadedFile) and sent.name else name
        cached = CachedInspection(inspection, PurePosixPath(original).name)
    return (
        cached.inspection.headers(cached.original_name),
        original_name_metadata(cached.original_name),
    )


# --- The cache: each file is inspected once on its way to the storage -----------------------------

_ATTRIBUTE = "_azureblob_inspection"


@dataclass(frozen=True)
class CachedInspection:
    """`original_name` is the name that the file came with, `rules` those that it was checked
    against."""

    inspection: Inspection
    original_name: str
    rules: UploadRules | None = None


def cache_inspection(
    file: Any, inspection: Inspection, original_name: str, rules: UploadRules
) -> CachedInspection:
    """Attach the result to any of Django's file objects. No request can set it: it is an attribute
    in this process."""
    cached = CachedInspection(inspection, original_name, rules)
    setattr(file, _ATTRIBUTE, cached)
    return cached


def cached_inspection(file: Any, rules: UploadRules | None = None) -> CachedInspection | None:
    """The file's inspection, if it has been made; with `rules`, only if it was made with them."""
    cached = getattr(file, _ATTRIBUTE, None)
    if not isinstance(cached, CachedInspection) or (rules is not None and cached.rules != rules):
        return None
    return cached


def inspect_file(file: File[Any], name: str, rules: UploadRules) -> CachedInspection:
    """Inspect `file` unless that has been done with these rules. An SVG is replaced by its
    sanitized bytes, whatever storage it is saved to. Raises FileRefused."""
    cached = cached_inspection(file, rules)
    if cached is None:
        inspection = inspect(cast("IO[bytes]", file), name, file.size, rules)
        if inspection.content_type == SVG:
            svg.sanitize(file)
        cached = cache_inspection(file, inspection, name, rules)
    return cached


# --- Inspecting -----------------------------------------------------------------------------------


def inspect(
    file: IO[bytes], name: str, size: int, rules: UploadRules, limit: WorkLimit | None = None
) -> Inspection:
    """Read the first 64 KiB, and as much of an image as counting its frames and verifying its
    checksums takes, which may be all of it. The position is 0 afterwards.

    Raises FileRefused, and any error of reading `file`. By default `limit` depends on the size.
    """
    check_claims(name, size, rules)
    metered = _MeteredFile(file, limit or WorkLimit(size))
    try:
        found = _by_content(cast("IO[bytes]", metered), rules)
    except Exception:
        if metered.failure is None:
            raise
    finally:
        file.seek(0)
    # A decoder takes either for a damaged file, and may even carry on.
    if isinstance(metered.failure, TooComplex):
        raise FileRefused(
            _(
                "This file consists of so many small parts that it cannot be checked. Save it "
                "again with a program for its type, and choose that file."
            ),
            "complex",
        ) from None
    if metered.failure is not None:
        raise metered.failure from None
    return found


def check_claims(name: str, size: int, rules: UploadRules) -> None:
    """What can be checked before a byte has arrived. Raises FileRefused."""
    if len(name) > rules.max_name:
        raise FileRefused(
            ngettext_lazy(
                "The name of this file has %(length)d characters; at most %(limit)d is allowed. "
                "Give it a shorter one.",
                "The name of this file has %(length)d characters; at most %(limit)d are allowed. "
                "Give it a shorter one.",
                "limit",
            ),
            "name",
            {"length": len(name), "limit": rules.max_name},
        )
    if size == 0:
        raise FileRefused(_("“%(name)s” is empty."), "empty", {"name": shown_name(name)})
    if size > rules.max_bytes:
        raise FileRefused(
            _(
                "This file has %(size)s (%(bytes)s bytes); at most %(limit)s (%(limit_bytes)s) can "
                "be stored."
            ),
            "too_large",
            {
                "size": _localized_size(size),
                "bytes": Localized(size),
                "limit": _localized_size(rules.max_bytes),
                "limit_bytes": Localized(rules.max_bytes),
            },
        )


def _by_content(file: IO[bytes], rules: UploadRules) -> Inspection:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    content_type = sniff(head)
    if content_type == UNKNOWN and SVG in rules.types and svg.might_be(head):
        content_type = SVG
    if content_type not in rules.types:
        if rules.others == "attachment":
            return ATTACHMENT
        raise _wrong_type(content_type, rules)
    width = height = None
    try:
        if content_type in images.FORMATS:
            width, height = images.check(file, content_type, rules)
        elif content_type == SVG:
            svg.sanitized_bytes(file)
    except FileRefused as refusal:
        if refusal.code == "broken" and rules.others == "attachment":
            return ATTACHMENT
        raise
    return Inspection(content_type, extension(content_type), content_type in INERT, width, height)


def _wrong_type(content_type: str, rules: UploadRules) -> FileRefused:
    *others, last = [images.FORMATS.get(each, each) for each in rules.types]
    allowed = format_lazy(_("{others} or {last}"), others=", ".join(others), last=last)
    params = {"allowed": allowed if others else last, "type": content_type}
    if content_type == UNKNOWN:
        message = _(
            "The content of this file is of no type that can be recognised; only %(allowed)s can "
            "be stored here."
        )
    else:
        message = _("This file is %(type)s by its content; only %(allowed)s can be stored here.")
    return FileRefused(message, "type", params)


# --- The limit on the work ------------------------------------------------------------------------

# In JPEG, PNG and GIF files that encoders write, a step covers 100 bytes and more. The constant is
# for small files, which may consist of headers only.
_BYTES_PER_STEP = 100
_STEPS = 100_000
# Each decoder may read the file once or twice.
_PASSES = 4
_BYTES = 1024 * 1024
_SECONDS = 4.0
# Reading the thread's clock is a system call.
_STEPS_PER_CLOCK_CHECK = 64


class TooComplex(Exception):
    """Inspecting the file takes more work than its limit."""


class WorkLimit:
    """What the inspection of a file of `size` bytes may cost, whatever its sender put into it:
    calls that read or seek, bytes read, and CPU seconds of this thread. Waiting for the network is
    free.

    A format's own limits do not help: a few megabytes hold millions of empty blocks, each of which
    costs a call in a reader that is written in Python.
    """

    def __init__(
        self,
        size: int,
        *,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.steps = _STEPS + size // _BYTES_PER_STEP
        self.bytes = _BYTES + _PASSES * size
        self._clock = clock
        self._end = clock() + seconds

    def spend(self, count: int) -> None:
        """One step, and `count` bytes. Raises TooComplex."""
        self.steps -= 1
        self.bytes -= count
        late = self.steps % _STEPS_PER_CLOCK_CHECK == 0 and self._clock() > self._end
        if self.steps < 0 or self.bytes < 0 or late:
            raise TooComplex


class _MeteredFile:
    """A file that is read within a limit.

    `failure` is the first error that reading raised, TooComplex included: decoders take any
    exception for a damaged image.
    """

    def __init__(self, file: IO[bytes], limit: WorkLimit) -> None:
        self._file, self._limit = file, limit
        self.failure: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._file.read(size)
            self._limit.spend(len(data))
        except Exception as error:
            self.failure = self.failure or error
            raise
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            self._limit.spend(0)
            return self._file.seek(offset, whence)
        except ValueError:  # a position before the beginning, which only a damaged file asks for
            raise
        except Exception as error:
            self.failure = self.failure or error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
