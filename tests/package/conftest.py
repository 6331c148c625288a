"""The wheel, installed into environments that contain nothing of this repository."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import django
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient, CorsRule, PublicAccess

from localazure.azurite import Azurite
from scripts.packages import uv_settings
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
ACCOUNT = "installed"
ORIGIN = "https://testserver"

MakeVenv = Callable[..., Path]


def run(command: list[str | Path], *, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command without the paths and settings of this process."""
    names = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "UV_CACHE_DIR")
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**inherited, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def uv(*arguments: str | Path, cwd: Path = ROOT) -> str:
    done = run([sys.executable, "-m", "uv", *arguments], cwd=cwd, **uv_settings())
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # hatchling is installed already, so nothing is downloaded.
    uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site's pins, with the Django that the tests run on."""
    pins = (ROOT / "app" / "constraints.txt").read_text().splitlines()
    lines = [pin for pin in pins if not pin.startswith("django==")]
    file = tmp_path_factory.mktemp("pins") / "constraints.txt"
    file.write_text("\n".join([*lines, f"django=={django.__version__}", ""]))
    return file


@pytest.fixture(scope="session")
def make_venv(tmp_path_factory: pytest.TempPathFactory, constraints: Path) -> MakeVenv:
    def make(*requirements: str | Path, pins: bool = True) -> Path:
        """The Python of a new environment with these packages."""
        home = tmp_path_factory.mktemp("venv")
        uv("venv", "--quiet", "--clear", "--python", sys.executable, home)
        python = home / "bin" / "python"
        given: list[str | Path] = ["-c", constraints] if pins else []
        uv("pip", "install", "--quiet", "--python", python, *given, *requirements, cwd=home)
        return python

    return make


@pytest.fixture(scope="session")
def bare(make_venv: MakeVenv, wheel: Path) -> Path:
    """A Python with the library and without extras."""
    return make_venv(wheel)


@pytest.fixture(scope="session")
def full(make_venv: MakeVenv, wheel: Path) -> Path:
    """A Python with the library and the extras of uploads and identities."""
    return make_venv(f"django-azure-blob[uploads,identity] @ {wheel.as_uri()}")


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of an account in Azurite, as environment variables of a site."""
    key = b64encode(secrets.token_bytes(64)).decode()
    service = Azurite(tmp_path_factory.mktemp("azurite"), free_port())
    service.serve_accounts({ACCOUNT: (key,)})
    service.start()
    endpoint = f"http://127.0.0.1:{service.port}/{ACCOUNT}"
    with BlobServiceClient(endpoint, credential=AzureNamedKeyCredential(ACCOUNT, key)) as client:
        client.create_container("static", public_access=PublicAccess.BLOB)
        client.create_container("media")
        client.create_container("quarantine")
        client.set_service_properties(
            cors=[CorsRule([ORIGIN], ["GET", "PUT"], allowed_headers=["*"], exposed_headers=["*"])]
        )
    yield {
        "AZURE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_ACCOUNT_KEY": key,
        "AZURE_BLOB_ENDPOINT": f"{endpoint}/",
        "AZURE_CUSTOM_DOMAIN": endpoint.removeprefix("http://"),
    }
    service.stop()
