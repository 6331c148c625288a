"""What a cold start of the site costs, up to its first page: `.venv/bin/python -m
tests.app.bench_start`. Asks nobody.

CPU of a new process in milliseconds, median and range of 15, after one that fills the caches of
compiled modules. The first row is a project with the same apps of Django's and nothing else.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.app.bench_signing import SETTINGS
from tests.conftest import ROOT

RUNS = 15
DJANGO_ALONE = """
import time
from django.conf import settings
settings.configure(
    DEBUG=True, SECRET_KEY="-", ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", STATIC_URL="/static/",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib." + app for app in (
        "admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages"]}}],
)
import django
django.setup()
import sys, types
urls = sys.modules["urls"] = types.ModuleType("urls")
from django.contrib import admin
from django.urls import path
urls.urlpatterns = [path("admin/", admin.site.urls)]
from django.test import Client
assert Client().get("/admin/login/").status_code == 200
print(time.process_time())
"""
SITE = """
import time
from django.conf import settings
settings.DEBUG
print(time.process_time())
import django
django.setup()
print(time.process_time())
from django.test import Client
assert Client().get("/", HTTP_HOST="localhost").status_code == 200
print(time.process_time())
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            **SETTINGS,
            "DATABASE_URL": f"sqlite:///{Path(folder, 'site.sqlite3')}",
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        _run([str(ROOT / "app" / "manage.py"), "migrate", "-v0"], environment)
        for code, titles in (
            (DJANGO_ALONE, ["Django alone, to a page of its admin"]),
            (SITE, ["settings", "and django.setup()", "and a page"]),
        ):
            _run(["-c", code], environment)
            runs = [_run(["-c", code], environment).split() for _ in range(RUNS)]
            for title, spent in zip(titles, zip(*runs, strict=True), strict=True):
                times = sorted(float(seconds) * 1000 for seconds in spent)
                median = statistics.median(times)
                print(f"{title:<40}{median:6.0f} ms   {times[0]:.0f} to {times[-1]:.0f}")


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT / "app",
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


if __name__ == "__main__":
    main()
