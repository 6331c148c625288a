"""Property values keep their meaning over the wire; secrets stay closed where they are shown."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from localazure.values import UNKNOWN, Secret, from_struct, has_secret, masked, plain, to_struct

leaves = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53), max_value=2**53)
    | st.text(max_size=20)
    | st.just(UNKNOWN)
)
values = st.recursive(
    leaves,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.text(max_size=8), below, max_size=3)
        | below.map(Secret)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), values, max_size=4))
def test_what_is_sent_is_what_arrives(props: dict[str, Any]) -> None:
    assert from_struct(to_struct(props)) == props


@given(values)
def test_an_opened_value_has_no_secret_left(value: Any) -> None:
    assert not has_secret(plain(value))
    assert not has_secret(masked(value))


def test_a_mask_covers_all_that_lies_below_a_secret() -> None:
    value = {"tags": Secret({"owner": "hunter2"}), "rules": [Secret("x"), "open"]}
    assert masked(value) == {"tags": "[secret]", "rules": ["[secret]", "open"]}
    assert "hunter2" not in repr(value)


def test_a_copy_of_what_is_unknown_is_still_unknown() -> None:
    assert copy.deepcopy({"a": [UNKNOWN]})["a"][0] is UNKNOWN
