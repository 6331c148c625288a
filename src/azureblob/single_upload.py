"""Put Blob, the request that stores a small file.

Most of the CPU time of a small upload is spent in azure-storage-blob, which creates a client for
each blob and runs 16 policies for each request. This module sends the same request through a short
pipeline of azure-core's policies, with the same connections, retries, time limits, log and traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.pipeline import Pipeline, PipelineRequest
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    DistributedTracingPolicy,
    HttpLoggingPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import HttpRequest, HttpResponse
from azure.storage.blob import StorageErrorCode

from azureblob.client import DirectTransport, RetryPolicy, SharedTransport
from azureblob.rest.auth import API_VERSION, Authorization

_SIGNED_ANEW = {"Authorization", "Content-Length"}
_SCOPE = "https://storage.azure.com/.default"
_ERRORS: Mapping[int, type[HttpResponseError]] = {
    404: ResourceNotFoundError,
    409: ResourceExistsError,
    412: ResourceModifiedError,
}
_NOT_AUTHENTICATED = {
    StorageErrorCode.AUTHENTICATION_FAILED.value,
    StorageErrorCode.INVALID_AUTHENTICATION_INFO.value,
}


class SingleUpload:
    """Sends files to the container at `url` over the connections of `transport`. Thread-safe."""

    def __init__(
        self,
        url: str,
        transport: SharedTransport,
        retries: RetryPolicy,
        authorization: Authorization | TokenCredential,
    ) -> None:
        self._url = url
        signing: Any = (
            BearerTokenCredentialPolicy(authorization, _SCOPE)
            if isinstance(authorization, TokenCredential)
            else _Signing(authorization)
        )
        policies = [
            UserAgentPolicy(sdk_moniker="django-azure-blob"),
            RequestIdPolicy(),
            retries,
            signing,
            DistributedTracingPolicy(),
            HttpLoggingPolicy(),
        ]
        direct = DirectTransport(transport)
        self._pipeline: Pipeline[HttpRequest, HttpResponse] = Pipeline(direct, policies)

    def send(self, name: str, data: bytes, headers: Mapping[str, str], *, timeout: int) -> bool:
        """Store the data as the blob `name`. `headers` are the blob's headers and metadata, and
        conditions; the service gives up after `timeout` seconds.

        Returns False if the service asks for another identity, which the SDK knows how to get.
        Raises AzureError as the SDK does.
        """
        request = HttpRequest(
            "PUT",
            f"{self._url}/{quote(name, safe='/~')}?timeout={timeout}",
            headers={
                "x-ms-blob-type": "BlockBlob",
                "x-ms-version": API_VERSION,
                "Content-Type": "application/octet-stream",
                "Content-Length": str(len(data)),
                **headers,
            },
        )
        request.data = data
        response = self._pipeline.run(request).http_response
        if response.status_code == 401:
            return False
        if response.status_code != 201:
            raise _error(response)
        return True


class _Signing(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Signs each attempt with the account's key."""

    def __init__(self, authorization: Authorization) -> None:
        self._authorization = authorization

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        sent = request.http_request
        url = urlsplit(sent.url)
        query = dict([url.query.split("=")])
        headers = {k: v for k, v in sent.headers.items() if k not in _SIGNED_ANEW}
        length = len(sent.data or b"")
        sent.headers.update(
            self._authorization.headers(sent.method, url.path, query, headers, length)
        )


def _error(response: HttpResponse) -> HttpResponseError:
    """The error that the SDK raises for this response."""
    code = response.headers.get("x-ms-error-code", "")
    kind = _ERRORS.get(response.status_code, HttpResponseError)
    if code in _NOT_AUTHENTICATED:
        kind = ClientAuthenticationError
    error = kind(message=f"{response.reason}\nErrorCode:{code}", response=response)
    error.error_code = code  # type: ignore[attr-defined]  # an attribute of the SDK's errors
    return error
