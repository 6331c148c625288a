"""What visitors do, and the answers that are right while storage fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.direct.conftest import picture
from tests.outages.conftest import Answer, Site

# Whoever runs the tests at the same time has the processor too.
MARGIN = 3.0


@dataclass(frozen=True)
class Operation:
    """`prepare` runs while storage is well and gives what `run` needs; `right` are the statuses
    that `run` may end with while storage fails."""

    name: str
    right: frozenset[int]
    run: Callable[[Site, list[str]], Answer]
    prepare: Callable[[Site], list[str]] = lambda site: []


def _tokens(count: int) -> Callable[[Site], list[str]]:
    # One upload will do: its token is not spent by a form that fails.
    return lambda site: [site.token()] * count


def _post(site: Site, tokens: list[str]) -> Answer:
    return site.ask("POST", "/", data={"image-uploaded": tokens})


def _upload(site: Site, _: list[str]) -> Answer:
    return site.ask("POST", "/", files={"image": ("cat.png", picture(), "image/png")})


def _delete(site: Site, tokens: list[str]) -> Answer:
    return site.ask("POST", f"/pictures/{tokens[0]}/delete/")


def _picture(site: Site) -> list[str]:
    assert _upload(site, []).status == 302
    return re.findall(r"/pictures/(\d+)/delete/", site.get("/").text)


def operations(tokens: tuple[int, ...] = (1, 5, 50)) -> list[Operation]:
    return [
        Operation("index", frozenset({200}), lambda site, _: site.get("/")),
        Operation("admin login", frozenset({200}), lambda site, _: site.get("/admin/login/")),
        Operation(
            "begin",
            frozenset({200}),
            lambda site, _: site.step("begin", files=[{"name": "a.png", "size": 9}]),
        ),
        Operation(
            "finish",
            frozenset({503, 409}),
            lambda site, ids: site.step("finish", id=ids[0]),
            lambda site: [site.uploaded()],
        ),
        Operation(
            "discard",
            frozenset({503, 200}),
            lambda site, ids: site.step("discard", id=ids[0]),
            lambda site: [site.uploaded()],
        ),
        *(
            Operation(f"{count} tokens", frozenset({422, 503}), _post, _tokens(count))
            for count in tokens
        ),
        Operation("upload", frozenset({503}), _upload),
        Operation("delete", frozenset({302}), _delete, _picture),
    ]


def tried(
    site: Site,
    wanted: list[Operation],
    fail: Callable[[], None],
    heal: Callable[[], None],
    budget: float,
    *,
    health: int = 503,
) -> Iterator[str]:
    """Do each operation while storage fails, with storage well before it; what went wrong.
    `health` is what /healthz says while it fails."""
    for operation in wanted:
        heal()
        given = operation.prepare(site)
        fail()
        answer = operation.run(site, given)
        if answer.status not in operation.right:
            yield f"{operation.name}: {answer.status}: {answer.text[:300]}"
        if answer.seconds > budget + MARGIN:
            yield f"{operation.name}: {answer.seconds:.1f} s"
        if not answer.text and answer.status != 302:
            yield f"{operation.name}: an empty page"
        probe = site.get("/healthz")
        if probe.status != health or probe.seconds > 2 + MARGIN:
            yield f"/healthz after {operation.name}: {probe.status} in {probe.seconds:.1f} s"
    heal()
