"""The library as other projects have it: a wheel in an environment of its own."""

from __future__ import annotations

import shutil
import urllib.request
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.package.conftest import HERE, ROOT, MakeVenv, run

PROJECT = HERE / "project"


@pytest.fixture(scope="module")
def shop(full: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `django-admin startproject` makes, with an app and the settings of the documentation."""
    root = tmp_path_factory.mktemp("shop")
    done = run([full, "-m", "django", "startproject", "shop", root], cwd=root)
    assert done.returncode == 0, done.stderr
    with (root / "shop" / "settings.py").open("a") as settings:
        settings.write((PROJECT / "settings_end.py").read_text())
    shutil.copytree(PROJECT / "letters", root / "letters")
    return root


@pytest.fixture(scope="module")
def ready(shop: Path, full: Path, account: dict[str, str]) -> Path:
    """The project with its database and its static files published."""
    manage(full, shop, account, "makemigrations", "letters")
    manage(full, shop, account, "migrate")
    assert "static files copied" in manage(full, shop, account, "collectstatic", "--noinput")
    return shop


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


def test_without_extras_it_publishes_and_names_the_extra_that_a_part_needs(
    bare: Path, account: dict[str, str], tmp_path: Path
) -> None:
    run([bare, "-m", "django", "startproject", "shop", tmp_path], cwd=tmp_path)
    end = (PROJECT / "settings_end.py").read_text().replace(', "letters"', "")
    with (tmp_path / "shop" / "settings.py").open("a") as settings:
        settings.write(end.replace("letters.urls", "shop.urls"))
    done = run([bare, "manage.py", "check"], cwd=tmp_path, **account)
    assert "azureblob.E016" in done.stderr
    assert "pip install 'django-azure-blob[uploads]'" in done.stderr
    with (tmp_path / "shop" / "settings.py").open("a") as settings:
        settings.write('\nSTORAGES["default"]["OPTIONS"]["check_content"] = False\n')
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


def test_a_new_project_publishes_and_prunes(
    ready: Path, full: Path, account: dict[str, str]
) -> None:
    assert "0 static files copied" in manage(full, ready, account, "collectstatic", "--noinput")
    manage(full, ready, account, "prunestatic")
    script = "from django.templatetags.static import static; print(static('admin/css/base.css'))"
    url = manage(full, ready, account, "shell", "--no-imports", "-c", script).strip()
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"


def test_a_new_project_is_examined(ready: Path, full: Path, account: dict[str, str]) -> None:
    assert "no issues" in manage(full, ready, account, "check")
    done = run([full, "manage.py", "doctor"], cwd=ready, **account)
    assert "Traceback" not in done.stderr
    assert "admin/css" in done.stdout or "static" in done.stdout


def test_a_new_project_moves_its_media_and_purges_its_quarantine(
    ready: Path, full: Path, account: dict[str, str]
) -> None:
    old = ready / "uploads" / "scans"
    old.mkdir(parents=True, exist_ok=True)
    (old / "old.txt").write_text("moved")
    manage(full, ready, account, "migratemedia", str(ready / "uploads"))
    manage(full, ready, account, "migratemedia", str(ready / "uploads"), "--verify")
    with urllib.request.urlopen(
        f"{account['AZURE_BLOB_ENDPOINT']}media/scans/old.txt", timeout=30
    ) as answer:
        assert answer.read() == b"moved"
    manage(full, ready, account, "purgequarantine")


def test_a_checked_field_and_a_direct_upload_work_in_a_new_project(
    ready: Path, full: Path, account: dict[str, str]
) -> None:
    done = run([full, PROJECT / "tried.py"], cwd=ready, **account)
    assert done.returncode == 0, done.stderr
    script, through_django, refused, direct = done.stdout.split()[-4:]
    assert (script, refused) == ("direct.js", "refused")
    for url in (through_django, direct):
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.headers["Content-Type"] == "image/png"


def test_it_is_installed_from_a_git_address(make_venv: MakeVenv, tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this folder is no git clone")
    python = make_venv(f"django-azure-blob[uploads,identity] @ git+{ROOT.as_uri()}")
    done = run(
        [python, "-c", "import azureblob.uploads.fields as f; print(f.__file__)"], cwd=tmp_path
    )
    # A field's module may be imported before Django is set up, and is no part of this folder.
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
