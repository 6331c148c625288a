"""SVG that strangers send, made safe: opt-in, by `types=(…, "image/svg+xml")` in UploadRules."""

from __future__ import annotations

import io
from typing import IO, Any
from xml.parsers import expat

from django.core.files.base import File

from azureblob.extras import require
from azureblob.uploads.refusal import Refused

MIME = "image/svg+xml"
NAMESPACE = "http://www.w3.org/2000/svg"
# A drawing; what is larger is a photograph in a wrapper. All of it is parsed in memory.
MOST_BYTES = 2 * 1024 * 1024
# The sanitizer indents its output: its size grows with the depth of each element, and 100,000
# nested groups would take more memory than the machine has.
MOST_DEPTH = 100
MOST_ELEMENTS = 50_000
# Pictures within the picture; anything else in a data: URL is dropped.
_EMBEDDED = {"image": ["png", "jpeg", "gif", "webp"]}
_SEPARATOR = " "


class _Unsafe(Exception):
    """The message completes "This SVG …"."""


def might_be(head: bytes) -> bool:
    """Whether a file that begins with `head` may be an SVG: it has no signature of its own."""
    return b"<" in head and (b"svg" in head or b"s\0v\0g" in head)


def sanitize(file: File[Any]) -> None:
    """Put the safe bytes in the place of the file's own. Raises Refused."""
    file.file = io.BytesIO(sanitized_bytes(file))
    file.size = len(file.file.getvalue())


def sanitized_bytes(file: IO[bytes] | File[Any]) -> bytes:
    """Those of a whole file. Raises Refused."""
    file.seek(0)
    return sanitized(file.read(MOST_BYTES + 1))


def sanitized(data: bytes) -> bytes:
    """The drawing without scripts, event handlers, links to other hosts and foreign content, as
    svg-hush leaves it. Raises Refused.

    Raises ImportError where the extra `svg` is not installed.
    """
    require("svg", "image/svg+xml")
    from py_svg_hush import filter_svg  # an extra: few sites take SVG

    if len(data) > MOST_BYTES:
        raise _refused(f"has more than {MOST_BYTES:,} bytes, which is the limit")
    try:
        _measure(data)
        return bytes(filter_svg(data, _EMBEDDED))
    except _Unsafe as unsafe:
        raise _refused(str(unsafe)) from None
    except (expat.ExpatError, ValueError, LookupError):
        raise _refused("is damaged and cannot be shown") from None


def _refused(why: str) -> Refused:
    return Refused(f"This SVG {why}.", "broken")


def _measure(data: bytes) -> None:
    """Parse it once for its root, depth and number of elements. Raises _Unsafe and ExpatError."""
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    depth = elements = 0

    def start(name: str, _: Any) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if elements == 1 and name != f"{NAMESPACE}{_SEPARATOR}svg":
            raise _Unsafe("begins with something else than an <svg> element of the SVG namespace")
        if depth > MOST_DEPTH:
            raise _Unsafe(f"nests more than {MOST_DEPTH} elements in one another")
        if elements > MOST_ELEMENTS:
            raise _Unsafe(f"has more than {MOST_ELEMENTS:,} elements")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def entity(*_: Any) -> None:
        raise _Unsafe("declares entities, which are not taken")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.EntityDeclHandler = entity
    parser.Parse(data, True)
