"""A clone of what `make` needs, with an installer and a Node that only write down their calls."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
UV_VERSION = (ROOT / "scripts" / "uv.txt").read_text().partition("==")[2].split()[0]

FAKE_UV = """\
import os, pathlib, sys
calls = pathlib.Path(os.environ["FAKE_CALLS"])
with calls.open("a") as file:
    file.write("uv " + " ".join(pathlib.Path(a).name for a in sys.argv[1:]) + "\\n")
if os.environ.get("FAKE_UV_SAYS"):
    sys.exit(os.environ["FAKE_UV_SAYS"])
"""
FAKE_NPM = """\
#!/bin/sh
[ "$1" = --version ] && { echo 10.0.0; exit; }
echo "npm $1" >> "$FAKE_CALLS"
[ -z "$FAKE_NPM_SAYS" ] || { echo "$FAKE_NPM_SAYS" >&2; exit 1; }
grep -o '"node_modules/[^"]*": {' package-lock.json | cut -d'"' -f2 > "$FAKE_CALLS.packages"
xargs mkdir -p < "$FAKE_CALLS.packages"
sed 's|$|/package.json|' "$FAKE_CALLS.packages" | xargs touch
mkdir -p node_modules/azurite/dist/src/blob
: > node_modules/azurite/dist/src/blob/main.js
"""
# Run instead of Python's own module, as it is in the working directory. To install pip takes long.
FAKE_VENV = """\
import shutil, sys
shutil.rmtree(sys.argv[-1], ignore_errors=True)
shutil.copytree({fresh_venv!r}, sys.argv[-1], symlinks=True)
"""
FAKE_NODE = """\
#!/bin/sh
echo "${FAKE_NODE_VERSION:-v20.1.0}"
"""


@dataclass
class Result:
    """What a finished command said: its exit status and its outputs."""

    status: int
    out: str
    err: str


@dataclass
class Clone:
    """A folder that holds a copy of the project's scripts, and the environment to run them in."""

    root: Path
    env: dict[str, str]

    def make(self, *arguments: str, **env: str) -> Result:
        return run(["make", *arguments, f"PYTHON={sys.executable}"], self.root, {**self.env, **env})

    def calls(self) -> list[str]:
        """The installer's and npm's calls since the last question."""
        file = Path(self.env["FAKE_CALLS"])
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines


def run(command: list[str], cwd: Path, env: dict[str, str], seconds: float = 90) -> Result:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def bare_environment(**extra: str) -> dict[str, str]:
    """This environment without what makes the scripts look elsewhere."""
    prefixes = ("PIP_", "UV_", "LOCALAZURE_", "DJANGO_", "AZURE_", "PULUMI_", "MAKE", "MFLAGS")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(prefixes)}
    return {**kept, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", **extra}


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture(scope="session")
def fresh_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pip and nothing else. pip is a link in it, and so in every copy:
    to unpack it, and to copy its many files for each test, took longer than the tests did."""
    folder = tmp_path_factory.mktemp("venv")
    path = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    (packages,) = path.glob("lib/python3*/site-packages")
    pip = distribution("pip")
    for name in ("pip", f"pip-{pip.version}.dist-info"):
        shutil.copytree(str(pip.locate_file(name)), folder / name)
        (packages / name).symlink_to(folder / name)
    return path


@pytest.fixture
def clone(tmp_path: Path, fresh_venv: Path) -> Clone:
    return make_clone(tmp_path, fresh_venv)


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory, fresh_venv: Path) -> Path:
    """The folder of a clone in which `make setup` has run."""
    folder = tmp_path_factory.mktemp("complete")
    clone = make_clone(folder, fresh_venv)
    assert clone.make("setup").status == 0
    clone.calls()
    return folder


@pytest.fixture
def ready(tmp_path: Path, complete: Path) -> Clone:
    """A clone in which `make setup` has run. To copy one is faster than to run it again."""
    shutil.copytree(complete, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Clone(tmp_path / "my clone", environment_of(tmp_path))


def make_clone(folder: Path, fresh_venv: Path) -> Clone:
    """Its name has a space in it: so may a user's."""
    root = folder / "my clone"
    shutil.copytree(fresh_venv, root / ".venv", symlinks=True)
    for part in ("scripts", "localazure/node"):
        ignored = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / part, root / part, ignore=ignored)
    (root / "app").mkdir()
    pins = ("pyproject.toml", "requirements-locked.txt", "requirements-dev-locked.txt")
    for part in ("Makefile", "Pulumi.local.yaml", *pins):
        shutil.copyfile(ROOT / part, root / part)
    wheels, programs = folder / "wheels", folder / "programs"
    wheels.mkdir()
    programs.mkdir()
    digest = hashlib.sha256(_fake_uv_wheel(wheels).read_bytes()).hexdigest()
    (root / "scripts/uv.txt").write_text(f"uv=={UV_VERSION} --hash=sha256:{digest}\n")
    script(programs / "npm", FAKE_NPM)
    script(programs / "node", FAKE_NODE)
    return Clone(root, environment_of(folder))


def fake_venv(clone: Clone, fresh_venv: Path) -> None:
    (clone.root / "venv.py").write_text(FAKE_VENV.format(fresh_venv=str(fresh_venv)))


def environment_of(folder: Path) -> dict[str, str]:
    return bare_environment(
        PATH=f"{folder / 'programs'}:/usr/bin:/bin",
        FAKE_CALLS=str(folder / "calls"),
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=(folder / "wheels").as_uri(),
    )


def _fake_uv_wheel(folder: Path) -> Path:
    info = f"uv-{UV_VERSION}.dist-info"
    path = folder / f"uv-{UV_VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("uv/__init__.py", "")
        wheel.writestr("uv/__main__.py", FAKE_UV)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {UV_VERSION}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path
