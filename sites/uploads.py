"""Files that visitors send through the libraries for media, on public and on private containers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sites.catalogue import Package
from sites.service import Service, fetch
from sites.site import Account, Failed, Site, settings

_SHOWN = 300
# What a browser would run as a page of the site's.
_ACTIVE = ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml")


def tried(
    service: Service, package: Package, python: Path, folder: Path, account: Account, static: str
) -> tuple[list[str], list[str]]:
    """What was uploaded, and what is wrong with it."""
    done: list[str] = []
    wrong: list[str] = []
    for private in (False, True):
        kind = "private" if private else "public"
        container = f"{account.media}-{kind}"
        service.create(container, public=not private)
        own = replace(account, media=container, private=private)
        given = settings(package, folder, own, static)
        with Site(python, given, folder / "ours.log") as site:
            try:
                site.ask("setup")
                files: list[dict[str, Any]] = site.ask("upload", package.uploads)
            except Failed as failed:
                wrong.append(f"{kind}: {str(failed)[:_SHOWN]}")
                continue
        for file in files:
            done.append(f"{kind} {file['what']}")
            wrong += [f"{kind} {file['what']}: {text}" for text in _checked(file, private)]
    return done, wrong


def _checked(file: dict[str, Any], private: bool) -> list[str]:
    problems = []
    answer = fetch(file["url"])
    if answer.status != 200:
        return [f"status {answer.status} for {urlsplit(file['url']).path}"]
    content_type = answer.headers.get("content-type", "")
    attached = answer.headers.get("content-disposition", "").startswith("attachment")
    if file["kind"] == "image":
        if not content_type.startswith("image/"):
            problems.append(f"a picture served as {content_type}")
        if attached:
            problems.append("a picture served as an attachment")
    elif content_type.partition(";")[0] in _ACTIVE and not attached:
        problems.append(f"served as {content_type}, which a browser opens as a page")
    if file.get("size") not in (None, len(answer.body)):
        problems.append(f"{len(answer.body)} bytes instead of {file['size']}")
    if private:
        bare = fetch(file["url"].partition("?")[0])
        if bare.status == 200:
            problems.append("readable without a signature")
    return problems
