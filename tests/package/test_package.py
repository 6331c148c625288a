"""The library as other projects install it: a wheel in a new environment."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import tomllib
import urllib.request
import zipfile
from email.parser import HeaderParser
from itertools import chain
from pathlib import Path

import pytest

from tests.package.conftest import HERE, ROOT, MakeVenv, run, uv

PAGE = (ROOT / "docs" / "library.md").read_text()
# What the tests need and readers of the page do not.
_TESTS_OWN = 'ALLOWED_HOSTS = ["testserver"]\nDEBUG = False\n'


def start_project(python: Path, root: Path) -> Path:
    """Run `django-admin startproject`; the path of the settings module."""
    done = run([python, "-m", "django", "startproject", "shop", root], cwd=root)
    assert done.returncode == 0, done.stderr
    settings = root / "shop" / "settings.py"
    settings.write_text(settings.read_text() + _TESTS_OWN)
    return settings


def blocks(language: str) -> list[str]:
    """The page's blocks of code in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def follow_the_page(python: Path, root: Path, account: dict[str, str]) -> dict[str, str]:
    """Create a project in `root` as the page describes it, and return what each of the page's
    commands printed."""
    settings = start_project(python, root)
    (root / "letters").mkdir()
    (root / "letters" / "__init__.py").touch()
    (root / "uploads" / "scans").mkdir(parents=True)
    (root / "uploads" / "scans" / "old.txt").write_text("moved")
    for block in blocks("python"):
        name = block.partition("\n")[0].removeprefix("# ")
        file = settings if name == "settings.py" else root / name
        with file.open("a") as code:
            code.write(block)
    printed = {}
    for line in "".join(blocks("sh")).splitlines():
        if not line.startswith("pip install"):
            words = shlex.split(line)
            assert words[:2] == ["python", "manage.py"]
            printed[" ".join(words[2:])] = manage(python, root, account, *words[2:])
    return printed


