"""The containers: whether they are there, and who may read them without signing in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

from azureblob.checks.configured import address
from azureblob.doctor import commands
from azureblob.doctor.answers import explained
from azureblob.doctor.examination import REQUEST_SECONDS, Probe
from azureblob.doctor.findings import Failed, Warned
from azureblob.doctor.site import Site
from azureblob.doctor.visitor import Answer, Unreachable, ask

_PRIVATE = "private"
_LISTED = "container"


class Containers:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._levels: dict[str, str] = {}

    @property
    def _named(self) -> dict[str, str]:
        """Role to container."""
        site = self._site
        named = {}
        if site.static:
            named["static"] = str(site.static.azure_container)
        if site.media:
            named |= {"media": site.media.azure_container, "quarantine": site.quarantine}
        return named

    def probes(self) -> Iterator[Probe]:
        for role, container in self._named.items():
            yield Probe(f"container.{role}", partial(self._is_there, container), ("signin",))
        for role, container in self._named.items():
            if role == "static" or (role == "media" and not self._is_private):
                run = partial(self._is_public, role, container)
            else:
                run = partial(self._is_closed, role, container)
            yield Probe(f"access.{role}", run, (f"container.{role}",))

    @property
    def _is_private(self) -> bool:
        return bool(self._site.media and self._site.media.signed)

    def _is_there(self, container: str) -> str:
        with explained(self._site), self._site.client(REQUEST_SECONDS) as service:
            found = service.get_container_client(container).get_container_properties()
        self._levels[container] = str(found.public_access or _PRIVATE)
        return f"{container} is there"

    def _is_closed(self, role: str, container: str) -> str:
        site = self._site
        again = commands.as_declared(local=site.local)
        answer = self._visit(container)
        if not answer.is_readable:
            if self._levels[container] != _PRIVATE:
                raise Warned(
                    f"{container} is public, and only the account's switch keeps visitors out "
                    f"({answer.said}).",
                    "Make it private, as the stack declares it.",
                    *again,
                )
            return f"{container} refuses visitors"
        if role == "media":
            raise Failed(
                f"Anyone reads {container}, and its uploads are declared private.",
                "Make it private; or, if anyone may read them, mediaAccess public and the settings "
                "anew.",
                *(again if site.local else ("pulumi config set mediaAccess private", *again)),
            )
        raise Failed(
            f"Anyone reads {container}, where uploads lie that nobody has checked.",
            "It is private in every stack: make it so again.",
            *again,
        )

    def _is_public(self, role: str, container: str) -> str:
        site = self._site
        storage = site.static if role == "static" else site.media
        base = address(storage)
        try:
            answer = ask("GET", f"{base}{_absent()}", seconds=REQUEST_SECONDS)
        except Unreachable as error:
            raise Failed(
                f"{base}, which the pages link to, cannot be reached: {error}.",
                "Mend AZURE_CUSTOM_DOMAIN: write the settings anew.",
                commands.environment(local=site.local),
            ) from None
        if not answer.is_readable:
            raise self._not_shown(role, container, answer)
        if self._levels[container] == _LISTED:
            raise Warned(
                f"Anyone can list {container}, not only read a file whose name is known.",
                "Set the level to blob, as the stack declares it.",
                *commands.as_declared(local=site.local),
            )
        return f"{base} is shown to visitors, and not listed"

    def _not_shown(self, role: str, container: str, answer: Answer) -> Failed:
        setting = f"{role}Access"
        again = commands.as_declared(local=self._site.local)
        if answer.code == "PublicAccessNotPermitted":
            return Failed(
                f"The account allows no public container ({answer.said}).",
                "Let the stack set its switch; a policy of the company's may forbid it, and then "
                "static files need frontDoor, and uploads mediaAccess private.",
                *again,
            )
        fix = f"Make {container} public ({setting} public)."
        if role == "media":
            fix = "If uploads are private, write the settings anew; else make the container public."
            again = (
                commands.environment(local=self._site.local),
                f"pulumi config set {setting} public",
                *again,
            )
        return Failed(
            f"Visitors are refused {container}, which the pages link to ({answer.said}).",
            fix,
            *again,
        )

    def _visit(self, container: str) -> Answer:
        try:
            url = f"{self._site.endpoint}{container}/{_absent()}"
            return ask("GET", url, seconds=REQUEST_SECONDS)
        except Unreachable as error:
            raise Failed(f"{container} cannot be reached: {error}.", "Try again.") from None


def _absent() -> str:
    """A blob that is not there, which is told to those alone who may read what is."""
    return f"doctor/absent-{secrets.token_hex(8)}"
