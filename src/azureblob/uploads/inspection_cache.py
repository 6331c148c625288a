"""What is known of a file that has been inspected, kept with it on its way to the storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from azureblob.uploads.inspection import Inspected
from azureblob.uploads.rules import UploadRules

_ATTRIBUTE = "_azureblob_mark"


@dataclass(frozen=True)
class Mark:
    """`original` is the name that the file came with, `rules` those that it was held against."""

    inspected: Inspected
    original: str
    rules: UploadRules | None = None


def mark(file: Any, inspected: Inspected, original: str, rules: UploadRules) -> Mark:
    """Any file object of Django's. No request sets it: it is an attribute in this process."""
    made = Mark(inspected, original, rules)
    setattr(file, _ATTRIBUTE, made)
    return made


def marked(file: Any, rules: UploadRules | None = None) -> Mark | None:
    """What is known of the file. With `rules`, nothing that was found under other rules."""
    found = getattr(file, _ATTRIBUTE, None)
    if not isinstance(found, Mark) or (rules is not None and found.rules != rules):
        return None
    return found
