"""The environment of the commands that the scripts run: loopback is exempt from every proxy."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from scripts import process, site
from tests.app.conftest import site_environment
from tests.conftest import free_port

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
EXCEPTIONS = ("NO_PROXY", "no_proxy", "no_grpc_proxy")
LOOPBACK = "127.0.0.1,localhost,::1"
IS_BYPASSED = (
    "import sys, urllib.request as r; from requests.utils import should_bypass_proxies as s; "
    "print([bool(r.proxy_bypass(h)) and s(f'http://{h}/', None) for h in sys.argv[1:]])"
)
CONNECT = (
    "import grpc, sys; "
    "grpc.channel_ready_future(grpc.insecure_channel(sys.argv[1])).result(timeout=20)"
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's own settings are."""
    for name in (*PROXIES, *EXCEPTIONS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> str:
    """A proxy that does not answer, in every variable that names one."""
    address = f"http://127.0.0.1:{free_port()}"
    for name in PROXIES:
        monkeypatch.setenv(name, address)
    return address


@pytest.fixture
def environment(
    azure_env: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dead_proxy: str,
) -> dict[str, str]:
    """What `make up` gives the site of a deployed stack, on a machine with a dead proxy."""
    monkeypatch.setenv("LOCALAZURE_HOME", str(tmp_path / "home"))
    return {**site.site_environment(azure_env), **site_environment(azure_env, tmp_path)}


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        ("", "", (LOOPBACK, LOOPBACK)),
        ("example.com", "", (f"example.com,{LOOPBACK}", f"example.com,{LOOPBACK}")),
        ("", "10.0.0.0/8", (f"10.0.0.0/8,{LOOPBACK}", f"10.0.0.0/8,{LOOPBACK}")),
        ("a.example", "b.example", (f"a.example,{LOOPBACK}", f"b.example,{LOOPBACK}")),
        ("localhost, a.example,", "*", ("localhost,a.example,127.0.0.1,::1", "*")),
    ],
)
def test_the_users_own_exceptions_stay(
    monkeypatch: pytest.MonkeyPatch, upper: str, lower: str, expected: tuple[str, str]
) -> None:
    monkeypatch.setenv("NO_PROXY", upper)
    monkeypatch.setenv("no_proxy", lower)
    environment = process.clean_environment()
    assert (environment["NO_PROXY"], environment["no_proxy"]) == expected
    assert "no_grpc_proxy" not in environment


@pytest.mark.parametrize("own", ["", "internal.example"])
def test_only_loopback_and_the_users_own_hosts_bypass_the_proxy(
    monkeypatch: pytest.MonkeyPatch, dead_proxy: str, own: str
) -> None:
    monkeypatch.setenv("NO_PROXY", own)
    hosts = ["127.0.0.1", "localhost", "internal.example", "account.blob.core.windows.net"]
    environment = process.clean_environment()
    assert environment["HTTPS_PROXY"] == dead_proxy
    output = process.capture([sys.executable, "-c", IS_BYPASSED, *hosts], env=environment)
    assert output.strip() == str([True, True, bool(own), False])


@pytest.mark.parametrize("own", [None, "", "internal.example"])
def test_grpc_on_loopback_bypasses_the_proxy(
    monkeypatch: pytest.MonkeyPatch, dead_proxy: str, own: str | None
) -> None:
    if own is not None:
        monkeypatch.setenv("no_grpc_proxy", own)
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        process.capture([sys.executable, "-c", CONNECT, f"127.0.0.1:{port}"])
    finally:
        server.stop(grace=None)


def test_static_files_are_published_past_a_dead_proxy(environment: dict[str, str]) -> None:
    output = site.manage(["collectstatic", "--noinput"], environment, "static")
    assert "static file" in output.splitlines()[-1]


def test_the_site_is_healthy_past_a_dead_proxy(environment: dict[str, str]) -> None:
    port = free_port()
    with site.serving(port, environment) as server:
        site.wait_until_healthy(server, f"http://127.0.0.1:{port}")


def test_what_a_failed_command_printed_is_in_no_traceback() -> None:
    with pytest.raises(process.ProcessFailed) as caught:
        process.capture(["sh", "-c", "echo $KEY >&2; exit 3"], env={"KEY": "abcdef="})
    assert caught.value.output == "abcdef=\n"
    assert "abcdef" not in f"{caught.value!r} {caught.value}"
