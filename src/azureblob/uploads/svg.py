"""Sanitizing SVG files: opt-in, by `types=(…, "image/svg+xml")` in UploadRules."""

from __future__ import annotations

import io
from typing import IO, Any
from xml.parsers import expat

from django.core.files.base import File
from django.utils.translation import gettext_lazy as _

from azureblob.exceptions import FileRefused, Localized
from azureblob.extras import require

NAMESPACE = "http://www.w3.org/2000/svg"
# Enough for a drawing; a larger file is a photograph in a wrapper. All of it is parsed in memory.
MAX_BYTES = 2 * 1024 * 1024
# The sanitizer indents its output, whose size grows with the depth of each element: 100,000 nested
# groups would take more memory than the machine has.
MAX_DEPTH = 100
MAX_ELEMENTS = 50_000
# Image types that may be embedded; anything else in a data: URL is dropped.
_EMBEDDED = {"image": ["png", "jpeg", "gif", "webp"]}
_SEPARATOR = " "


def might_be(head: bytes) -> bool:
    """Whether a file that begins with `head` may be an SVG, which has no signature."""
    return b"<" in head and (b"svg" in head or b"s\0v\0g" in head)


def sanitize(file: File[Any]) -> None:
    """Replace the file's content by its sanitized bytes. Raises FileRefused."""
    file.file = io.BytesIO(sanitized_bytes(file))
    file.size = len(file.file.getvalue())


def sanitized_bytes(file: IO[bytes] | File[Any]) -> bytes:
    """Those of the whole file. Raises FileRefused."""
    file.seek(0)
    return sanitized(file.read(MAX_BYTES + 1))


def sanitized(data: bytes) -> bytes:
    """The drawing without scripts, event handlers, links to other hosts and foreign content, as
    svg-hush leaves it. Raises FileRefused.

    Raises ImportError if the extra `svg` is not installed.
    """
    require("svg", "image/svg+xml")
    # Start-up time: an extra that few sites need.
    from py_svg_hush import filter_svg

    if len(data) > MAX_BYTES:
        raise _refused(
            _("This SVG has more than %(limit)s bytes, which is the limit."), limit=MAX_BYTES
        )
    try:
        _check_structure(data)
        return bytes(filter_svg(data, _EMBEDDED))
    except (expat.ExpatError, ValueError, LookupError):
        raise _refused(_("This SVG is damaged and cannot be shown.")) from None


def _refused(message: Any, **numbers: int) -> FileRefused:
    return FileRefused(message, "broken", {k: Localized(n) for k, n in numbers.items()})


def _check_structure(data: bytes) -> None:
    """Parse the file once to check its root, depth and number of elements, which bounds what the
    sanitizer has to do. Raises FileRefused and ExpatError."""
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    depth = elements = 0

    def start(name: str, _attributes: Any) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if elements == 1 and name != f"{NAMESPACE}{_SEPARATOR}svg":
            raise _refused(
                _("This SVG begins with something else than an <svg> element of the SVG namespace.")
            )
        if depth > MAX_DEPTH:
            raise _refused(
                _("This SVG nests more than %(limit)s elements in one another."), limit=MAX_DEPTH
            )
        if elements > MAX_ELEMENTS:
            raise _refused(_("This SVG has more than %(limit)s elements."), limit=MAX_ELEMENTS)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def entity(*_declaration: Any) -> None:
        raise _refused(_("This SVG declares entities, which are not allowed."))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.EntityDeclHandler = entity
    parser.Parse(data, True)
