"""A release, installed into an empty environment and driven as visitors use it.

It is started with the command and the settings that the stack declares for App Service.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page

from scripts import release
from scripts.console import Problem
from tests.browser.conftest import chromium
from tests.browser.test_site import painted
from tests.conftest import ROOT
from tests.hosting.conftest import PATIENCE_SECONDS, Hosted, hosted
from tests.infra.declared import Declared
from tests.package.conftest import run, uv
from tests.site import PASSWORD, USER, inherited

# The host's name, as the stack's mocks generate it.
SITE = "django-app.azurewebsites.net"
SECRETS = {
    "databaseUrl": "postgres://user:password@db.example.com:5432/site",
    "secretKey": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
}
VISITORS = 200
LOAD_SECONDS = 30
MAPPED = f"--host-resolver-rules=MAP {SITE} 127.0.0.1"


@dataclass(frozen=True)
class Installed:
    """A release unpacked in `app`, and the Python with its packages."""

    app: Path
    python: Path


@dataclass(frozen=True)
class AppService:
    """What the stack declares: the command, and the settings as App Service resolves them."""

    command: list[str]
    settings: dict[str, str]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("release") / "release.zip"
    release.build("HEAD", path)
    return path


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    app = tmp_path_factory.mktemp("app")
    with zipfile.ZipFile(archive) as content:
        content.extractall(app)
    venv = tmp_path_factory.mktemp("venv")
    python = venv / "bin" / "python"
    uv("venv", "--quiet", "--clear", "--python", sys.executable, venv)
    uv(
        *("pip", "install", "--quiet", "--python", python),
        *("--require-hashes", "-r", "requirements.txt"),
        cwd=app,
    )
    return Installed(app, python)


@pytest.fixture(scope="module")
def app_service() -> AppService:
    declared = Declared(host="appService", **SECRETS)
    (app,) = declared.inputs("azure-native:web:WebApp")
    (found,) = declared.inputs("azure-native:web:WebAppApplicationSettings")
    secrets = {
        each["secretName"]: each["properties"]["value"]["value"]
        for each in declared.inputs("azure-native:keyvault:Secret")
    }

    def resolved(value: str) -> str:
        reference = re.fullmatch(
            r"@Microsoft\.KeyVault\(SecretUri=https://\S+/secrets/([\w-]+)/\w+\)", value
        )
        return secrets[reference[1]] if reference else value

    settings = {name: resolved(value) for name, value in found["properties"].items()}
    return AppService(shlex.split(app["siteConfig"]["appCommandLine"]), settings)


def test_the_stack_hands_the_site_its_contract_and_the_secrets(
    app_service: AppService, azure_env: dict[str, str]
) -> None:
    settings = app_service.settings
    assert {name for name in settings if name.startswith("AZURE_")} == set(azure_env)
    assert settings["DATABASE_URL"] == SECRETS["databaseUrl"]
    assert settings["DJANGO_SECRET_KEY"] == SECRETS["secretKey"]
    assert not [value for value in settings.values() if value.startswith("@")]


@pytest.fixture(scope="module")
def site(
    installed: Installed,
    app_service: AppService,
    azure_env: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Hosted]:
    folder = tmp_path_factory.mktemp("hosted")
    # Azurite's addresses and a database of this machine in the place of Azure's.
    elsewhere = azure_env | {"DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}"}
    for name in ("AZURE_MEDIA_ACCESS", "AZURE_DIRECT_UPLOAD"):
        elsewhere[name] = app_service.settings[name]
    environment = {
        **inherited(),
        **app_service.settings,
        **elsewhere,
        # App Service activates the environment that it installed the release into.
        "PATH": f"{installed.python.parent}{os.pathsep}{os.environ['PATH']}",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        "PYTHONUNBUFFERED": "1",
    }
    for command in (
        ["migrate", "--noinput"],
        ["createsuperuser", "--noinput", f"--username={USER}", "--email=admin@example.com"],
        ["collectstatic", "--noinput"],
    ):
        done = run([installed.python, "manage.py", *command], cwd=installed.app, **environment)
        assert done.returncode == 0, done.stderr
    with hosted(app_service.command, installed.app, environment, folder, SITE) as running:
        yield running


@pytest.fixture
def page(site: Hosted) -> Iterator[Page]:
    with chromium(MAPPED) as running:
        context = running.new_context(ignore_https_errors=True)
        context.set_default_timeout(15_000)
        yield context.new_page()


def test_the_same_commit_gives_the_same_bytes_elsewhere(archive: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    (clone / "app" / ".env").write_text("AZURE_ACCOUNT_KEY=c2VjcmV0\n")
    (clone / "app" / "backend" / "urls.py").write_text("# a change that is not committed\n")
    code = (
        "import os, pathlib, sys; os.umask(0o077); from scripts import release; "
        "release.build('HEAD', pathlib.Path(sys.argv[1]))"
    )
    other = tmp_path / "other.zip"
    done = run(
        [sys.executable, "-c", code, other], cwd=clone, PYTHONPATH=str(clone), TZ="Asia/Tokyo"
    )
    assert done.returncode == 0, done.stderr
    assert other.read_bytes() == archive.read_bytes()


def test_it_holds_the_site_and_nothing_of_the_stack(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        lines = content.read("requirements.txt").decode().splitlines()
        modes = {stat.S_IMODE(info.external_attr >> 16) for info in content.infolist()}
    assert {"manage.py", "gunicorn.conf.py", "backend/wsgi.py", "RELEASE"} <= set(names)
    assert {name.partition("/")[0] for name in names if "/" in name} == {
        "backend",
        "gallery",
        "wheels",
    }
    assert not [name for name in names if ".env" in name or "sqlite" in name]
    assert modes <= {0o644, 0o755}
    assert not [line for line in lines if line.startswith(("pulumi", "pytest", "-e", "-c"))]
    pinned = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert all("==" in line or "--hash=" in line for line in pinned)


def test_an_unknown_commit_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="git rev-parse failed"):
        release.build("no-such-commit", tmp_path / "release.zip")
    assert list(tmp_path.iterdir()) == []


def test_the_installed_release_has_only_what_it_pins(installed: Installed) -> None:
    found = uv("pip", "freeze", "--python", installed.python)
    assert "django-azure-blob" in found
    assert "pulumi" not in found
    checked = uv("pip", "check", "--python", installed.python)
    assert "Traceback" not in checked


def test_an_administrator_uploads_directly_and_through_django_and_sees_private_pictures(
    site: Hosted, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{site.origin}/admin/login/?next=/")
    header = page.locator("#header").evaluate("node => getComputedStyle(node).backgroundColor")
    assert header not in {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}
    page.fill("#id_username", USER)
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_url(f"{site.origin}/")

    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    page.set_input_files("#id_image", painted(tmp_path, "direct.png", "#6d6fb5", "#2b2f5b"))
    page.fill("#id_title", "Sent by the browser")
    page.get_by_role("button", name="Upload", exact=True).click()
    picture = page.locator('img[alt="Sent by the browser"]')
    picture.wait_for()
    blobs = site.environment["AZURE_BLOB_ENDPOINT"]
    assert [request for request in sent if request.startswith(f"PUT {blobs}")]

    page.goto(f"{site.origin}/admin/gallery/picture/add/")
    page.fill("#id_title", "Sent to Django")
    page.set_input_files("input[type=file]", painted(tmp_path, "django.png", "#9fd3f0", "#4f8f4a"))
    page.click("input[name=_save]")
    page.wait_for_url(f"{site.origin}/admin/gallery/picture/")
    response = page.goto(f"{site.origin}/")
    assert response is not None
    assert response.header_value("cache-control") == "private, no-store"
    page.wait_for_function(
        "() => document.images.length > 2 && "
        "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
    for title in ("Sent by the browser", "Sent to Django"):
        source = page.locator(f'img[alt="{title}"]').get_attribute("src") or ""
        assert source.startswith(blobs) and "sig=" in source
    assert "sig=" not in site.logged()


def test_the_platforms_probe_is_answered_by_address_and_with_the_release(
    site: Hosted, installed: Installed
) -> None:
    answer = requests.get(f"{site.upstream}/healthz", headers={"Host": "169.254.130.4"}, timeout=9)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["release"] == (installed.app / "RELEASE").read_text().strip()


@pytest.mark.endurance
def test_two_hundred_visitors_for_half_a_minute_see_no_error(site: Hosted) -> None:
    end = time.monotonic() + LOAD_SECONDS
    wrong: list[str] = []
    counted = [0] * VISITORS

    def visit(number: int) -> None:
        while time.monotonic() < end:
            try:
                answer = site.get(("/", "/admin/login/", "/healthz")[number % 3])
                if answer.status_code != 200:
                    wrong.append(f"status {answer.status_code}")
            except requests.RequestException as error:
                wrong.append(repr(error))
            counted[number] += 1
            time.sleep(0.5)  # a visitor reads

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(LOAD_SECONDS + PATIENCE_SECONDS)
    assert wrong == []
    assert min(counted) > 0
    print(f"{sum(counted)} requests in {LOAD_SECONDS} s")
