"""Whatever is posted to a step, the answer is JSON, and never a server error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.direct.conftest import BASE, Browser

if TYPE_CHECKING:
    from django.test import Client

STEPS = ("begin", "finish", "discard")
DEEP = 100_000
NAME = {"name": "a.png", "size": 1}
SURROGATE = b'"\\ud800"'


def posted(client: Client, step: str, body: bytes) -> Any:
    return client.post(f"{BASE}{step}/", body, "application/json")


def is_malformed(answer: Any) -> bool:
    return bool(answer.status_code == 400 and answer.json()["code"] == "malformed")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"\xff\xfe{",
        b"null",
        b"[null]",
        b"1",
        b'"text"',
        b"[]",
        b"{",
        b"{}",
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"id":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"files":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
        b'{"id": NaN}',
        b'{"id": null}',
        b'{"id": 1}',
        b'{"id": true}',
        b'{"id": ["a"]}',
        b'{"id": ""}',
        b'{"id": {"a": 1}}',
        b'{"id": ' + SURROGATE + b"}",
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"id": "a\\u0000"}',
    ],
    ids=range(24),
)
def test_a_body_that_is_not_a_request_is_malformed(
    browser: Browser, step: str, body: bytes
) -> None:
    assert is_malformed(posted(browser.client, step, body))


@pytest.mark.parametrize(
    "files",
    [
        b"1",
        b"null",
        b"{}",
        b'"ab"',
        b"[]",
        b"[1]",
        b"[null]",
        b"[[]]",
        b'["a"]',
        b"[{}]",
        b'[{"name": "a"}]',
        b'[{"size": 1}]',
        b'[{"name": "a", "size": true}]',
        b'[{"name": "a", "size": "1"}]',
        b'[{"name": "a", "size": 1.5}]',
        b'[{"name": "a", "size": -1}]',
        b'[{"name": "a", "size": null}]',
        b'[{"name": "a", "size": NaN}]',
        b'[{"name": "a", "size": Infinity}]',
        b'[{"name": "a", "size": 1e999}]',
        b'[{"name": "a", "size": 1' + b"0" * 400 + b"}]",
        b'[{"name": "a", "size": 1' + b"0" * 5000 + b"}]",
        b'[{"name": "a", "size": 9223372036854775808}]',
        b'[{"name": "", "size": 1}]',
        b'[{"name": null, "size": 1}]',
        b'[{"name": ["a"], "size": 1}]',
        b'[{"name": "a\\u0000b", "size": 1}]',
        b'[{"name": ' + SURROGATE + b', "size": 1}]',
        b'[{"id": null}]',
        b'[{"id": 0, "name": "a", "size": 1}]',
        b"[" + b",".join([json.dumps(NAME).encode()] * 101) + b"]",
    ],
    ids=range(31),
)
def test_invalid_files_are_malformed(browser: Browser, files: bytes) -> None:
    assert is_malformed(posted(browser.client, "begin", b'{"files": ' + files + b"}"))


def test_one_upload_cannot_be_begun_twice_in_a_request(browser: Browser) -> None:
    grant = browser.begin("a.png", 1)
    twice = json.dumps({"files": [{"id": grant["id"]}] * 2}).encode()
    assert is_malformed(posted(browser.client, "begin", twice))


def test_the_largest_size_is_refused_with_a_sentence(browser: Browser) -> None:
    assert browser.begin("a.png", 2**63 - 1)["code"] == "too_large"


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "", "application/xml"],
)
def test_another_content_type_is_malformed(browser: Browser, step: str, kind: str) -> None:
    answer = browser.client.post(f"{BASE}{step}/", b"--x\r\n{}", kind)
    assert is_malformed(answer)


@pytest.mark.parametrize("step", STEPS)
def test_a_body_that_is_too_large_is_refused(browser: Browser, step: str) -> None:
    answer = posted(browser.client, step, b" " * 3_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "malformed")


ODD: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**300),
    st.floats(),
    st.text(st.characters(), max_size=5),
    st.sampled_from(["a:b:c", ".eJx:1:x", "\ud800", "\0", "x" * 300]),
)
JSON: Any = st.recursive(
    ODD,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["files", "id", "name", "size", "x"]), inner, max_size=4),
    ),
    max_leaves=12,
)
BODIES: Any = st.one_of(
    st.binary(max_size=40),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.lists(JSON, max_size=3).map(lambda files: json.dumps({"files": files}).encode()),
    st.fixed_dictionaries({"name": ODD, "size": ODD}).map(
        lambda file: json.dumps({"files": [file]}).encode()
    ),
    ODD.map(lambda value: json.dumps({"id": value, "files": [{"id": value}]}).encode()),
)


@pytest.mark.parametrize("step", STEPS)
def test_whatever_is_posted_the_answer_is_json(browser: Browser, step: str) -> None:
    browser.client.raise_request_exception = False

    @settings(
        max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(BODIES)
    def run(body: bytes) -> None:
        answer = posted(browser.client, step, body)
        assert answer.status_code in {200, 400}, answer.content[:200]
        assert answer.headers["Content-Type"] == "application/json"
        if answer.status_code == 400:
            assert answer.json()["code"] in {"malformed", "invalid"}

    run()
