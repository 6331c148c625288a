"""Django's manifest storage where references that lead nowhere stay as they are written.

It is what StaticBlobStorage is compared with for the trees that Django's own storage refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.exceptions import SuspiciousFileOperation


class Tolerant(ManifestStaticFilesStorage):
    def url_converter(self, *args: Any, **named: Any) -> Callable[[re.Match[str]], str]:
        convert = super().url_converter(*args, **named)

        def converted(match: re.Match[str]) -> str:
            try:
                return convert(match)
            except (ValueError, SuspiciousFileOperation):
                return match["matched"]

        return converted
