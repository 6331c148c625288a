"""`make rotate` on a copy of the project, under a site that is asked all the while."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from localazure.azurite import Azurite
from localazure.control_plane import ControlPlane
from scripts import engine, rotate
from scripts.console import Problem
from scripts.rotate import active_key
from scripts.stack_file import with_setting
from tests.conftest import free_port
from tests.scripts.conftest import ROOT, Result, bare_environment, run

PARTS = (
    "scripts",
    "infra",
    "review",
    "app",
    "__main__.py",
    "Makefile",
    "constraints.txt",
    "pyproject.toml",
)
PNG = (ROOT / "docs" / "images" / "gallery-1280.png").read_bytes()


class Desk:
    """The copy, its stack `local` with private media, and one site process after another."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.root.mkdir()
        hidden = shutil.ignore_patterns("__pycache__", "node_modules", ".env", "db.sqlite3")
        for part in (*PARTS, *(file.name for file in ROOT.glob("Pulumi*.yaml"))):
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, self.root / part, ignore=hidden)
            else:
                shutil.copy(source, self.root / part)
        for file in ROOT.glob("requirements*.txt"):
            shutil.copy(file, self.root / file.name)
        for link in (".venv", "localazure"):
            (self.root / link).symlink_to(ROOT / link)
        settings = self.root / "Pulumi.local.yaml"
        settings.write_text(
            settings.read_text().replace("mediaAccess: public", "mediaAccess: private")
        )
        self.azurite = Azurite(folder / "home", free_port())
        self.azurite.state_dir.mkdir(mode=0o700)
        self.env_file = folder / "site.env"
        self.env = bare_environment(
            PATH="/usr/bin:/bin",
            LOCALAZURE_HOME=str(self.azurite.state_dir),
            LOCALAZURE_BLOB_PORT=str(self.azurite.port),
            DJANGO_ENV_FILE=str(self.env_file),
            DATABASE_URL=f"sqlite:///{folder / 'db.sqlite3'}",
        )
        self.port = 0
        self.site: subprocess.Popen[bytes] | None = None

    def call(self, *command: str) -> Result:
        done = run([sys.executable, *command], self.root, self.env, seconds=120)
        assert done.status == 0, done.out + done.err
        return done

    def rotate(self, *arguments: str) -> Result:
        command = [sys.executable, "scripts/run.py", "rotate", *arguments]
        return run(command, self.root, self.env, seconds=120)

    def keys(self) -> dict[str, str]:
        found: dict[str, str] = ControlPlane(self.azurite).load()["accounts"][
            "djangoaccountstorage"
        ]["keys"]
        return dict(found)

    def hand_over(self) -> None:
        """Start a process with the present environment, send everybody there, end the old one."""
        old, port = self.site, free_port()
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        self.site = subprocess.Popen(
            command,
            cwd=self.root / "app",
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(300):
            try:
                if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.05)
        else:
            raise AssertionError("the site does not start")
        self.port = port
        time.sleep(1.5)  # what was asked of the old one is answered by then
        self.end(old)

    @staticmethod
    def end(site: subprocess.Popen[bytes] | None) -> None:
        if site is not None:
            site.terminate()
            site.wait(10)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.azurite.start()
    try:
        yield desk
    finally:
        desk.end(desk.site)
        desk.azurite.stop()


@pytest.fixture
def served(desk: Desk) -> Desk:
    """The desk with the stack deployed and the site running."""
    desk.call("-m", "localazure", "up", "--yes")
    desk.call("scripts/run.py", "env")
    desk.call("app/manage.py", "migrate", "-v0")
    desk.call("app/manage.py", "collectstatic", "--noinput", "-v0")
    desk.hand_over()
    return desk


