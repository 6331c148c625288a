"""Clients of the blob service for a site that answers pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ExponentialRetry
from requests.adapters import HTTPAdapter
from urllib3 import Retry

# As many as a process has threads at work on blobs. With the ten of requests every further one
# connects anew for each call, and urllib3 warns each time.
_CONNECTIONS = 64
_OF_TRANSPORT = ("connection_verify", "connection_cert", "use_env_settings")


def service_client(
    endpoint: str,
    credential: AzureNamedKeyCredential | TokenCredential,
    options: Mapping[str, Any],
    *,
    retries: int,
    connect: float,
    read: float,
) -> BlobServiceClient:
    """A client with time-outs in seconds, whose connections many threads may share.

    The library's own time-outs are meant for batch jobs: 20 s to connect, 60 s to read, 15 s and
    more before it tries again. `options` are what BlobServiceClient takes, and go before.
    """
    chosen = {
        "connection_timeout": connect,
        "read_timeout": read,
        "retry_policy": ExponentialRetry(
            initial_backoff=1, increment_base=2, retry_total=retries, random_jitter_range=1
        ),
        **options,
    }
    if "transport" not in chosen:
        chosen["transport"] = _transport(chosen)
    return BlobServiceClient(endpoint.rstrip("/"), credential=credential, **chosen)


def _transport(options: Mapping[str, Any]) -> RequestsTransport:
    """Made whole here: left to the first request, two threads would each make a session."""
    session = requests.Session()
    session.trust_env = options.get("use_env_settings", True)
    # Tries are the client's own business.
    retries = Retry(total=False, redirect=False, raise_on_status=False)
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=retries))
    return RequestsTransport(
        session=session,
        session_owner=True,
        connection_timeout=options["connection_timeout"],
        read_timeout=options["read_timeout"],
        **{name: options[name] for name in _OF_TRANSPORT if name in options},
    )
