"""Probes of the connection to the account: name, TLS, clock, credentials, and CORS."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from functools import partial

from azure.core.exceptions import HttpResponseError

from azureblob.advice import Steps
from azureblob.checks.configuration import address
from azureblob.doctor.anonymous import Response, Unreachable, is_proxied, request
from azureblob.doctor.results import Probe, ProbeFailed, ProbeSkipped, ProbeWarning
from azureblob.doctor.site import Site
from azureblob.outages import error_code

# "Authorize with Shared Key": older requests are refused. Signed URLs are backdated as much.
_CLOCK_LIMIT_SECONDS = 15 * 60
_CLOCK_WARNING_SECONDS = 60
# azure-identity tries several sources one after another.
_SIGN_IN_SECONDS = 8.0
_UPLOAD_HEADERS = ("content-type", "x-ms-blob-type")
_ALLOWED_ORIGIN = "Access-Control-Allow-Origin"


class Network:
    """Whether the account can be reached and takes the site's credentials."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._response: Response | None = None

    def probes(self) -> Iterator[Probe]:
        yield Probe("name", self._name)
        yield Probe("connection", self._connection, ("name",))
        yield Probe("clock", self._clock, ("connection",))
        yield Probe("signin", self._sign_in, ("connection", "clock"), seconds=_SIGN_IN_SECONDS)

    def _name(self) -> str:
        site = self._site
        try:
            return f"{ipaddress.ip_address(site.host)} is an IP address"
        except ValueError:
            pass
        if is_proxied(site.endpoint):
            return f"{site.host} is resolved by the proxy (HTTPS_PROXY)"
        try:
            found = socket.getaddrinfo(site.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a host name"
            raise ProbeFailed(
                f"{site.host} does not resolve ({reason}).", site.advice.name_unresolved()
            ) from None
        return f"{site.host} resolves to {found[0][4][0]}"

    def _connection(self) -> str:
        site = self._site
        try:
            response = request("GET", f"{site.endpoint}?restype=service&comp=properties")
        except Unreachable as error:
            raise ProbeFailed(
                f"{site.endpoint} cannot be reached: {error}.", site.advice.unreachable()
            ) from None
        if not response.is_blob_service:
            raise ProbeFailed(
                f"{site.endpoint} is not a blob service ({response.summary}).",
                site.advice.endpoint_wrong(),
            )
        self._response = response
        return f"{site.endpoint} responds" + ("" if site.local else ", over TLS")

    def _clock(self) -> str:
        response = self._response
        if response is None or response.date is None:
            raise ProbeSkipped("the service sends no date")
        # The service's date has whole seconds.
        seconds = round(response.received_at - response.date - 0.5)
        side = "ahead of" if seconds > 0 else "behind"
        text = f"This machine's clock is {_span(abs(seconds))} {side} the service's."
        fix = "Set the clock, and synchronize it."
        command = "timedatectl set-ntp true"
        if abs(seconds) > _CLOCK_LIMIT_SECONDS:
            raise ProbeFailed(
                f"{text} Beyond 15 min the service refuses every signature.", fix, command
            )
        if abs(seconds) > _CLOCK_WARNING_SECONDS:
            raise ProbeWarning(text, fix, command)
        return "The clocks agree." if abs(seconds) < 2 else text

    def _sign_in(self) -> str:
        """Ask for a container's properties; whether the container exists is another probe."""
        site = self._site
        container = site.storage.azure_container
        with site.service(container) as service:
            try:
                service.get_container_client(container).get_container_properties()
            except HttpResponseError as error:
                if error_code(error) not in {"ContainerNotFound", "ContainerBeingDeleted"}:
                    raise
        return "The identity is accepted." if site.uses_identity else "The key is accepted."


class Preflights:
    """Whether the account's CORS rules let pages of the site's origins load and upload ("Preflight
    Blob Request")."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def probes(self) -> Iterator[Probe]:
        for origin in self._site.origins:
            for method, run in (("get", self._load), ("put", self._upload)):
                yield Probe(f"preflight.{method}", partial(run, origin), ("connection",), origin)
        if not self._site.origins:
            yield Probe("preflight.get", self._no_origin)

    def _no_origin(self) -> str:
        raise ProbeSkipped("no origin is known: name one with --origin https://www.example.com")

    def _load(self, origin: str) -> str:
        """Webfonts and ES modules. A CDN in front of the account answers by itself and passes on no
        preflight, so there a plain GET is tried."""
        site = self._site
        static = site.static
        if static is None:
            raise ProbeSkipped("the static files are not on the account")
        base = address(static)
        if base.startswith(site.endpoint):
            response = self._preflight(f"{base}doctor/preflight", origin, "GET")
        else:
            response = self._request("GET", f"{base}{static.manifest_name}", {"Origin": origin})
        if response.headers.get(_ALLOWED_ORIGIN) not in {origin, "*"}:
            steps = site.advice.origin_cannot_load(origin)
            raise self._refused(origin, "load webfonts and modules", response, steps)
        return f"pages of {origin} may load webfonts and modules"

    def _upload(self, origin: str) -> str:
        site = self._site
        if site.media is None:
            raise ProbeSkipped("uploads are not stored on the account")
        if not site.direct:
            raise ProbeSkipped("AZURE_DIRECT_UPLOAD is off: uploads go through the site")
        url = f"{site.endpoint}{site.quarantine}/doctor/preflight"
        response = self._preflight(url, origin, "PUT", _UPLOAD_HEADERS)
        missing = missing_headers(response.headers.get("Access-Control-Allow-Headers", ""))
        if response.status == 200 and missing:
            raise ProbeFailed(
                f"Pages of {origin} may not send the headers {', '.join(missing)}.",
                site.advice.upload_headers_not_allowed(origin),
            )
        if response.headers.get(_ALLOWED_ORIGIN) not in {origin, "*"}:
            steps = site.advice.origin_cannot_upload(origin)
            raise self._refused(origin, "upload", response, steps)
        return f"pages of {origin} may upload"

    def _refused(self, origin: str, action: str, response: Response, steps: Steps) -> ProbeFailed:
        return ProbeFailed(f"Pages of {origin} may not {action} ({response.summary}).", steps)

    def _preflight(
        self, url: str, origin: str, method: str, headers: tuple[str, ...] = ()
    ) -> Response:
        sent = {"Origin": origin, "Access-Control-Request-Method": method}
        if headers:
            sent["Access-Control-Request-Headers"] = ",".join(headers)
        return self._request("OPTIONS", url, sent)

    def _request(self, method: str, url: str, headers: dict[str, str]) -> Response:
        try:
            return request(method, url, headers)
        except Unreachable as error:
            raise ProbeFailed(f"The request failed: {error}.", "Try again.") from None


def missing_headers(allowed: str) -> list[str]:
    """The headers of an upload that this value of Access-Control-Allow-Headers lacks."""
    names = {name.strip().lower() for name in allowed.split(",")}
    return [] if "*" in names else [name for name in _UPLOAD_HEADERS if name not in names]


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
