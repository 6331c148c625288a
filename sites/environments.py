"""Virtual environments: one for each Django and package, made by uv from its cache."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv-sites"
# What the library needs at run time: with the site's pins, but for what packages limit themselves.
_LIBRARY = (
    *("django-storages", "azure-storage-blob", "azure-identity", "filetype"),
    *("pycurl", "deflate"),
)
_ANY_VERSION = ("pillow", "certifi")
_MINIMUM = {"5.2": (3, 11), "6.0": (3, 12), "6.1": (3, 12)}
_SECONDS = 900
_SHOWN = 300


class Unsupported(Exception):
    """The package cannot be had with this Django; the text says why."""


def find_python(django: str, asked: str = "") -> str:
    """A Python that runs this Django: `asked`, or a new one on the machine. Raises Unsupported."""
    least = _MINIMUM.get(django, (3, 12))
    homes = sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3"), reverse=True)
    names = [f"python3.{minor}" for minor in (13, 14, 12)]
    for command in [asked] if asked else [*names, *map(str, homes), sys.executable]:
        path = shutil.which(command)
        test = f"import sys, ensurepip; sys.exit(sys.version_info[:2] < {least!r})"
        if path and not subprocess.run([path, "-c", test], capture_output=True).returncode:
            return path
    wanted = ".".join(map(str, least))
    raise Unsupported(
        f"Django {django} needs Python {wanted} or newer, and there is none: install one, or name "
        f'it: make sites ARGS="--python /path/to/python{wanted}"'
    )


def prepared(django: str, version: str, name: str, pins: Sequence[str], python: str) -> Path:
    """The Python of an environment with this Django and these packages. Raises Unsupported."""
    home = HOME / django / name
    requirements = [f"django=={version}", *pins, *_library()]
    wanted = hashlib.sha256("\n".join([python, *requirements]).encode()).hexdigest()
    stamp = home / ".sites-stamp"
    interpreter = home / "bin" / "python"
    if stamp.exists() and stamp.read_text() == wanted:
        return interpreter
    stamp.unlink(missing_ok=True)
    base = HOME / django / ".base"
    if name != base.name:
        # What all of them have is compiled once.
        prepared(django, version, base.name, (), python)
    _uv("venv", "--quiet", "--clear", "--python", python, str(home))
    if name != base.name:
        [packages] = base.glob("lib/python*/site-packages")
        shutil.copytree(
            packages, home / packages.relative_to(base), dirs_exist_ok=True, copy_function=os.link
        )
    compiled = ["--compile-bytecode"] if name == base.name else []
    _uv("pip", "install", "--quiet", "--python", str(interpreter), *compiled, *requirements)
    stamp.write_text(wanted)
    return interpreter


def _library() -> list[str]:
    lines = (ROOT / "app" / "requirements.txt").read_text().splitlines()
    pins = {line.partition("==")[0]: line for line in lines if "==" in line}
    # Some packages import `packaging` or `pkg_resources` (setuptools, until version 80) and say so
    # nowhere.
    return [*(pins[name] for name in _LIBRARY), *_ANY_VERSION, "packaging", "setuptools<80"]


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "UV_HTTP_TIMEOUT": "180"},
    )
    if done.returncode:
        raise Unsupported(_reason(done.stderr))


def _reason(said: str) -> str:
    """uv's own words on one line, without its drawing."""
    text = " ".join(re.sub(r"[^\x20-\x7e\n]", " ", said).split())
    text = text.removeprefix("x ").removeprefix("No solution found when resolving dependencies: ")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
