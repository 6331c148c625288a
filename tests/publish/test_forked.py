"""A command that the preloaded process forks behaves like one with its own interpreter."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.publish.container import Container
from tests.publish.forked import ROOT
from tests.publish.site import Site


@pytest.fixture
def offline(tmp_path: Path) -> Site:
    """A site whose blob service gets no requests."""
    return Site(tmp_path, Container(1, "nowhere", "QUJD", "static"))


def both(site: Site, *words: str) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    """Status, output and last error line, of the fork and with an interpreter of its own."""
    ended = [site.manage(*words, fresh=fresh) for fresh in (False, True)]
    one, other = ((e.code, e.out, e.err.strip().rpartition("\n")[2]) for e in ended)
    return one, other


@pytest.mark.parametrize(
    "code",
    [
        "print('\u00fc\\r\\ny'); raise SystemExit(7)",
        "raise SystemExit('words')",
        "import atexit; atexit.register(print, 'over'); 1 / 0",
        "import threading; threading.Timer(0.2, print, ['late']).start()",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.kill(os.getpid(), 2)",
        "import signal; print(signal.getsignal(signal.SIGCHLD), signal.getsignal(signal.SIGTERM))",
        "import os; print(sorted(os.listdir('/dev/fd')), os.getcwd())",
        "import sys; print(sys.argv, sys.path, sys.flags, sys.warnoptions, __name__)",
        "import sys; print(repr(sys.stdin.read()), sys.stdout.encoding, sys.stdout.line_buffering)",
        "import os; os.environ.pop('LC_CTYPE', 0); print(sorted(os.environ.items()))",
        "import tempfile; print(tempfile.gettempdir())",
        "import socket; kept = socket.socket(); del kept",
        "import socket; kept = socket.socket()",
        "import azureblob.timeouts, socket; azureblob.timeouts.kept = socket.socket()",
        "print('x' * 300_000)",
    ],
)
def test_code_ends_as_by_itself(offline: Site, code: str) -> None:
    one, other = both(offline, "-c", code)
    assert one == other


@pytest.mark.parametrize("words", [["check"], ["nonsense"], ["collectstatic", "--help"]])
def test_a_command_of_djangos_ends_as_by_itself(offline: Site, words: list[str]) -> None:
    one, other = both(offline, *words)
    assert one == other


def test_no_module_is_preloaded_that_a_publish_does_not_import(offline: Site) -> None:
    code = "import sys; print([m for m in sys.modules if m in {names}])"
    names = {"azure.storage.blob", "azureblob.storage", "azureblob.checks", "site_settings"}
    assert offline.manage("-c", code.format(names=names)).out == "[]\n"


def test_two_at_once_share_no_chance(offline: Site) -> None:
    """Random delays differ, and so do the names of temporary files."""
    code = "import random; print(random.random())"
    assert offline.manage("-c", code).out != offline.manage("-c", code).out


def test_one_that_runs_can_be_waited_for_and_stopped(offline: Site) -> None:
    with offline.start("-c", "import time; print('on', flush=True); time.sleep(60)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == process.poll() == -signal.SIGINT
    assert err.endswith("KeyboardInterrupt\n")
    process.kill()  # it has ended, and nothing happens


def test_the_preloaded_process_ends_with_the_tests_however_they_end(offline: Site) -> None:
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.publish.forked import Forked
with Forked(["-c", "pass"], dict(os.environ), Path.cwd()) as process:
    process.communicate()
os.kill(os.getpid(), 9)
"""
    script = offline.folder / "tests_that_die.py"
    script.write_text(code)
    with offline.start(script.name) as process:
        # The preloaded process has this descriptor too: it is closed when both have ended.
        _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, err


def test_scripts_and_fresh_commands_have_their_own_interpreter(offline: Site) -> None:
    shown = "import sys; print('django' in sys.modules, sys.executable)"
    (offline.folder / "shown.py").write_text(shown)
    alone = f"False {sys.executable}\n"
    assert offline.manage("shown.py").out == offline.manage("-c", shown, fresh=True).out == alone
    assert offline.manage("-c", shown).out == f"True {sys.executable}\n"
