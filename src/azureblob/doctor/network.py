"""The way to the account: its name, a connection, the clock, signing in."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

from azure.core.exceptions import HttpResponseError

from azureblob.doctor.anonymous import Answer, Unreachable, ask, is_proxied
from azureblob.doctor.answers import explained
from azureblob.doctor.results import Failed, Skipped, Warned
from azureblob.doctor.runner import REQUEST_SECONDS, Probe
from azureblob.doctor.site import Site
from azureblob.outages import error_code

# "Authorize with Shared Key": a request that is older is refused. Signed URLs begin as long before.
_CLOCK_SECONDS = 15 * 60
_CLOCK_NOTED_SECONDS = 60
# azure-identity asks several places one after another.
_SIGN_IN_SECONDS = 8.0


class Network:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._answer: Answer | None = None

    def probes(self) -> Iterator[Probe]:
        yield Probe("name", self._name)
        yield Probe("connection", self._connection, ("name",))
        yield Probe("clock", self._clock, ("connection",))
        yield Probe("signin", self._sign_in, ("connection", "clock"), seconds=_SIGN_IN_SECONDS)

    def _name(self) -> str:
        site = self._site
        try:
            return f"{ipaddress.ip_address(site.host)} is an address itself"
        except ValueError:
            pass
        if is_proxied(site.endpoint):
            return f"{site.host} is resolved by the proxy (HTTPS_PROXY)"
        try:
            found = socket.getaddrinfo(site.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "no host name"
            raise Failed(
                f"{site.host} does not resolve ({why}).",
                site.advice.name_unresolved(),
            ) from None
        return f"{site.host} is {found[0][4][0]}"

    def _connection(self) -> str:
        site = self._site
        url = f"{site.endpoint}?restype=service&comp=properties"
        try:
            answer = ask("GET", url, seconds=REQUEST_SECONDS)
        except Unreachable as error:
            raise Failed(
                f"{site.endpoint} cannot be reached: {error}.", site.advice.unreachable()
            ) from None
        if not answer.is_blob_service:
            raise Failed(
                f"What answers at {site.endpoint} is no blob service ({answer.said}).",
                site.advice.endpoint_wrong(),
            )
        self._answer = answer
        return f"{site.endpoint} answers" + ("" if site.local else ", over TLS")

    def _clock(self) -> str:
        answer = self._answer
        if answer is None or answer.date is None:
            raise Skipped("the service tells no time")
        # Its clock is told in whole seconds.
        seconds = round(answer.moment - answer.date - 0.5)
        side = "ahead of" if seconds > 0 else "behind"
        said = f"This machine's clock is {_span(abs(seconds))} {side} the service's."
        fix = "Set the clock, and keep it right."
        if abs(seconds) > _CLOCK_SECONDS:
            raise Failed(
                f"{said} Over 15 min every signature is refused.", fix, "timedatectl set-ntp true"
            )
        if abs(seconds) > _CLOCK_NOTED_SECONDS:
            raise Warned(said, fix, "timedatectl set-ntp true")
        return "The clocks agree." if abs(seconds) < 2 else said

    def _sign_in(self) -> str:
        """By a question about a container: whether there is one is another probe's matter."""
        site = self._site
        container = site.storage.azure_container
        with explained(site, container), site.client(REQUEST_SECONDS) as service:
            try:
                service.get_container_client(container).get_container_properties()
            except HttpResponseError as error:
                if error_code(error) not in {"ContainerNotFound", "ContainerBeingDeleted"}:
                    raise
        return "The identity is taken." if site.identity else "The account's key is taken."


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
