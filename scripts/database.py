"""Migrates the site's database, and creates the demo login if DEMO_ADMIN_PASSWORD has a password
for it. Runs inside Django: `.venv/bin/python scripts/database.py`.

One process does both, as most of its time is Django's start. Its last line is JSON. `login` is
`created`, `unchanged`, `changed` (the password is another one by now), `elsewhere` (the database is
not a file on this machine, so there is no demo login) or empty; `debug` is the site's DEBUG.
"""

from __future__ import annotations

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
    login = _create_login(password) if password else ""
    print(json.dumps({"login": login, "debug": bool(settings.DEBUG)}))
    return 0


def _create_login(password: str) -> str:
    from django.contrib.auth import get_user_model
    from django.db import connection

    if connection.vendor != "sqlite":
        return "elsewhere"
    users = get_user_model()._default_manager
    user, created = users.get_or_create(
        username=USER, defaults={"is_staff": True, "is_superuser": True}
    )
    if created:
        user.set_password(password)
        user.save()
        return "created"
    return "unchanged" if user.check_password(password) else "changed"


if __name__ == "__main__":
    sys.exit(main())
