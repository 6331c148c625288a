"""Migrates the site's database, and creates the demo login if DEMO_ADMIN_PASSWORD has a password
for it. Runs inside Django: `.venv/bin/python scripts/database.py`.

One process does both, as most of its time is Django's start. Its last line is JSON. `login` is
`created`, `unchanged`, `changed` (the password is another one by now), `elsewhere` (the database is
not a file on this machine, so there is no demo login) or empty; `debug` is the site's DEBUG.
`verified` is a digest that, passed as DEMO_ADMIN_VERIFIED, saves the next run the check of the
password, which is slow by design.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sys
from pathlib import Path

USER = "admin"


def main() -> int:
    sys.path[0] = str(Path(__file__).resolve().parent.parent / "app")
    from manage import main as manage

    sys.argv = ["manage.py", "migrate", "--noinput"]
    if status := manage():
        return status
    from django.conf import settings

    password = os.environ.get("DEMO_ADMIN_PASSWORD", "")
    verified = os.environ.get("DEMO_ADMIN_VERIFIED", "")
    login, verified = _create_login(password, verified) if password else ("", "")
    print(json.dumps({"login": login, "verified": verified, "debug": bool(settings.DEBUG)}))
    return 0


def _create_login(password: str, verified: str) -> tuple[str, str]:
    from django.contrib.auth import get_user_model
    from django.db import connection

    if connection.vendor != "sqlite":
        return "elsewhere", ""
    users = get_user_model()._default_manager
    user, created = users.get_or_create(
        username=USER, defaults={"is_staff": True, "is_superuser": True}
    )
    if created:
        user.set_password(password)
        user.save()
    digest = hashlib.sha256(f"{password}\n{user.password}".encode()).hexdigest()
    if created:
        return "created", digest
    if digest == verified or user.check_password(password):
        return "unchanged", digest
    return "changed", ""


if __name__ == "__main__":
    gc.disable()  # looking for garbage among the modules would only delay the start
    sys.exit(main())
