"""What is installed: packages.toml says how a site uses each package, requirements.txt its pin."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ALL = "all-at-once"


@dataclass(frozen=True)
class Package:
    """How a site uses one package. `together` is False where it cannot share a site with others,
    and `why` says why. `versions` has the newest release for a line of Django that the pinned one
    no longer supports."""

    name: str
    pins: tuple[str, ...]
    apps: tuple[str, ...] = ()
    urls: dict[str, str] = field(default_factory=dict)
    widgets: tuple[str, ...] = ()
    template: dict[str, str] = field(default_factory=dict)
    pages: tuple[str, ...] = ()
    middleware: tuple[str, ...] = ()
    context_processors: tuple[str, ...] = ()
    loaders: tuple[str, ...] = ()
    settings_from: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    prepare: str = ""
    uploads: str = ""
    together: bool = True
    why: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def requirements(self, django: str) -> list[str]:
        """The pins for a Django; `versions` has those of older lines that still support it."""
        older = self.versions.get(django)
        first = f"{self.name}=={older}" if older else self.pins[0]
        return [first, *self.pins[1:]]

    def version(self, django: str) -> str:
        if self.name == ALL:
            return ""
        return self.requirements(django)[0].partition("==")[2]


def djangos() -> dict[str, str]:
    """The version that is installed of each line: {"5.2": "5.2.19", …}."""
    versions = [pin.partition("==")[2] for pin in _pins(HERE / "django.txt")]
    return {version.rpartition(".")[0]: version for version in versions}


def packages() -> dict[str, Package]:
    """All of them, by name. Raises ValueError where one has no pin."""
    pins = {pin.partition("==")[0]: pin for pin in _pins(HERE / "requirements.txt")}
    known = {"requires", *(one.name for one in fields(Package))}
    found = {}
    for name, entry in tomllib.loads((HERE / "packages.toml").read_text(encoding="utf-8")).items():
        if unknown := entry.keys() - known:
            raise ValueError(f"packages.toml: {name} has {', '.join(sorted(unknown))}")
        required = [name, *entry.pop("requires", [])]
        if missing := [one for one in required if one not in pins]:
            raise ValueError(f"sites/requirements.txt has no pin of {', '.join(missing)}")
        entry = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
        found[name] = Package(name=name, pins=tuple(pins[one] for one in required), **entry)
    return found


def combined(parts: Iterable[Package], name: str = ALL) -> Package:
    """One site with all of these packages."""
    parts = list(parts)
    settings: dict[str, Any] = {}
    urls: dict[str, str] = {}
    for part in parts:
        settings |= part.settings
        # One package makes the front page; the first that asks for it.
        urls |= {k: v for k, v in part.urls.items() if k not in urls}

    def joined(attribute: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for part in parts for one in getattr(part, attribute)))

    template = {
        place: "".join(dict.fromkeys(part.template.get(place, "") for part in parts))
        for place in ("load", "head", "body")
    }
    # An include with an empty prefix may answer everything: the last of all.
    urls = dict(sorted(urls.items(), key=lambda item: item[0] == ""))
    return Package(
        name=name,
        # Some hold others to an older release than their pin.
        pins=tuple(pin.replace("==", "<=") for pin in joined("pins")),
        apps=joined("apps"),
        urls=urls,
        widgets=joined("widgets"),
        template=template,
        pages=joined("pages"),
        middleware=joined("middleware"),
        context_processors=joined("context_processors"),
        loaders=joined("loaders"),
        settings_from=joined("settings_from"),
        settings={**settings, "SITE_UNMIGRATED": True},
    )


def _pins(file: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]
