"""Signed URLs: read-only, of one blob, the same for a while, by the SDK's own rules and quicker."""

from __future__ import annotations

import base64
import datetime as dt
import re
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas
from hypothesis import given, settings
from hypothesis import strategies as st

from azureblob.delegation import EARLY_SECONDS, LIFETIME_SECONDS, DelegationKeys
from azureblob.signing import CLOCK_SKEW_SECONDS, LONGEST_SECONDS, Signer, _pattern, window
from tests.app.test_environment import GOOD, problem_of
from tests.app.test_identity import (  # noqa: F401
    Certificate,
    Lender,
    certificate,
    keys_of,
    lender,
    private_media,
)

KEY = base64.b64encode(bytes(range(64))).decode()
PERIOD = 3600


def lent(secret: bytes = b"a key that was lent") -> UserDelegationKey:
    key = UserDelegationKey()  # type: ignore[no-untyped-call]
    key.signed_oid = key.signed_tid = "11111111-2222-3333-4444-555555555555"
    key.signed_start, key.signed_expiry = "2026-01-01T00:00:00Z", "2026-01-07T00:00:00Z"
    key.signed_service, key.signed_version = "b", "2025-11-05"
    key.value = base64.b64encode(secret).decode()
    return key


class Lends(DelegationKeys):
    """Has a key, and asks nobody."""

    def __init__(self, key: UserDelegationKey) -> None:
        super().__init__(lambda: pytest.fail("it asked the service"))
        self._key, self._expiry = key, time.time() + LIFETIME_SECONDS


def sdk(blob: str, secret: dict[str, Any], now: float, protocol: str) -> str:
    start, expiry = window(now, PERIOD)
    token: str = generate_blob_sas(
        "someaccount",
        "media",
        blob,
        permission=BlobSasPermissions(read=True),
        start=start,
        expiry=expiry,
        protocol=protocol,
        **secret,
    )
    return token


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Co"]), min_size=1, max_size=60
) | st.sampled_from(
    [
        "a.jpg",
        "any-blob",
        "a/any-blob/b",
        "a b+c%20&d=e.png",
        "ä/ö.svg",
        "sig=x",
        "/a",
        "a//b",
        "🎈",
    ]
)


@pytest.mark.parametrize("https", [True, False])
@pytest.mark.parametrize("identity", [True, False])
def test_a_signature_is_the_sdks_for_every_name(
    monkeypatch: pytest.MonkeyPatch, identity: bool, https: bool
) -> None:
    now = time.time()
    monkeypatch.setattr("azureblob.signing.time.time", lambda: now)
    key = lent()
    signer = (
        Signer("someaccount", delegation_keys=Lends(key))
        if identity
        else Signer("someaccount", account_key=KEY)
    )
    secret: dict[str, Any] = {"user_delegation_key": key} if identity else {"account_key": KEY}

    @settings(max_examples=150, deadline=None, database=None)
    @given(NAMES)
    def same(blob: str) -> None:
        ours = signer.read(container="media", blob=blob, period=PERIOD, https_only=https)
        assert ours == sdk(blob, secret, now, "https" if https else "https,http")

    same()


def test_one_blob_is_read_and_nothing_else() -> None:
    query = parse_qs(
        Signer("someaccount", KEY).read(
            container="media", blob="a.png", period=PERIOD, https_only=True
        )
    )
    assert (query["sp"], query["sr"], query["spr"]) == (["r"], ["b"], ["https"])


def test_a_signature_is_good_before_now_and_for_one_to_two_periods() -> None:
    for now in (1_800_000_000.0, 1_800_000_001.5, 1_800_003_599.9):
        start, expiry = window(now, PERIOD)
        assert now - start.timestamp() >= CLOCK_SKEW_SECONDS
        assert PERIOD <= expiry.timestamp() - now <= 2 * PERIOD


def test_a_url_stays_the_same_for_its_period_and_is_another_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signer = Signer("someaccount", KEY)

    def at(now: float) -> str:
        monkeypatch.setattr("azureblob.signing.time.time", lambda: now)
        return signer.read(container="media", blob="a.png", period=PERIOD, https_only=True)

    begin = 1_800_000_000.0 - 1_800_000_000.0 % PERIOD
    assert at(begin) == at(begin + PERIOD - 0.1)
    assert at(begin) != at(begin + PERIOD)


def test_a_signature_never_outlives_a_key_that_is_fetched_for_it() -> None:
    for now in (1_800_000_000.0, 1_800_000_000.0 + LONGEST_SECONDS - 1):
        _, expiry = window(now, LONGEST_SECONDS)
        assert expiry.timestamp() <= now + LIFETIME_SECONDS


