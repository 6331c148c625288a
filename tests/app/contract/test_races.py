"""Many who save one name at once: each has its own file afterwards."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from tests.app.conftest import site_environment
from tests.app.contract.conftest import Requests, media_storage, read
from tests.app.contract.together import at_once
from tests.conftest import ROOT


def test_sixty_four_saves_of_one_name_are_sixty_four_files(
    django_site: None, counted: Requests, caplog: pytest.LogCaptureFixture
) -> None:
    media = media_storage()
    counted.sent.clear()
    with caplog.at_level(logging.WARNING, "urllib3"):
        names = at_once(64, lambda n: media.save("race/one.txt", ContentFile(b"%d" % n)))
    assert counted.methods == ["PUT"] * (64 + 63)
    assert "race/one.txt" in names
    assert len(set(names)) == 64
    assert [read(media, name) for name in names] == [b"%d" % number for number in range(64)]
    assert len(media.listdir("race")[1]) == 64
    # A pool of ten connections would say that it is full.
    assert [record.message for record in caplog.records if "pool" in record.message] == []


def test_large_saves_of_one_name_do_not_take_each_others_blocks(django_site: None) -> None:
    """Uncommitted blocks belong to a name, and "Put Block List" drops those that it does not
    list."""
    size = 100_000
    media = media_storage(client_options={"max_single_put_size": 1000, "max_block_size": size // 3})
    names = at_once(16, lambda n: media.save("race/large.bin", ContentFile(bytes([n]) * size)))
    assert len(set(names)) == 16
    assert [read(media, name) for name in names] == [bytes([n]) * size for n in range(16)]


def test_large_overwrites_of_one_name_end_in_one_of_them(django_site: None) -> None:
    size = 100_000
    media = media_storage(
        overwrite_files=True,
        client_options={"max_single_put_size": 1000, "max_block_size": size // 3},
    )
    names = at_once(8, lambda n: media.save("large.bin", ContentFile(bytes([n]) * size)))
    assert set(names) == {"large.bin"}
    stored = read(media, "large.bin")
    assert stored in {bytes([n]) * size for n in range(8)}


def test_processes_do_not_take_each_others_names(
    azure_env: dict[str, str], django_site: None, tmp_path: Path
) -> None:
    """Four of them with sixteen threads each; they begin when all are ready."""
    media = media_storage()
    program = f"""
import json, sys
import django
django.setup()
from django.core.files.base import ContentFile
from backend.custom_azure import AzureMediaStorage
from tests.app.contract.together import at_once
storage = AzureMediaStorage(azure_container={media.azure_container!r}, check_content=False)
me = sys.argv[1]
print("ready", flush=True)
sys.stdin.readline()
names = at_once(16, lambda n: storage.save("race/one.txt", ContentFile(f"{{me}}/{{n}}".encode())))
print(json.dumps(names))
"""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "DJANGO_"))},
        **site_environment(azure_env, tmp_path),
        "DJANGO_SETTINGS_MODULE": "backend.settings",
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "app"))),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(4)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        names = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert len({name for part in names for name in part}) == 64
    for number, part in enumerate(names):
        assert [read(media, name) for name in part] == [f"{number}/{n}".encode() for n in range(16)]


def test_threads_that_come_first_at_once_share_one_client(django_site: None) -> None:
    media = media_storage()
    fresh = type(media)(azure_container=media.azure_container)
    seen: list[Any] = []

    def connect(_: int) -> str:
        seen.append((fresh.service_client, fresh.client))
        return ""

    at_once(16, connect)
    assert len({id(service) for service, _ in seen}) == 1
    assert len({id(client) for _, client in seen}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is of Unix")
def test_a_forked_process_makes_connections_of_its_own(media: Any) -> None:
    """A server that loads the site before it forks would have its workers read each other's
    answers."""
    media.save("a.txt", ContentFile(b"x"))
    program = (
        "import os, sys; pid = os.fork()\n"
        "if pid: sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "os._exit(0 if storage.service_client is not before else 1)\n"
    )
    setup = (
        "import django; django.setup()\n"
        "from azureblob.storage import BlobStorage\n"
        "storage = BlobStorage(azure_container='media'); before = storage.service_client\n"
        "assert storage.service_client is before\n"
    )
    from django.conf import settings

    done = subprocess.run(
        [sys.executable, "-c", f"{_SETTINGS}{setup}{program}"],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "DJANGO_"))},
            "KEY": settings.AZURE_ACCOUNT_KEY,
            "PYTHONPATH": str(ROOT / "app"),
        },
        timeout=60,
        check=False,
    )
    assert done.returncode == 0


_SETTINGS = """
import os
from django.conf import settings
settings.configure(AZURE_ACCOUNT_NAME="shop", AZURE_ACCOUNT_KEY=os.environ["KEY"])
"""
