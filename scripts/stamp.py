"""What is installed already: a fingerprint of each part, written when the part is complete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from scripts.files import write_atomically
from scripts.paths import VENV

STAMP_FILE = VENV / ".setup-stamp"


def fingerprint(files: Iterable[Path], *extra: str) -> str:
    """A hash over the files' contents and the extra texts."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() + b"\0")
    for text in extra:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:20]


def read() -> dict[str, str]:
    """The fingerprint of each part; empty if there is none or the file is damaged."""
    try:
        stamps = json.loads(STAMP_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    stamps = stamps if isinstance(stamps, dict) else {}
    return {part: value for part, value in stamps.items() if isinstance(value, str)}


def write(**parts: str | None) -> None:
    """Set the parts' fingerprints; None removes one, so that an interrupted run is repaired."""
    stamps = {part: value for part, value in {**read(), **parts}.items() if value is not None}
    write_atomically(STAMP_FILE, json.dumps(stamps, indent=2, sort_keys=True))
