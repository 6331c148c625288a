"""What browsers ask before a page of another origin may load or send ("Preflight Blob Request")."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from azureblob.advice import Steps
from azureblob.checks.configured import address
from azureblob.doctor.anonymous import Answer, Unreachable, ask
from azureblob.doctor.results import Failed, Skipped
from azureblob.doctor.runner import REQUEST_SECONDS, Probe
from azureblob.doctor.site import Site

_SENT = "content-type,x-ms-blob-type"
_ALLOWED = "Access-Control-Allow-Origin"


class Preflights:
    def __init__(self, site: Site) -> None:
        self._site = site

    def probes(self) -> Iterator[Probe]:
        for origin in self._site.origins:
            for method, run in (("get", self._load), ("put", self._send)):
                yield Probe(f"preflight.{method}", partial(run, origin), ("connection",), origin)
        if not self._site.origins:
            yield Probe("preflight.get", self._nobody)

    def _nobody(self) -> str:
        raise Skipped("no origin is known: name it with --origin https://www.example.com")

    def _load(self, origin: str) -> str:
        """Webfonts and ES modules. Where something stands in front of the account, that answers
        for it, request by request, and no preflight reaches the account."""
        site = self._site
        static = site.static
        if static is None:
            raise Skipped("the static files are not on the account")
        base = address(static)
        if base.startswith(site.endpoint):
            answer = self._preflight(f"{base}doctor/preflight", origin, "GET")
        else:
            answer = self._ask("GET", f"{base}{static.manifest_name}", {"Origin": origin})
        if answer.headers.get(_ALLOWED) not in {origin, "*"}:
            steps = site.advice.origin_cannot_load(origin)
            raise self._refused(origin, "webfonts and modules", answer, steps)
        return f"pages of {origin} load webfonts and modules"

    def _send(self, origin: str) -> str:
        site = self._site
        if site.media is None:
            raise Skipped("uploads do not go to the account")
        if not site.direct:
            raise Skipped("AZURE_DIRECT_UPLOAD is off: uploads go through the site")
        where = f"{site.endpoint}{site.quarantine}/doctor/preflight"
        answer = self._preflight(where, origin, "PUT", _SENT)
        unsent = missing(answer.headers.get("Access-Control-Allow-Headers", ""))
        if answer.status == 200 and unsent:
            raise Failed(
                f"Pages of {origin} may not send the headers {', '.join(unsent)}.",
                site.advice.upload_headers_not_allowed(origin),
            )
        if answer.headers.get(_ALLOWED) not in {origin, "*"}:
            steps = site.advice.origin_cannot_upload(origin)
            raise self._refused(origin, "uploads", answer, steps)
        return f"pages of {origin} send uploads"

    def _refused(self, origin: str, what: str, answer: Answer, steps: Steps) -> Failed:
        return Failed(f"Pages of {origin} get no {what} ({answer.said}).", steps)

    def _preflight(self, url: str, origin: str, method: str, sent: str = "") -> Answer:
        headers = {"Origin": origin, "Access-Control-Request-Method": method}
        if sent:
            headers["Access-Control-Request-Headers"] = sent
        return self._ask("OPTIONS", url, headers)

    def _ask(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        try:
            return ask(method, url, seconds=REQUEST_SECONDS, headers=headers)
        except Unreachable as error:
            raise Failed(f"It cannot be asked: {error}.", "Try again.") from None


def missing(allowed: str) -> list[str]:
    """The headers of an upload that this Access-Control-Allow-Headers does not let through."""
    names = {name.strip().lower() for name in allowed.split(",")}
    return [] if "*" in names else [name for name in _SENT.split(",") if name not in names]
