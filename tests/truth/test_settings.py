"""Every profile and every setting: what the program declares is what Microsoft's models allow."""

from __future__ import annotations

import pytest

from tests.truth.program import PROJECT, problems
from tests.truth.settings import ALONE, LIMITS, PROFILES


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_sends_nothing_that_the_models_do_not_allow(name: str) -> None:
    assert problems(PROFILES[name]) == []


@pytest.mark.parametrize("name", ALONE)
def test_a_setting_sends_nothing_that_the_models_do_not_allow(name: str) -> None:
    assert problems(ALONE[name]) == []


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_sends_nothing_that_the_models_do_not_allow(name: str) -> None:
    assert problems(LIMITS[name]) == []


def test_every_setting_is_switched_on_by_itself() -> None:
    assert ALONE.keys() == PROJECT["config"].keys()
    assert all(key in settings for key, settings in ALONE.items())
