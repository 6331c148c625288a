"""Makes the demo site's login. Runs inside Django: `.venv/bin/python scripts/demo_admin.py`.

Prints one word: `made`, `kept`, `changed` (its password is no longer ours) or `elsewhere` (the
database is not a file of this machine, where a demo login has no business).
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
    user, made = users.get_or_create(
        username=USER, defaults={"is_staff": True, "is_superuser": True}
    )
    if made:
        user.set_password(password)
        user.save()
        return "made"
    return "kept" if user.check_password(password) else "changed"


if __name__ == "__main__":
    print(main())
