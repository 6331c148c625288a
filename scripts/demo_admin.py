"""Creates the demo site's login. Runs inside Django: `.venv/bin/python scripts/demo_admin.py`.

Prints one word: `created`, `unchanged`, `changed` (its password is another one by now) or
`elsewhere` (the database is not a file on this machine, so there is no demo login).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

USER = "admin"


def main() -> str:
    sys.path[0] = str(Path(__file__).resolve().parent.parent / "app")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import connection

    if connection.vendor != "sqlite":
        return "elsewhere"
    password = os.environ["DEMO_ADMIN_PASSWORD"]
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
    print(main())