@pytest.fixture(scope="module")
def ready(
    full: Path, account: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """A project as the page describes it, and what each of the page's commands printed."""
    root = tmp_path_factory.mktemp("shop")
    return root, follow_the_page(full, root, account)


def manage(python: Path, project: Path, account: dict[str, str], *arguments: str) -> str:
    done = run([python, "-W", "error", "manage.py", *arguments], cwd=project, **account)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_wheel_has_the_library_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        [metadata] = [name for name in names if name.endswith("/METADATA")]
        headers = HeaderParser().parsestr(file.read(metadata).decode())
    assert {name.partition("/")[0] for name in names} == {
        "azureblob",
        f"django_azure_blob-{headers['Version']}.dist-info",
    }
    for part in ("py.typed", "storage.py", "management/commands/collectstatic.py"):
        assert f"azureblob/{part}" in names
    own = {
        f"azureblob/{path.relative_to(ROOT / 'src' / 'azureblob')}"
        for path in (ROOT / "src" / "azureblob").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.startswith("azureblob/")} == own
    assert headers["Name"] == "django-azure-blob"
    assert set(headers.get_all("Provides-Extra", [])) == {"csp", "identity", "svg", "uploads"}
    classifiers = headers.get_all("Classifier", [])
    for version in ("5.2", "6.0", "6.1"):
        assert f"Framework :: Django :: {version}" in classifiers


def test_the_pins_of_the_site_are_those_of_everything() -> None:
    site, everything = (
        set((ROOT / folder / "constraints.txt").read_text().splitlines()) for folder in ("app", "")
    )
    assert len(site) > 20
    assert site <= everything


def test_without_extras_it_publishes_and_names_the_extras_that_are_missing(
    bare: Path, account: dict[str, str], tmp_path: Path
) -> None:
    settings = start_project(bare, tmp_path)
    # The page up to static files.
    for block in blocks("python")[:3]:
        settings.write_text(settings.read_text() + block)
    done = run([bare, "manage.py", "check"], cwd=tmp_path, **account)
    assert "azureblob.E016" in done.stderr
    assert "pip install 'django-azure-blob[uploads]'" in done.stderr
    off = 'STORAGES["default"]["OPTIONS"]["check_content"] = False\n'
    settings.write_text(settings.read_text() + off)
    assert "no issues" in manage(bare, tmp_path, account, "check")
    manage(bare, tmp_path, account, "collectstatic", "--noinput")
    for module, extra in {
        "azureblob.uploads.fields": "uploads",
        "azureblob.direct.forms": "uploads",
    }.items():
        done = run([bare, "-c", f"import {module}"], cwd=tmp_path)
        assert done.stderr.rstrip().endswith(f"pip install 'django-azure-blob[{extra}]'")
    done = run(
        [bare, "-c", "from azureblob.credentials import default_credential as a; a()"], cwd=tmp_path
    )
    assert done.stderr.rstrip().endswith("pip install 'django-azure-blob[identity]'")


def test_every_command_of_the_page_works_in_a_new_project(
    ready: tuple[Path, dict[str, str]], full: Path, account: dict[str, str]
) -> None:
    project, printed = ready
    assert "no issues" in printed["check"]
    assert " static files copied" in printed["collectstatic --noinput"]
    assert "1 file" in printed["migratemedia uploads"]
    assert "0 failed" in printed["doctor"]
    assert "0 static files copied" in manage(full, project, account, "collectstatic", "--noinput")
    manage(full, project, account, "prunestatic")
    manage(full, project, account, "purgequarantine")


def test_a_new_project_links_what_it_published(
    ready: tuple[Path, dict[str, str]], full: Path, account: dict[str, str]
) -> None:
    script = "from django.templatetags.static import static; print(static('admin/css/base.css'))"
    url = manage(full, ready[0], account, "shell", "--verbosity", "0", "-c", script).strip()
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"


def check_uploads(python: Path, project: Path, account: dict[str, str]) -> None:
    """Upload through a checked field, a file that it refuses, and straight to the account."""
    done = run([python, HERE / "visitor.py"], cwd=project, **account)
    assert done.returncode == 0, done.stderr
    script, through_django, refused, direct = done.stdout.split()[-4:]
    assert (script, refused) == ("direct.js", "refused")
    for url in (through_django, direct):
        assert "sig=" in url
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.headers["Content-Type"] == "image/png"


def test_a_checked_field_and_a_direct_upload_work_in_a_new_project(
    ready: tuple[Path, dict[str, str]], full: Path, account: dict[str, str]
) -> None:
    check_uploads(full, ready[0], account)


@pytest.mark.endurance
@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="the lowest versions are for the lowest Python, 3.11"
)
def test_the_lowest_version_of_every_dependency_is_enough(
    make_venv: MakeVenv, wheel: Path, account: dict[str, str], tmp_path: Path
) -> None:
    """Those that pyproject.toml allows, on Django 5.2; their own dependencies are the newest."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = [*declared["dependencies"], *chain(*declared["optional-dependencies"].values())]
    python = make_venv("--resolution", "lowest-direct", *ranges, pins=False)
    uv("pip", "install", "--quiet", "--no-deps", "--python", python, wheel)
    installed = uv("pip", "freeze", "--python", python).splitlines()
    assert "django==5.2" in installed
    for name, version in re.findall(r"^([a-z-]+)>=([0-9.]+)", "\n".join(ranges), re.M):
        assert any(line.startswith(f"{name}=={version}") for line in installed), name
    printed = follow_the_page(python, tmp_path, account)
    assert "no issues" in printed["check"]
    assert "0 failed" in printed["doctor"]
    manage(python, tmp_path, account, "prunestatic")
    check_uploads(python, tmp_path, account)


def test_it_is_installed_from_a_git_address(make_venv: MakeVenv, tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this folder is not a git clone")
    python = make_venv(f"django-azure-blob[uploads,identity] @ git+{ROOT.as_uri()}")
    done = run([python, "-c", "import azureblob.uploads as u; print(u.__file__)"], cwd=tmp_path)
    assert str(ROOT) not in done.stdout
    assert done.returncode == 0, done.stderr


def test_a_server_needs_the_folder_app_and_the_wheel(
    make_venv: MakeVenv, wheel: Path, account: dict[str, str], tmp_path: Path
) -> None:
    app = tmp_path / "app"
    ignored = shutil.ignore_patterns(".env", "*.sqlite3*", "__pycache__")
    shutil.copytree(ROOT / "app", app, ignore=ignored)
    python = make_venv("--find-links", wheel.parent, "-r", app / "requirements.txt", pins=False)
    environment = {
        **account,
        "DJANGO_SECRET_KEY": "x" * 60,
        "DJANGO_ALLOWED_HOSTS": "testserver",
        "AZURE_STATIC_CONTAINER": "static",
        "AZURE_MEDIA_CONTAINER": "media",
        "AZURE_QUARANTINE_CONTAINER": "quarantine",
        "AZURE_MEDIA_ACCESS": "public",
        "AZURE_DIRECT_UPLOAD": "true",
    }
    assert "no issues" in manage(python, app, environment, "check")
