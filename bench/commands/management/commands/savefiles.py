"""Save many small files through the default storage, from several threads, as a busy site does.

The seconds and the CPU time of the saves are written to `measured.json` in the working directory:
a site starts once, so the start of this process and its first save do not count.
"""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand

from bench.scenarios import SAVED_BYTES, SAVED_FILES, SAVING_THREADS


class Command(BaseCommand):
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        rng = random.Random(0)  # noqa: S311
        contents = [rng.randbytes(SAVED_BYTES) for _ in range(SAVED_FILES)]

        def save(number: int) -> None:
            name = f"uploads/{number:04}.bin"
            saved = default_storage.save(name, ContentFile(contents[number]))
            if saved != name:
                raise SystemExit(f"{name} was saved as {saved}")

        # Not counted, as it imports modules.
        save(0)
        with ThreadPoolExecutor(SAVING_THREADS) as pool:
            begin, cpu = time.perf_counter(), time.process_time()
            list(pool.map(save, range(1, SAVED_FILES)))
            measured = {"wall": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
        Path("measured.json").write_text(json.dumps(measured), encoding="utf-8")
