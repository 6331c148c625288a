"""Probes of what is on the account: the containers, the site's rights, the published files."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from functools import partial

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobClient

from azureblob.checks.configuration import address
from azureblob.doctor.anonymous import Response, Unreachable, request
from azureblob.doctor.results import Probe, ProbeFailed, ProbeSkipped, ProbeWarning
from azureblob.doctor.site import Site

_FOLDER = "doctor/"


# --- Containers -----------------------------------------------------------------------------------

_PRIVATE = "private"
_LISTABLE = "container"


class Containers:
    """Whether the containers exist, and who may read them without signing in."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._levels: dict[str, str] = {}

    @property
    def _names(self) -> dict[str, str]:
        """Role to container name."""
        site = self._site
        names = {}
        if site.static:
            names["static"] = str(site.static.azure_container)
        if site.media:
            names |= {"media": site.media.azure_container, "quarantine": site.quarantine}
        return names

    def probes(self) -> Iterator[Probe]:
        for role, container in self._names.items():
            yield Probe(f"container.{role}", partial(self._exists, container), ("signin",))
        for role, container in self._names.items():
            if role == "static" or (role == "media" and not self._signed):
                run = partial(self._is_public, role, container)
            else:
                run = partial(self._is_private, role, container)
            yield Probe(f"access.{role}", run, (f"container.{role}",))

    @property
    def _signed(self) -> bool:
        return bool(self._site.media and self._site.media.signed)

    def _exists(self, container: str) -> str:
        with self._site.service(container) as service:
            properties = service.get_container_client(container).get_container_properties()
        self._levels[container] = str(properties.public_access or _PRIVATE)
        return f"{container} exists"

    def _is_private(self, role: str, container: str) -> str:
        advice = self._site.advice
        url = f"{self._site.endpoint}{container}/{_missing_blob()}"
        try:
            response = request("GET", url)
        except Unreachable as error:
            raise ProbeFailed(f"{container} cannot be reached: {error}.", "Try again.") from None
        if not response.is_readable:
            if self._levels[container] != _PRIVATE:
                raise ProbeWarning(
                    f"{container} is public; visitors are refused only because the account does "
                    f"not allow public access ({response.summary}).",
                    advice.container_closed_by_account_only(container),
                )
            return f"{container} refuses visitors"
        if role == "media":
            raise ProbeFailed(
                f"Anyone can read {container}, although uploads are declared private.",
                advice.uploads_readable(container),
            )
        raise ProbeFailed(
            f"Anyone can read {container}, which holds unchecked uploads.",
            advice.quarantine_readable(container),
        )

    def _is_public(self, role: str, container: str) -> str:
        site = self._site
        base = address(site.static if role == "static" else site.media)
        try:
            response = request("GET", f"{base}{_missing_blob()}")
        except Unreachable as error:
            raise ProbeFailed(
                f"{base}, which pages link to, cannot be reached: {error}.",
                site.advice.custom_domain_wrong(),
            ) from None
        if not response.is_readable:
            raise self._not_public(role, container, response)
        if self._levels[container] == _LISTABLE:
            raise ProbeWarning(
                f"Anyone can list {container}, not only read files whose names they know.",
                site.advice.listable(container),
            )
        return f"visitors can read {base} and cannot list it"

    def _not_public(self, role: str, container: str, response: Response) -> ProbeFailed:
        advice = self._site.advice
        if response.code == "PublicAccessNotPermitted":
            return ProbeFailed(
                f"The account does not allow public containers ({response.summary}).",
                advice.public_access_not_allowed(),
            )
        hidden = advice.uploads_hidden if role == "media" else advice.static_files_hidden
        return ProbeFailed(
            f"Visitors cannot read {container}, which pages link to ({response.summary}).",
            hidden(container),
        )


def _missing_blob() -> str:
    """The name of a blob that does not exist, which only clients with read access learn."""
    return f"{_FOLDER}absent-{secrets.token_hex(8)}"


# --- Rights ---------------------------------------------------------------------------------------

_CONTENT = b"Written by manage.py doctor, which deletes it again."
_SIGNED_SECONDS = 60


