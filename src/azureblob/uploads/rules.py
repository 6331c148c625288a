"""What a field takes."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import Literal

from django.core.exceptions import ImproperlyConfigured

from azureblob.extras import how_to_install, is_installed
from azureblob.uploads import svg
from azureblob.uploads.kinds import KNOWN

IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


@dataclass(frozen=True)
class UploadRules:
    """`types` are the content types that are taken as what they are. `others` says what happens to
    everything else: it is refused, or kept as an attachment that nothing opens by itself.

    `image/svg+xml` may be one of them: such a file is stored without what could run or call home,
    and as an attachment, which pages show and nobody opens. It needs the package py-svg-hush.

    Raises ValueError for rules that take nothing, and for a type that cannot be told from content,
    as are all others that a browser could run: HTML, XML, scripts. Raises ImproperlyConfigured
    where py-svg-hush is missing.
    """

    types: tuple[str, ...] = IMAGES
    max_bytes: int = 10 * 1024 * 1024
    # Width times height times frames: what a viewer would have to decode.
    max_pixels: int = 50_000_000
    # Characters of the original name.
    max_name: int = 200
    others: Literal["refuse", "attachment"] = "refuse"
    # A frame costs time whatever its size.
    max_frames: int = 5_000

    def __post_init__(self) -> None:
        if not self.types and self.others == "refuse":
            raise ValueError("types is empty and others is 'refuse': the field takes no file.")
        unknown = sorted(set(self.types) - KNOWN - {svg.MIME})
        if unknown:
            raise ValueError(
                f"types holds {', '.join(unknown)}, which cannot be told from a file's content. "
                "Take it out, and set others='attachment' to keep such files as attachments."
            )

        if svg.MIME in self.types and not is_installed("svg"):
            raise ImproperlyConfigured(
                f"types holds {svg.MIME}, and the package that makes it safe is not installed: "
                + how_to_install("svg")
            )

    @property
    def digest(self) -> str:
        """Another one for other rules."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:16]
