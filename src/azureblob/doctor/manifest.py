"""The manifest of the static files, and whether what it names is there."""

from __future__ import annotations

import json
from collections.abc import Iterator

from azure.core.exceptions import ResourceNotFoundError

from azureblob.doctor.answers import explained
from azureblob.doctor.results import Failed, Skipped
from azureblob.doctor.runner import REQUEST_SECONDS, Probe
from azureblob.doctor.site import Site

_COLLECTSTATIC = "python manage.py collectstatic --noinput"
_SHOWN = 3
_SECONDS = 6.0
_PAGE = 5000


class Manifest:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._names: set[str] = set()

    def probes(self) -> Iterator[Probe]:
        if self._site.static is not None:
            yield Probe("manifest", self._manifest, ("container.static",))
            yield Probe("files", self._files, ("manifest",), seconds=_SECONDS)

    def _manifest(self) -> str:
        static = self._site.static
        if static is None or not static.hashed_names:
            raise Skipped("the static files keep their names (hashed_names)")
        where = f"{static.manifest_name} of {static.azure_container}"
        try:
            with explained(self._site), self._site.client(REQUEST_SECONDS) as service:
                try:
                    blob = service.get_blob_client(static.azure_container, static.manifest_name)
                    content = blob.download_blob().readall()
                except ResourceNotFoundError:
                    raise Failed(
                        f"There is no {where}: nothing was published.",
                        "Publish the static files, and start the site again.",
                        _COLLECTSTATIC,
                    ) from None
            paths = json.loads(content)["paths"]
            self._names = set(paths.values())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Failed(
                f"{where} is no manifest of Django's.",
                "Publish the static files, and start the site again.",
                _COLLECTSTATIC,
            ) from None
        return f"{where} names {len(paths)} files"

    def _files(self) -> str:
        """By one list, a request for 5,000 names."""
        static = self._site.static
        container = str(static and static.azure_container)
        with explained(self._site), self._site.client(REQUEST_SECONDS) as service:
            listed = service.get_container_client(container).list_blob_names(results_per_page=_PAGE)
            missing = sorted(self._names.difference(listed))
        if missing:
            shown = ", ".join(missing[:_SHOWN])
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            raise Failed(
                f"Of {len(self._names)} files {len(missing)} are missing: {shown}{more}.",
                "Publish the static files: what is missing is sent.",
                _COLLECTSTATIC,
            )
        return f"all {len(self._names)} files are there"
