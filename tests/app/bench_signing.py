"""What 1,000 signed URLs cost: `.venv/bin/python -m tests.app.bench_signing`. Asks nobody.

CPU of this thread in milliseconds, median and range of 25 pages, each of 1,000 other names.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "app"))

PAGES, URLS = 25, 1000
KEY = base64.b64encode(bytes(64)).decode()
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "backend.settings",
    "DJANGO_ENV_FILE": os.devnull,
    "DJANGO_SECRET_KEY": "only-for-measuring",
    "DJANGO_DEBUG": "true",
    "AZURE_ACCOUNT_NAME": "someaccount",
    "AZURE_ACCOUNT_KEY": KEY,
    "AZURE_BLOB_ENDPOINT": "https://someaccount.blob.core.windows.net/",
    "AZURE_CUSTOM_DOMAIN": "someaccount.blob.core.windows.net",
    "AZURE_STATIC_CONTAINER": "static",
    "AZURE_MEDIA_CONTAINER": "media",
    "AZURE_QUARANTINE_CONTAINER": "quarantine",
    "AZURE_MEDIA_ACCESS": "private",
    "AZURE_DIRECT_UPLOAD": "true",
}


def measured(title: str, page: Callable[[list[str]], Any]) -> None:
    spent = []
    for number in range(PAGES + 1):
        names = [f"pictures/{number:04}{index:018}.jpg" for index in range(URLS)]
        begin = time.thread_time()
        page(names)
        spent.append((time.thread_time() - begin) * 1000)
    spent = spent[1:]  # the first one compiles and loads
    print(
        f"{title:<36} {statistics.median(spent):5.1f} ms, "
        f"{min(spent):.1f} to {max(spent):.1f} (n = {PAGES})"
    )


def main() -> None:
    os.environ.update(SETTINGS)
    import django

    django.setup()
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas
    from django.core.files.storage import storages
    from django.template import engines

    from gallery.models import Picture

    storage: Any = storages["default"]
    template = engines["django"].from_string(
        "{% for p in pictures %}{{ p.image.url }} {% endfor %}"
    )
    now = dt.datetime.now(dt.UTC)

    def sdk(names: list[str]) -> None:
        for name in names:
            generate_blob_sas(
                "someaccount",
                "media",
                name,
                account_key=KEY,
                permission=BlobSasPermissions(read=True),
                start=now,
                expiry=now,
                protocol="https",
            )

    pictures: dict[str, list[Any]] = {}

    def rendered(names: list[str]) -> None:
        template.render({"pictures": pictures[names[0]]})

    for number in range(PAGES + 1):
        names = [f"pictures/{number:04}{index:018}.jpg" for index in range(URLS)]
        pictures[names[0]] = [Picture(image=name, width=1, height=1) for name in names]
    measured("storage.url()", lambda names: [storage.url(name) for name in names])
    measured("{{ picture.image.url }} in a template", rendered)
    measured("generate_blob_sas of the SDK alone", sdk)


if __name__ == "__main__":
    main()
