"""A migration that was killed anywhere continues when it is started again."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable

import pytest

from tests.faults import FaultProxy
from tests.migrate.conftest import MakeMedia
from tests.migrate.site import MediaSite, contents, stored
from tests.publish.container import Container
from tests.publish.trees import noise
from tests.publish.watching import Moment, missing, puts, settle

KILLS = 20
TREE = {f"{n % 3}/file {n}.bin": noise(f"kill {n}", 300 + 30_000 * n) for n in range(13)}
# A list, the files, and a list again.
REQUESTS = 1 + len(TREE) + 1


@pytest.mark.parametrize("number", range(KILLS))
def test_a_migration_killed_at_any_point_sends_only_what_is_missing_in_the_next_run(
    make_media: MakeMedia,
    make_container: Callable[[], Container],
    proxy: FaultProxy,
    number: int,
) -> None:
    # Spread over the run, one in each twentieth of it.
    spread = (number + random.Random(number).random()) / KILLS * 2 * REQUESTS  # noqa: S311
    at, answered = int(spread / 2), spread % 2 >= 1
    container = make_container()
    media = make_media(container)
    media.fill(TREE)
    before = contents(media.media)
    proxy.take()
    command = media.begin("migratemedia", str(media.media), "--connections", "4")
    Moment(proxy, at, answered=answered, pid=command.pid, sign=signal.SIGKILL)
    ended = command.end()
    settle(proxy)
    assert ended.code == -signal.SIGKILL
    assert len(proxy.take()) > at
    left = missing(container, TREE)
    assert set(container.blobs()) == TREE.keys() - set(left)  # what is there is whole

    media.migrate().well()
    assert puts(proxy.take()) == left
    wanted = {name: digest for name, (digest, _) in before.items()}
    assert stored(container) == wanted
    assert contents(media.media) == before


def test_the_kills_are_spread_over_a_whole_migration(media: MediaSite, proxy: FaultProxy) -> None:
    media.fill(TREE)
    media.migrate("--connections", "4").well()
    assert len(proxy.take()) == REQUESTS