class Visitors(threading.Thread):
    """Upload a picture, load the page, and read the newest picture by its signed URL."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(daemon=True)
        self.desk = desk
        self.failures: list[str] = []
        self.visits = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self._visit(f"http://127.0.0.1:{self.desk.port}")
            except (requests.RequestException, AssertionError) as error:
                self.failures.append(str(error))
            self.visits += 1

    def _visit(self, site: str) -> None:
        with requests.Session() as session:
            session.get(f"{site}/", timeout=10).raise_for_status()
            token = {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
            picture = {"image": ("a.png", PNG, "image/png")}
            page = session.post(f"{site}/", data={**token, "title": "x"}, files=picture, timeout=10)
            page.raise_for_status()
            signed = re.findall(r'src="(http[^"]+sig=[^"]+)"', page.text)
            assert signed, "the page shows no signed picture"
            answer = session.get(signed[0].replace("&amp;", "&"), timeout=10)
            answer.raise_for_status()


def opens(desk: Desk, key: str) -> bool:
    client = BlobServiceClient(
        desk.azurite.endpoint("djangoaccountstorage").rstrip("/"),
        credential={"account_name": "djangoaccountstorage", "account_key": key},
        retry_total=0,
    )
    with client:
        try:
            return len(list(client.list_containers())) == 3
        except HttpResponseError:
            return False


def test_keys_are_renewed_under_a_site_of_which_no_request_fails(
    served: Desk, tmp_path: Path
) -> None:
    before = served.keys()
    visitors = Visitors(served)
    visitors.start()

    # Stopped at the hand-over: the idle key is new, nothing else is taken from anybody.
    stopped = served.rotate("--deploy-command", "exit 3")
    assert stopped.status == 1
    between = served.keys()
    assert between["key1"] == before["key1"]
    assert between["key2"] != before["key2"]

    # It goes on from there, hands over, and leaves the old key to the URLs that it has signed.
    asked, handed = tmp_path / "asked", tmp_path / "handed"
    command = f"touch '{asked}'; while [ ! -e '{handed}' ]; do sleep 0.05; done"
    results: list[Result] = []
    runner = threading.Thread(
        target=lambda: results.append(served.rotate("--deploy-command", command))
    )
    runner.start()
    while not asked.exists():
        assert runner.is_alive()
        time.sleep(0.05)
    served.hand_over()
    handed.touch()
    runner.join(60)
    assert results[0].status == 0, results[0].err
    assert "Going on with the rotation from key1 to key2." in results[0].out
    assert "valid for 120 more minutes" in results[0].out
    assert served.keys() == between

    visits = visitors.visits
    while visitors.visits < visits + 3:
        time.sleep(0.05)
    last = served.rotate("--now")
    assert last.status == 0, last.err
    assert "The site uses key2." in last.out
    visits = visitors.visits
    while visitors.visits < visits + 3:
        time.sleep(0.05)
    visitors.over.set()
    visitors.join(20)

    assert visitors.failures == []
    assert visitors.visits >= 10
    after = served.keys()
    assert after["key2"] == between["key2"]
    assert not opens(served, before["key1"])
    assert not opens(served, before["key2"])
    assert opens(served, after["key1"])
    assert opens(served, after["key2"])
    assert "activeKey: key2" in (served.root / "Pulumi.local.yaml").read_text()
    said = "".join(r.out + r.err for r in (stopped, *results, last))
    logs = "".join(file.read_text() for file in (served.azurite.state_dir / "logs").glob("*.log"))
    for key in (*before.values(), *after.values()):
        assert key not in said
        assert key not in logs


def test_with_an_identity_there_is_nothing_to_renew(desk: Desk) -> None:
    settings = desk.root / "Pulumi.local.yaml"
    guid = "11111111-2222-3333-4444-555555555555"
    settings.write_text(
        f"{settings.read_text()}  authMode: identity\n  dataPrincipals: ['User:{guid}']\n"
    )
    desk.call("-m", "localazure", "up", "--yes")
    before = desk.keys()
    result = desk.rotate()
    assert result.status == 0, result.err
    assert "there are no keys to renew" in result.out
    assert desk.keys() == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("config:\n  a:b: c\n", "config:\n  activeKey: key2\n  a:b: c\n"),
        (
            "# mine\nconfig:\n  activeKey: key1\n  a:b: c # kept\n",
            "# mine\nconfig:\n  activeKey: key2\n  a:b: c # kept\n",
        ),
        ("config:\n    shop:activeKey: key1\n", "config:\n    shop:activeKey: key2\n"),
        ("encryptionsalt: x\n", "encryptionsalt: x\nconfig:\n  activeKey: key2\n"),
        (
            "config:\n  # mine\n  'activeKey': \"key1\" # x\n",
            "config:\n  # mine\n  'activeKey': key2 # x\n",
        ),
        ("config:\n", "config:\n  activeKey: key2\n"),
        ("config:\nencryptionsalt: x\n", "config:\n  activeKey: key2\nencryptionsalt: x\n"),
        ("config: {a: b}\n", "config: {activeKey: key2, a: b}\n"),
        ("", "config:\n  activeKey: key2\n"),
    ],
)
def test_the_setting_is_changed_and_every_other_line_stays(text: str, expected: str) -> None:
    assert with_setting(text, "activeKey", "key2") == expected


@pytest.mark.parametrize("prefix", ["", "shop:", "  shop:"])
def test_the_active_key_is_read_with_and_without_the_projects_name(shop: Path, prefix: str) -> None:
    (shop / "Pulumi.prod.yaml").write_text(f"config:\n  {prefix}activeKey: key2\n")
    assert active_key("prod") == "key2"


def test_an_active_key_under_another_projects_name_stops_before_a_key_is_renewed(
    shop: Path,
) -> None:
    (shop / "Pulumi.prod.yaml").write_text("config:\n  django-azure-blob:activeKey: key2\n")
    with pytest.raises(Problem, match=r"django-azure-blob:activeKey.*called 'shop'"):
        active_key("prod")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project called shop."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    for module in (engine, rotate):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "VENV_PYTHON", Path(sys.executable))
    return tmp_path
