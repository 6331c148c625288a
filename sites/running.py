"""One row of the table: a package on a Django, published and opened, beside Django's own."""

from __future__ import annotations

import copy
import json
import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from sites import uploads
from sites.browsing import Visit, visit
from sites.catalogue import Package
from sites.comparing import MANIFEST, compare
from sites.environments import Unsupported, find_python, prepared
from sites.results import Row
from sites.service import ACCOUNT, Service, static_server
from sites.site import TOLERANT, Account, Failed, Site, settings

_SHOWN = 300
# As templates write them; the admin's files are in every site.
_NAMES = (
    "admin/css/base.css",
    "admin/css/base.css?v=1",
    "admin/css/base.css#a",
    "admin/css/base.css?#i",
    "admin/",
    "admin/?v=1",
    "admin/css",
    "admin/img/",
    "/admin/css/base.css",
    "?v=1",
    "#a",
    "nothing.css",
    "nothing.css?v=1",
    "nothing/",
    "admin/css/../css/base.css",
    "admin//css/base.css",
)


@dataclass(frozen=True)
class Run:
    """What all rows of a run share."""

    service: Service
    browser: Browser
    home: Path
    python: str = ""
    pages: bool = True

    def row(self, package: Package, django: str, version: str) -> Row:
        """Publish, open and upload. Whatever a package does becomes part of its row."""
        row = Row(package.name, package.version(django), version)
        folder = self.home / f"{package.name}-{django}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            row.python = find_python(django, self.python)
            python = prepared(
                django, version, package.name, package.requirements(django), row.python
            )
            self._fill(row, package, python, folder, f"{package.name}-{django.replace('.', '')}")
        except Unsupported as unsupported:
            row.unsupported = str(unsupported)
        except Failed as failed:
            row.wrong.append(f"the site's process: {str(failed)[:_SHOWN]}")
        except Exception as error:  # the other rows are still to come
            row.wrong.append(f"not finished: {type(error).__name__}: {str(error)[:_SHOWN]}")
        else:
            shutil.rmtree(folder)
        return row

    def _fill(self, row: Row, package: Package, python: Path, folder: Path, container: str) -> None:
        self.service.create(container, public=True)
        static = f"{self.service.base}/{container}/"
        media = f"{container}-media"
        account = Account(self.service.base, ACCOUNT, self.service.key, container, media)
        given = settings(package, folder, account, static)
        first_with_debug = False
        try:
            said = self._by_django(package, python, folder, static)
        except Failed:
            # A package that asks for a static file's URL while it is imported starts with Django's
            # own storage once there is a manifest; the first one is made with DEBUG on. With our
            # storage `manage.py collectstatic` needs no manifest, but this is not manage.py.
            try:
                said = self._by_django(package, python, folder, static, debug=True)
                first_with_debug = True
            except Failed as failed:
                raise Unsupported(f"does not run: {str(failed)[:_SHOWN]}") from None
        # Without the storage's address, which no two runs share.
        row.own = " ".join(re.sub(r" with <[^>]*>", "", said["error"]).split())[:_SHOWN]
        row.seconds["own"] = said["seconds"]
        if row.own:
            shutil.rmtree(folder / "static")
            tolerant = self._own(row, package, folder, static) | {"DEBUG": True}
            with Site(python, tolerant, folder / "own.log") as own:
                own.ask("setup")
                said = own.ask("collect")
            if said["error"]:
                row.wrong.append(f"not compared: Django's own fails with {said['error'][:_SHOWN]}")
        self.service.create(media, public=True)
        with ExitStack() as stack:
            try:
                if first_with_debug:
                    debug = copy.deepcopy(given) | {"DEBUG": True}
                    if row.own:
                        debug["STORAGES"]["staticfiles"]["OPTIONS"]["missing_references"] = "warn"
                    with Site(python, debug, folder / "ours.log") as first:
                        first.ask("setup")
                        first.ask("collect")
                ours = stack.enter_context(Site(python, given, folder / "ours.log"))
                ours.ask("setup")
                said = ours.ask("collect")
            except Failed as failed:
                row.wrong.append(f"with our app: {str(failed)[:_SHOWN]}")
                return
            if row.own and not said["error"]:
                row.wrong.append("published, though Django's own storage refuses this tree")
            if said["error"]:
                if not row.own:
                    row.wrong.append(f"collectstatic: {said['error'][:_SHOWN]}")
                given["STORAGES"]["staticfiles"]["OPTIONS"]["missing_references"] = "warn"
                ours = stack.enter_context(Site(python, given, folder / "ours.log"))
                ours.ask("setup")
                said = ours.ask("collect")
            if said["error"]:
                row.wrong.append(f"with warnings: {said['error'][:_SHOWN]}")
                return
            row.seconds["ours"] = said["seconds"]
            again = ours.ask("collect")
            row.seconds["again"] = again["seconds"]
            closing = again["error"] or again["out"].strip().rpartition("\n")[2]
            if not closing.startswith("0 static files copied"):
                row.wrong.append(f"a second run: {closing[:_SHOWN]}")
            row.wrong += self._behaviour(row, package, python, folder, static, ours)
            found = compare(self.service, container, folder / "static")
            row.files, row.blobs, row.plain = found.files, found.blobs, found.plain
            row.wrong += found.wrong
            row.types += found.types
            opened = self._opened(ours, package, static) if self.pages else Visit()
        row.pages = opened.pages
        row.hosts = sorted(opened.hosts)
        if opened.wrong:
            self._beside_own(row, opened, package, python, folder, container)
        if package.uploads:
            row.uploaded, row.uploads = uploads.tried(
                self.service, package, python, folder, account, static
            )

    def _by_django(
        self, package: Package, python: Path, folder: Path, static: str, *, debug: bool = False
    ) -> dict[str, Any]:
        """Make the site's database, and its files with Django's own storage. Raises Failed."""
        given = {**settings(package, folder, None, static), "DEBUG": debug}
        with Site(python, given, folder / "own.log") as own:
            own.ask("setup")
            own.ask("migrate")
            if package.prepare:
                own.ask("prepare", package.prepare)
            said: dict[str, Any] = own.ask("collect")
        return said

    def _behaviour(
        self, row: Row, package: Package, python: Path, folder: Path, static: str, ours: Site
    ) -> list[str]:
        """Where the storage answers a site other than Django's own does."""
        paths: dict[str, str] = json.loads((folder / "static" / MANIFEST).read_bytes())["paths"]
        sizes = {name: (folder / "static" / name).stat().st_size for name in paths.values()}
        question = ("behaviour", list(_NAMES), max(sizes, key=lambda name: sizes[name]))
        with Site(python, self._own(row, package, folder, static), folder / "own.log") as own:
            own.ask("setup")
            expected, got = own.ask(*question), ours.ask(*question)
        return [
            f"{what} is {got[what]}, with Django {value}".replace(static, "STATIC/")
            for what, value in expected.items()
            if got[what] != value
        ]

    def _own(self, row: Row, package: Package, folder: Path, static: str) -> dict[str, Any]:
        """The settings of the site with the storage of Django's that it was compared with."""
        given = settings(package, folder, None, static)
        if row.own:
            given["STORAGES"]["staticfiles"] = {"BACKEND": TOLERANT}
        return given

    def _opened(self, site: Site, package: Package, static: str) -> Visit:
        """The front page, the admin, and what the package has of its own."""
        labels = [app.partition(".apps.")[0] for app in package.apps]
        front = "/widgets/" if "" in package.urls else "/"
        paths = dict.fromkeys(["/", front, *package.pages, *site.ask("pages", labels)])
        origin = f"http://127.0.0.1:{site.ask('serve')}"
        return visit(self.browser, origin, site.ask("session"), paths, static)

    def _beside_own(
        self, row: Row, opened: Visit, package: Package, python: Path, folder: Path, name: str
    ) -> None:
        """What fails in the same way with Django's own storage is not ours."""
        with static_server(folder / "static") as base:
            static = f"{base}/"
            own = self._own(row, package, folder, static)
            with Site(python, own, folder / "own.log") as site:
                site.ask("setup")
                beside = self._opened(site, package, static)
        row.failures = [line for line in opened.wrong if line not in beside.wrong]
        row.same = [line for line in opened.wrong if line in beside.wrong]