class QuarantineRights:
    """The site's rights, tried with a small blob in the quarantine container."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._name = f"{_FOLDER}{secrets.token_hex(16)}.txt"
        self._written = False

    def probes(self) -> Iterator[Probe]:
        if self._site.media is None:
            return
        yield Probe("quarantine.write", self._write, ("container.quarantine",))
        yield Probe("quarantine.read", self._read, ("quarantine.write",))
        yield Probe("quarantine.visitor", self._is_hidden, ("quarantine.write",))
        yield Probe("quarantine.signature", self._is_signed, ("quarantine.write",))
        yield Probe("quarantine.delete", self._delete, ("quarantine.write",))

    def clear(self) -> None:
        """Delete the blob if the run was interrupted."""
        if self._written:
            with contextlib.suppress(AzureError), self._site.client(1) as service:
                service.get_blob_client(self._site.quarantine, self._name).delete_blob(
                    delete_snapshots="include"
                )

    @contextlib.contextmanager
    def _blob(self) -> Iterator[BlobClient]:
        quarantine = self._site.quarantine
        with self._site.service(quarantine) as service:
            yield service.get_blob_client(quarantine, self._name)

    def _write(self) -> str:
        self._written = True
        with self._blob() as blob:
            blob.upload_blob(_CONTENT)
        return f"a small blob was written to {self._site.quarantine}/{_FOLDER}"

    def _read(self) -> str:
        with self._blob() as blob:
            content = blob.download_blob(decompress=False).readall()
        if content != _CONTENT:
            raise ProbeFailed(
                "The blob that was read differs from the one written.",
                "A proxy between this machine and the account changes responses.",
            )
        return "it was read again"

    def _is_hidden(self) -> str:
        response = self._visit(self._url)
        if response.is_readable:
            raise ProbeFailed(
                f"Visitors can read an unchecked upload ({response.summary}).",
                self._site.advice.unchecked_upload_readable(self._site.quarantine),
            )
        return f"a visitor without a signature is refused ({response.summary})"

    def _is_signed(self) -> str:
        site = self._site
        with site.errors_explained():
            query = site.storage.signer.read(
                container=site.quarantine,
                blob=self._name,
                period=_SIGNED_SECONDS,
                https_only=not site.local,
            )
        response = self._visit(f"{self._url}?{query}")
        if response.status != 200 or response.body != _CONTENT:
            raise ProbeFailed(
                f"A signed URL is refused ({response.summary}), so private media are too.",
                site.advice.signature_refused(),
            )
        return "a visitor with a signed URL can read it"

    def _delete(self) -> str:
        with self._blob() as blob:
            blob.delete_blob(delete_snapshots="include")
        self._written = False
        return "it was deleted"

    @property
    def _url(self) -> str:
        return f"{self._site.endpoint}{self._site.quarantine}/{self._name}"

    def _visit(self, url: str) -> Response:
        try:
            return request("GET", url)
        except Unreachable as error:
            raise ProbeFailed(f"The blob cannot be reached: {error}.", "Try again.") from None


# --- Static files ---------------------------------------------------------------------------------

_COLLECTSTATIC = "python manage.py collectstatic --noinput"
_FILES_SECONDS = 6.0
_MISSING_SHOWN = 3
_PAGE_NAMES = 5000


class PublishedFiles:
    """Whether the manifest of the static files is there, and every file that it names."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._names: set[str] = set()

    def probes(self) -> Iterator[Probe]:
        if self._site.static is not None:
            yield Probe("manifest", self._manifest, ("container.static",))
            yield Probe("files", self._files, ("manifest",), seconds=_FILES_SECONDS)

    def _manifest(self) -> str:
        static = self._site.static
        if static is None or not static.hashed_names:
            raise ProbeSkipped("the static files have no manifest (hashed_names is off)")
        name, container = static.manifest_name, static.azure_container
        try:
            with self._site.service() as service:
                try:
                    content = service.get_blob_client(container, name).download_blob().readall()
                except ResourceNotFoundError:
                    raise ProbeFailed(
                        f"{container} has no {name}: nothing was published.",
                        "Publish the static files, and restart the site.",
                        _COLLECTSTATIC,
                    ) from None
            paths = json.loads(content)["paths"]
            self._names = set(paths.values())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ProbeFailed(
                f"{name} in {container} is not a manifest of Django.",
                "Publish the static files, and restart the site.",
                _COLLECTSTATIC,
            ) from None
        return f"{name} in {container} names {len(paths)} files"

    def _files(self) -> str:
        static = self._site.static
        container = str(static and static.azure_container)
        # One request lists 5,000 names.
        with self._site.service() as service:
            client = service.get_container_client(container)
            listed = client.list_blob_names(results_per_page=_PAGE_NAMES)
            missing = sorted(self._names.difference(listed))
        if missing:
            shown = ", ".join(missing[:_MISSING_SHOWN])
            more = len(missing) - _MISSING_SHOWN
            raise ProbeFailed(
                f"{len(missing)} of {len(self._names)} files are missing: {shown}"
                f"{f' and {more} more' if more > 0 else ''}.",
                "Publish the static files, which sends those that are missing.",
                _COLLECTSTATIC,
            )
        return f"all {len(self._names)} files exist"
