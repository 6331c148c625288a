"""The site with a second place for uploads: any file up to 1 GiB, kept as an attachment."""

from __future__ import annotations

import os
from pathlib import Path

from backend.settings import *  # noqa: F403
from backend.settings import MIDDLEWARE, STORAGES, TEMPLATES

ROOT_URLCONF = "tests.direct.project.urls"
TEMPLATES[0]["DIRS"] = [Path(__file__).parent / "templates"]
MIDDLEWARE += ["tests.direct.project.urls.strict_policy"]
if seconds := os.environ.get("TEST_SIGNED_SECONDS"):
    STORAGES["default"]["OPTIONS"] = {"signed_seconds": int(seconds)}
