"""Read, hash and post-process the static files as a publish does, and send nothing.

With HASHED_BY_DJANGO, a folder that Django's own manifest storage has written, the command fails
unless both are the same byte for byte.
"""

from __future__ import annotations

import gc
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management.base import BaseCommand

from azureblob.publish.discovery import content, find
from azureblob.publish.hashing import hash_names


class Command(BaseCommand):
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        gc.disable()  # as collectstatic does
        with tempfile.TemporaryDirectory(prefix="hashstatic-") as scratch:
            sources = find([], Path(scratch), self.stderr.write)
            rendered = Path(scratch) / "hashed"
            rendered.mkdir()
            tree = hash_names(sources, ManifestStaticFilesStorage, rendered)
            by_django = os.environ.get("HASHED_BY_DJANGO")
            if by_django:
                theirs = Path(by_django)
                manifest = (theirs / "staticfiles.json").read_bytes()
                wrong = [] if manifest == tree.manifest else ["staticfiles.json"]
                wrong += [
                    name
                    for name in json.loads(manifest)["paths"].values()
                    if name not in tree.files
                    or content(tree.files[name]) != (theirs / name).read_bytes()
                ]
                if wrong:
                    raise SystemExit(f"{len(wrong)} files differ from Django's: {wrong[:5]}")
