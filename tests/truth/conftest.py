"""Every type of resource, as the program declares it."""

from __future__ import annotations

import pytest

from tests.truth.program import Declared, declare
from tests.truth.settings import EVERYTHING


@pytest.fixture(scope="session")
def everything() -> list[Declared]:
    return [one for settings in EVERYTHING for one in declare(settings)]