def test_each_key_container_and_account_signs_by_itself() -> None:
    def sign(account: str = "someaccount", key: str = KEY, container: str = "media") -> str:
        return Signer(account, key).read(
            container=container, blob="a.png", period=PERIOD, https_only=True
        )

    other = base64.b64encode(b"another key").decode()
    assert len({sign(), sign("other"), sign(key=other), sign(container="more"), sign()}) == 4


def test_what_is_signed_for_a_page_is_prepared_once(
    django_site: None,
    lender: Lender,  # noqa: F811
) -> None:
    """Counts: one delegation key, one call of the SDK's, for 1,000 URLs."""
    _pattern.cache_clear()
    storage = private_media(lender)
    urls = {storage.url(f"pictures/{number}.jpg") for number in range(1000)}
    assert (len(urls), len(lender.asked), _pattern.cache_info().misses) == (1000, 1, 1)


def test_a_renewed_delegation_key_signs_anew() -> None:
    first, second = lent(), lent(b"the next one")
    tokens = {
        Signer("someaccount", delegation_keys=Lends(key)).read(
            container="media", blob="a.png", period=PERIOD, https_only=True
        )
        for key in (first, second)
    }
    assert len(tokens) == 2


def test_a_signature_opens_its_blob_and_no_other(django_site: None) -> None:
    """Against Azurite."""
    import requests
    from django.core.files.base import ContentFile

    from backend.custom_azure import AzureMediaStorage

    storage = AzureMediaStorage(azure_container="signed-urls", signed=True, signed_seconds="600")
    with storage.service(retries=0, connect=5, read=5) as service:
        service.create_container("signed-urls")
    one = storage.save("ä b+c.txt", ContentFile(b"one"))
    other = storage.save("other.txt", ContentFile(b"other"))
    url = storage.url(one)
    assert requests.get(url, timeout=5).content == b"one"
    assert requests.get(url.partition("?")[0], timeout=5).status_code == 403
    swapped = f"{storage.url(other).partition('?')[0]}?{urlsplit(url).query}"
    assert requests.get(swapped, timeout=5).status_code == 403
    assert requests.delete(url, timeout=5).status_code == 403
    assert requests.put(url, headers={"x-ms-blob-type": "BlockBlob"}, timeout=5).status_code == 403


# --- Delegation keys under load -------------------------------------------------------------------


def together(keys: DelegationKeys, moment: float, threads: int = 16) -> list[Any]:
    """What that many threads get at once: a key, or an error."""
    ready = threading.Barrier(threads)
    got: list[Any] = []

    def work() -> None:
        ready.wait(10)
        try:
            got.append(keys.valid_until(moment))
        except AzureError as error:
            got.append(error)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(20)
    return got


