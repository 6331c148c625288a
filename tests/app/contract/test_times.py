"""When a blob was stored, changed and read."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import override_settings
from django.utils import timezone


@pytest.mark.parametrize("question", ["get_modified_time", "get_created_time"])
def test_times_are_aware_or_naive_as_the_settings_say(storage: Any, question: str) -> None:
    storage.save("a.txt", ContentFile(b"x"))
    now = datetime.now(UTC)
    with override_settings(USE_TZ=True, TIME_ZONE="Asia/Kathmandu"):
        moment = getattr(storage, question)("a.txt")
        assert timezone.is_aware(moment)
        assert abs((moment - now).total_seconds()) < 60
    with override_settings(USE_TZ=False, TIME_ZONE="Asia/Kathmandu"):
        naive = getattr(storage, question)("a.txt")
        assert timezone.is_naive(naive)
        assert timezone.make_naive(moment, timezone.get_default_timezone()) == naive


def test_a_blob_that_is_replaced_was_modified_later(storage: Any) -> None:
    storage.save("a.txt", ContentFile(b"one"))
    first = storage.get_modified_time("a.txt")
    time.sleep(1.1)  # the service tells whole seconds
    with storage.open("a.txt", "w") as file:
        file.write("two")
    assert storage.get_modified_time("a.txt") > first


def test_a_time_that_the_account_does_not_keep_is_not_implemented(storage: Any) -> None:
    storage.save("a.txt", ContentFile(b"x"))
    with pytest.raises(NotImplementedError, match="does not track"):
        storage.get_accessed_time("a.txt")


def test_there_is_no_path_on_this_machine(storage: Any) -> None:
    with pytest.raises(NotImplementedError):
        storage.path("a.txt")
