"""Errors of the service, in sentences that know nothing of a site."""

from __future__ import annotations

import subprocess
import sys

import pytest

from azureblob.advice import Advice
from azureblob.explanations import explain
from azureblob.rest import errors
from azureblob.rest.errors import BlobServiceError, SignInError, is_fatal, service_error
from azureblob.rest.models import Response


def response(code: str, status: int = 403) -> Response:
    return Response(status, [f"x-ms-error-code: {code}".encode()], container="media")


@pytest.mark.parametrize("code", errors._FATAL)
def test_a_code_that_would_repeat_for_every_request_ends_the_work(code: str) -> None:
    assert is_fatal(response(code))
    error = service_error(response(code))
    assert (error.code, error.container, error.unanswered) == (code, "media", False)
    assert str(error).startswith(f"Blob storage said {code}: the")
    assert str(error).endswith(".")


@pytest.mark.parametrize("code", errors._FATAL)
def test_no_error_names_a_setting_or_a_command(code: str) -> None:
    """What to do next is the site's advice."""
    said = str(service_error(response(code)))
    assert "AZURE" not in said and "az " not in said


def test_an_error_of_one_blob_does_not_end_the_work() -> None:
    assert not is_fatal(response("BlobNotFound", 404))
    assert not is_fatal(Response(201))
    said = str(service_error(response("BlobNotFound", 404), "a.json cannot be read."))
    assert said == "a.json cannot be read. Blob storage said BlobNotFound (status 404)."


def test_a_service_that_does_not_answer_is_named_with_the_reason() -> None:
    error = service_error(Response(0, failure="Connection refused"))
    assert str(error) == "Blob storage does not answer: Connection refused."
    assert error.unanswered
    assert explain(error).endswith("Is AZURE_BLOB_ENDPOINT right, and does the service run?")


def test_an_error_without_advice_is_explained_by_its_own_text() -> None:
    assert explain(BlobServiceError("The list is not XML.")) == "The list is not XML."


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (SignInError("No identity signs in: x"), "(az login)."),
        (service_error(response("InvalidAuthenticationInfo")), "(az login)."),
        (service_error(response("KeyBasedAuthenticationNotPermitted")), "'identity'"),
        (service_error(response("ContainerNotFound", 404)), "--name media), then try again."),
    ],
)
def test_an_error_is_explained_with_what_to_do_next(
    error: BlobServiceError, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests may have set up a site with its own advice.
    monkeypatch.setattr("azureblob.advice.advice_class", lambda: Advice)
    said = explain(error)
    assert said.startswith(str(error)) and advice in said


def test_the_client_knows_neither_django_nor_the_other_packages() -> None:
    script = """
import pkgutil, sys
import azureblob.rest
for info in pkgutil.iter_modules(azureblob.rest.__path__, "azureblob.rest."):
    __import__(info.name)
own = {"azureblob", "azureblob.credentials", "azureblob.extras"}
print(sorted(
    name
    for name in sys.modules
    if name.partition(".")[0] in {"django", "storages", "azure"}
    or name.startswith("azureblob") and not name.startswith("azureblob.rest") and name not in own
))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"