def test_sixteen_threads_renew_a_key_once_and_all_have_one(
    django_site: None,
    lender: Lender,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys, now = keys_of(lender), time.time()
    keys.valid_until(now + PERIOD)
    later = now + LIFETIME_SECONDS - EARLY_SECONDS
    monkeypatch.setattr("azureblob.delegation.time.time", lambda: later)
    got = together(keys, later + PERIOD)
    assert len(got) == 16
    assert all(isinstance(key, UserDelegationKey) for key in got)
    assert len(lender.asked) == 2


def test_who_comes_just_after_a_renewal_does_not_renew_again(
    django_site: None,
    lender: Lender,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread that looked before it and has its turn after it."""
    keys, now = keys_of(lender), time.time()
    keys.valid_until(now + PERIOD)
    later = now + LIFETIME_SECONDS - EARLY_SECONDS
    monkeypatch.setattr("azureblob.delegation.time.time", lambda: later)
    own = keys._fetching

    class Late:
        def acquire(self, blocking: bool = True) -> bool:
            keys._fetching = own
            keys.valid_until(later + PERIOD)
            return own.acquire(blocking)

    keys._fetching = Late()  # type: ignore[assignment]
    keys.valid_until(later + PERIOD)
    assert len(lender.asked) == 2


def test_sixteen_threads_share_one_failure(
    django_site: None,
    lender: Lender,  # noqa: F811
) -> None:
    """One after another they would each wait for a time-out. The next page asks again."""
    lender.broken = True
    keys = keys_of(lender)
    got = together(keys, time.time() + PERIOD)
    assert len(got) == 16
    assert all(isinstance(error, AzureError) for error in got)
    assert len(lender.asked) < 8  # a thread that starts late may be another one
    asked = len(lender.asked)
    lender.broken = False
    keys.valid_until(time.time() + PERIOD)
    assert len(lender.asked) == asked + 1


# --- The setting ----------------------------------------------------------------------------------


def test_the_seconds_of_a_url_come_from_the_environment_and_are_an_hour_by_default() -> None:
    from backend import environment

    assert environment.load(GOOD).media_url_seconds == 3600
    for text in ("600", " 600 "):
        found = environment.load({**GOOD, "AZURE_MEDIA_URL_SECONDS": text})
        assert found.media_url_seconds == 600


@pytest.mark.parametrize("value", ["604800", "259201", "0", "-1", "an hour", "1e3", "6 0", "९"])
def test_seconds_that_no_signature_can_last_are_refused_when_the_settings_load(value: str) -> None:
    said = problem_of(AZURE_MEDIA_URL_SECONDS=value)
    assert f"AZURE_MEDIA_URL_SECONDS is {value!r}; it has to be: a whole number of seconds" in said


def test_the_site_signs_for_as_long_as_the_setting_says(
    django_site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.test import override_settings

    from backend.custom_azure import AzureMediaStorage

    now = 1_800_000_000.0
    monkeypatch.setattr("azureblob.signing.time.time", lambda: now)
    with override_settings(AZURE_MEDIA_ACCESS="private", AZURE_MEDIA_URL_SECONDS=600):
        query = parse_qs(urlsplit(AzureMediaStorage().url("a.png")).query)
    _, expiry = window(now, 600)
    assert query["se"] == [expiry.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")]


# --- url() with django-storages' arguments --------------------------------------------------------

DOWNLOAD = {
    "content_disposition": "attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf",
    "content_type": "application/pdf",
    "cache_control": "private, no-store",
}
SIGNED_DOWNLOAD = {
    "rscd": [DOWNLOAD["content_disposition"]],
    "rsct": [DOWNLOAD["content_type"]],
    "rscc": [DOWNLOAD["cache_control"]],
}


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


@pytest.fixture
def pages(django_site: None) -> Any:
    from django.core.files.base import ContentFile

    from tests.app.contract.conftest import media_storage

    storage = media_storage()
    storage.client.set_container_access_policy({}, public_access=None)
    storage.save("a b.txt", ContentFile(b"one"))
    return storage


@pytest.mark.parametrize("arguments", [{}, {"expire": 60}, {"mode": "r", "expire": "60"}])
def test_a_signed_url_gives_a_download_its_name(pages: Any, arguments: dict[str, Any]) -> None:
    """Against Azurite, with a storage that does not sign by itself."""
    import requests

    assert not pages.signed
    answer = requests.get(pages.url("a b.txt", parameters=DOWNLOAD, **arguments), timeout=5)
    assert answer.content == b"one"
    assert answer.headers["Content-Disposition"] == DOWNLOAD["content_disposition"]
    assert answer.headers["Content-Type"] == DOWNLOAD["content_type"]
    assert answer.headers["Cache-Control"] == DOWNLOAD["cache_control"]


def test_the_name_of_a_download_cannot_be_changed_by_its_receiver(pages: Any) -> None:
    import requests

    url = pages.url("a b.txt", parameters={"content_disposition": "attachment"})
    assert requests.get(url, timeout=5).status_code == 200
    changed = url.replace("rscd=attachment", "rscd=inline")
    assert changed != url
    assert requests.get(changed, timeout=5).status_code == 403
    assert requests.get(f"{url}&rsct=text/html", timeout=5).status_code == 403


def test_expire_is_a_number_of_seconds_from_now(
    pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    now = int(time.time())
    monkeypatch.setattr("azureblob.signing.time.time", lambda: now)
    monkeypatch.setattr("azureblob.storage.time.time", lambda: now)
    for expire in (1, 90, "90", 30 * 24 * 3600):
        query = query_of(pages.url("a b.txt", expire=expire))
        assert query["se"] == [
            dt.datetime.fromtimestamp(now + int(expire), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ]
        assert query["sp"] == ["r"]
    monkeypatch.setattr("azureblob.storage.time.time", lambda: now - 3600)
    assert requests.get(pages.url("a b.txt", expire=60), timeout=5).status_code == 403


def test_a_mode_permits_what_its_letters_say(pages: Any) -> None:
    import requests

    url = pages.url("new.txt", 60, None, "w")  # in django-storages' order
    headers = {"x-ms-blob-type": "BlockBlob"}
    assert requests.put(url, b"sent", headers=headers, timeout=5).status_code == 201
    assert requests.delete(url, timeout=5).status_code == 403
    assert query_of(pages.url("new.txt", mode="rd"))["sp"] == ["rd"]


def test_a_plain_url_is_never_mistaken_for_one_with_parameters(django_site: None) -> None:
    """Whichever is asked for first; and each keeps its URL for the period."""
    from tests.app.contract.conftest import media_storage

    private = media_storage(signed=True)

    def urls() -> list[str]:
        return [
            private.url("a.txt", parameters={"content_disposition": "attachment"}),
            private.url("a.txt"),
            private.url("a.txt", parameters={"content_disposition": "inline"}),
            private.url("a.txt", parameters={}),
        ]

    first = urls()
    assert first == urls()
    assert len(set(first)) == 3
    assert first[1] == first[3]
    assert "rscd" not in query_of(first[1])
    windows = [(query_of(url)["st"], query_of(url)["se"]) for url in first]
    assert windows == [windows[0]] * 4


def test_a_lent_key_signs_parameters_too(django_site: None, lender: Lender) -> None:  # noqa: F811
    storage = private_media(lender)
    url = storage.url("a.txt", parameters=DOWNLOAD)
    query = query_of(url)
    assert {name: query[name] for name in SIGNED_DOWNLOAD} == SIGNED_DOWNLOAD
    start, expiry = (
        dt.datetime.strptime(query[name][0], "%Y-%m-%dT%H:%M:%S%z") for name in ("st", "se")
    )
    download: dict[str, Any] = {**DOWNLOAD}
    token = generate_blob_sas(
        storage.account_name,
        storage.azure_container,
        "a.txt",
        permission=BlobSasPermissions(read=True),
        start=start,
        expiry=expiry,
        protocol="https",
        user_delegation_key=storage.signer.delegation_keys.valid_until(expiry.timestamp()),
        **download,
    )
    assert urlsplit(url).query == token
    assert len(lender.asked) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"expire": 0}, "expire is 0: it must be a whole number"),
        ({"expire": -1}, "expire is -1"),
        ({"expire": 1.5}, "expire is 1.5"),
        ({"expire": True}, "expire is True"),
        ({"expire": "soon"}, "expire is 'soon'"),
        ({"expire": 10**12}, "expire is 1000000000000"),
        ({"mode": ""}, "mode is ''"),
        ({"mode": "rq"}, "mode is 'rq'"),
        ({"parameters": {"ResponseContentDisposition": "inline"}}, "content_disposition"),
        ({"parameters": {"account_key": "x"}}, "parameters has account_key"),
        ({"parameters": {"permission": "rwd"}}, "parameters has permission"),
        ({"parameters": {"expiry": "2099-01-01"}}, "parameters has expiry"),
        ({"parameters": {"content_disposition": "a\r\nSet-Cookie: b"}}, "printable ASCII"),
        ({"parameters": {"content_disposition": "filename=résumé"}}, "content_disposition_header"),
    ],
)
def test_an_argument_that_means_nothing_is_refused(
    pages: Any, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        pages.url("a.txt", **arguments)


def test_an_identity_signs_for_no_longer_than_its_key_lasts(
    django_site: None,
    lender: Lender,  # noqa: F811
) -> None:
    storage = private_media(lender)
    for _ in range(20):
        storage.url("a.txt", expire=2 * LONGEST_SECONDS)
    assert len(lender.asked) == 1
    with pytest.raises(ValueError, match="from 1 to 518400"):
        storage.url("a.txt", expire=2 * LONGEST_SECONDS + 1)


def test_a_key_that_was_just_fetched_is_not_fetched_again_for_the_longest_period(
    django_site: None,
    lender: Lender,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the start of such a period less than a day is left of any key."""
    now = (time.time() // LONGEST_SECONDS + 1) * LONGEST_SECONDS + 1
    monkeypatch.setattr("azureblob.signing.time.time", lambda: now)
    monkeypatch.setattr("azureblob.delegation.time.time", lambda: now)
    keys = keys_of(lender)
    _, expiry = window(now, LONGEST_SECONDS)
    assert len({keys.valid_until(expiry.timestamp()).value for _ in range(20)}) == 1
    assert len(lender.asked) == 1


def test_a_key_that_ended_is_never_signed_with(
    django_site: None,
    lender: Lender,  # noqa: F811
) -> None:
    """Not even while no other can be had."""
    keys, now = keys_of(lender), time.time()
    keys.valid_until(now + PERIOD)
    lender.broken = True
    with pytest.raises(AzureError):
        keys.valid_until(now + LIFETIME_SECONDS + PERIOD)
