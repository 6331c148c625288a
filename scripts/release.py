"""`make release`: the site of a commit as one file, which a host installs and runs."""

from __future__ import annotations

import argparse
import hashlib
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from scripts import process, setup
from scripts.console import say, step
from scripts.git import check_out, git
from scripts.paths import ROOT, VENV_PYTHON, shown
from scripts.process import report_failure

# The file that names the release: its commit, which /healthz shows.
NAME_FILE = "RELEASE"
OUTPUT = ROOT / "dist" / "release.zip"
_LOCK = "requirements-locked.txt"
# What the site does with its storage; app/requirements.txt says what each is for.
_EXTRAS = "csp,identity,uploads"
# Files of app/ that the release's requirements.txt replaces.
_REPLACED = {"requirements.txt", "constraints.txt", _LOCK}
# What hatchling reads besides the library.
_BUILD_FILES = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make release")
    parser.add_argument("--commit", default="HEAD", help="default: the last one")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    setup.ensure()
    with step("Release") as current:
        commit = build(options.commit, options.output)
        current.text += f" of commit {commit[:12]} in {shown(options.output.absolute())}"
    if changes():
        say("  Changes that are not committed are not part of it.")
    return 0


def changes() -> str:
    """The files of a release that differ from the last commit, as git lists them."""
    return git("status", "--porcelain", "--", "app", "src", "pyproject.toml")


def build(commit: str, output: Path) -> str:
    """Write the release of `commit` to `output`; its full id. The same commit gives the same bytes.

    The archive holds the folder app/ at its root, the library's wheel, and requirements.txt with
    the hashes of all that is to be installed. Raises Problem.
    """
    full = git("rev-parse", "--verify", f"{commit}^{{commit}}")
    moment = int(git("show", "--no-patch", "--format=%ct", full))
    with tempfile.TemporaryDirectory(prefix="release-") as name:
        folder = Path(name)
        check_out(full, folder, "app", "src", *_BUILD_FILES)
        wheel = _wheel(folder, moment)
        files = dict(sorted(_files(folder / "app", wheel, full)))
        new = output.with_name(f"{output.name}.new")
        output.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(new, "w") as archive:
            for path, (content, executable) in files.items():
                archive.writestr(_entry(path, executable, moment), content)
        new.replace(output)
    return full


def _wheel(folder: Path, moment: int) -> Path:
    """The library's wheel, built from the commit. Raises Problem."""
    hatchling = (VENV_PYTHON, "-m", "hatchling", "build", "--target", "wheel")
    environment = process.clean_environment({"SOURCE_DATE_EPOCH": str(moment)})
    with report_failure("Building the library's wheel"):
        process.run(hatchling, "release", env=environment, cwd=folder)
    [wheel] = folder.glob("dist/*.whl")
    return wheel


def _files(app: Path, wheel: Path, commit: str) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    """Each file of the release by its path: its bytes, and whether it may be executed."""
    lock = (app / _LOCK).read_text(encoding="utf-8")
    for path in app.rglob("*"):
        name = path.relative_to(app).as_posix()
        if path.is_file() and name not in _REPLACED:
            yield name, (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
    content = wheel.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    # pip finds the wheel relative to the folder that it is started in, the root of the release.
    library = f"./wheels/{wheel.name}[{_EXTRAS}] --hash=sha256:{digest}\n"
    yield f"wheels/{wheel.name}", (content, False)
    yield "requirements.txt", (f"{lock}{library}".encode(), False)
    yield NAME_FILE, (f"{commit}\n".encode(), False)


def _entry(path: str, executable: bool, moment: int) -> zipfile.ZipInfo:
    """Everything about a file that would differ between two machines is fixed. The archive is not
    compressed, as the result would depend on the machine's zlib."""
    info = zipfile.ZipInfo(path, time.gmtime(moment)[:6])
    info.create_system = 3  # Unix, whose permissions follow
    info.external_attr = (0o100755 if executable else 0o100644) << 16
    return info
