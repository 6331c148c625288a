"""The site with DEBUG off, open to everybody, and without TLS in front of it."""

from __future__ import annotations

import os

from azureblob import circuit
from backend.settings import *  # noqa: F403

GALLERY_OPEN = True
SECURE_SSL_REDIRECT = os.environ.get("TEST_SSL_REDIRECT") == "true"
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
if seconds := os.environ.get("TEST_OPEN_SECONDS"):
    circuit.OPEN_SECONDS = float(seconds)
