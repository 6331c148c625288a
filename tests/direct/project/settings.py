"""The site with a second upload endpoint, for any file up to 1 GiB, stored as an attachment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from backend.settings import *  # noqa: F403
from backend.settings import MIDDLEWARE, STORAGES, TEMPLATES

ROOT_URLCONF = "tests.direct.project.urls"
TEMPLATES[0]["DIRS"] = [Path(__file__).parent / "templates"]
MIDDLEWARE += [
    "tests.direct.project.urls.strict_policy",
    "django.middleware.locale.LocaleMiddleware",
]
_storages: dict[str, Any] = STORAGES
if seconds := os.environ.get("TEST_SIGNED_SECONDS"):
    _storages["default"]["OPTIONS"] = {"signed_seconds": int(seconds)}
