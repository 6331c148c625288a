"""One site's process: reads one command a line, answers each with a line. Both are JSON.

It runs in the site's own environment, so it uses nothing but Django and Python's own.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

USER, PASSWORD = "sites-admin", "only-for-these-sites"
_MODELS = 4


def setup() -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("check", fail_level="CRITICAL")
    return {"django": django.get_version()}


def migrate() -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0, run_syncdb=True)
    model = get_user_model()
    if not model.objects.filter(username=USER).exists():
        model.objects.create_superuser(USER, "admin@example.com", PASSWORD)


def prepare(function: str) -> None:
    """What a package's front page needs in the database."""
    from django.db import transaction

    from sites.project import preparing

    with transaction.atomic():
        getattr(preparing, function)()


def collect(*flags: str) -> dict[str, Any]:
    from django.core.management import call_command

    out, err = io.StringIO(), io.StringIO()
    began, failed = time.monotonic(), ""
    try:
        call_command("collectstatic", "--noinput", "--no-color", *flags, stdout=out, stderr=err)
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - began
    return {"out": out.getvalue(), "err": err.getvalue(), "error": failed, "seconds": seconds}


def behaviour(names: list[str], largest: str) -> dict[str, str]:
    """What a site sees of its static storage: URLs in templates, a file opened, copies. Both
    storages are asked the same."""
    import copy
    import hashlib
    import pickle

    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.files.storage import storages
    from django.template import Context, Template

    def tried(call: Callable[[], str]) -> str:
        try:
            return call()
        except Exception as error:
            return type(error).__name__

    def read() -> str:
        with staticfiles_storage.open(largest) as file:
            return hashlib.sha256(file.read()).hexdigest()

    def rendered(name: str) -> str:
        return Template("{% load static %}{% static name %}").render(Context({"name": name}))

    found = {f"{{% static {name!r} %}}": tried(lambda name=name: rendered(name)) for name in names}
    found[f"open({largest!r})"] = tried(read)
    for alias in ("default", "staticfiles"):
        for how, made in (
            ("pickle", lambda storage: pickle.loads(pickle.dumps(storage))),  # noqa: S301
            ("copy", copy.copy),
            ("deepcopy", copy.deepcopy),
        ):
            same = tried(
                lambda alias=alias, made=made: str(
                    type(made(storages[alias])) is type(storages[alias])
                )
            )
            found[f"{how} of storages[{alias!r}]"] = same
    return found


def pages(labels: list[str]) -> list[str]:
    """Of the admin: the index, and list and form of the first models of these packages."""
    from django.contrib import admin
    from django.urls import NoReverseMatch, reverse

    found = [reverse("admin:index"), reverse("admin:demo_note_add")]
    per_label: dict[str, int] = {}
    for model in admin.site._registry:
        options = model._meta
        label = options.app_label
        module = model.__module__
        if not any(module == one or module.startswith(f"{one}.") for one in labels):
            continue
        per_label[label] = per_label.get(label, 0) + 1
        if per_label[label] > _MODELS:
            continue
        for kind in ("changelist", "add"):
            try:
                found.append(reverse(f"admin:{label}_{options.model_name}_{kind}"))
            except NoReverseMatch:
                continue
    return found


def serve() -> int:
    """Serve the site from a thread; the port."""
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    from django.core.servers.basehttp import ThreadedWSGIServer
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = make_server("127.0.0.1", 0, get_wsgi_application(), ThreadedWSGIServer, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_port)


def session() -> str:
    """The cookie of somebody who signed in as the administrator."""
    from django.test import Client

    client = Client()
    from django.contrib.auth import get_user_model

    client.force_login(
        get_user_model().objects.get(username=USER), "django.contrib.auth.backends.ModelBackend"
    )
    return client.cookies["sessionid"].value


def upload(function: str) -> Any:
    from sites.project import uploading

    return getattr(uploading, function)()


_COMMANDS = {
    one.__name__: one
    for one in (setup, migrate, prepare, collect, behaviour, pages, serve, session, upload)
}


def main() -> None:
    # What packages print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        said: dict[str, Any]
        try:
            with redirect_stdout(sys.stderr), redirect_stderr(sys.stderr):
                said = {"result": _COMMANDS[name](*arguments)}
        except BaseException as error:
            traceback.print_exc()
            said = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
