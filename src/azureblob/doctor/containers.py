"""The containers: whether they are there, and who may read them without signing in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

from azureblob.checks.configured import address
from azureblob.doctor.anonymous import Answer, Unreachable, ask
from azureblob.doctor.answers import explained
from azureblob.doctor.results import Failed, Warned
from azureblob.doctor.runner import REQUEST_SECONDS, Probe
from azureblob.doctor.site import Site

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
        with explained(self._site, container), self._site.client(REQUEST_SECONDS) as service:
            found = service.get_container_client(container).get_container_properties()
        self._levels[container] = str(found.public_access or _PRIVATE)
        return f"{container} is there"

    def _is_closed(self, role: str, container: str) -> str:
        advice = self._site.advice
        answer = self._visit(container)
        if not answer.is_readable:
            if self._levels[container] != _PRIVATE:
                raise Warned(
                    f"{container} is public, and only the account's switch keeps visitors out "
                    f"({answer.said}).",
                    advice.container_closed_by_account_only(container),
                )
            return f"{container} refuses visitors"
        if role == "media":
            raise Failed(
                f"Anyone reads {container}, and its uploads are declared private.",
                advice.uploads_readable(container),
            )
        raise Failed(
            f"Anyone reads {container}, where uploads lie that nobody has checked.",
            advice.quarantine_readable(container),
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
                site.advice.custom_domain_wrong(),
            ) from None
        if not answer.is_readable:
            raise self._not_shown(role, container, answer)
        if self._levels[container] == _LISTED:
            raise Warned(
                f"Anyone can list {container}, not only read a file whose name is known.",
                site.advice.listable(container),
            )
        return f"{base} is shown to visitors, and not listed"

    def _not_shown(self, role: str, container: str, answer: Answer) -> Failed:
        advice = self._site.advice
        if answer.code == "PublicAccessNotPermitted":
            return Failed(
                f"The account allows no public container ({answer.said}).",
                advice.public_access_not_allowed(),
            )
        hidden = advice.uploads_hidden if role == "media" else advice.static_files_hidden
        return Failed(
            f"Visitors are refused {container}, which the pages link to ({answer.said}).",
            hidden(container),
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
