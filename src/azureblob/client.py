"""SDK clients of the blob service for code that serves pages.

An open budget (azureblob.timeouts) limits every call: the time-outs of each attempt, the pauses
between attempts, and each read from and write to a socket, so that a server that trickles bytes
cannot exceed it.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import requests
from azure.core.credentials import AccessToken, AzureNamedKeyCredential, TokenCredential
from azure.core.exceptions import (
    AzureError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import (
    HttpRequest,
    HttpResponse,
    HttpTransport,
    RequestsTransport,
)
from azure.storage.blob import BlobServiceClient, ExponentialRetry
from requests.adapters import HTTPAdapter
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity, select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from azureblob.circuit import Circuit
from azureblob.rest.models import is_loopback
from azureblob.timeouts import Budget, OutOfTime, StorageUnavailable, current, within

T = TypeVar("T")

# At least as many as a process has threads that use storage. With the default of 10, each further
# thread opens a new connection for every call, and urllib3 logs a warning each time.
_CONNECTIONS = 64
_OF_TRANSPORT = ("connection_verify", "connection_cert", "use_env_settings")
# How long the SDK sleeps before it requests a body again that broke off; it has no setting for it.
_PAUSE_SECONDS = 1.0
# The client's retry policy does the retries.
_NO_RETRIES = Retry(total=False, redirect=False, raise_on_status=False)
# An argument that passes the budget to SDK calls that start their own threads.
BUDGET = "azureblob_budget"


def service_client(
    endpoint: str,
    credential: AzureNamedKeyCredential | TokenCredential,
    options: Mapping[str, Any],
    *,
    retries: int,
    connect: float,
    read: float,
    circuit: Circuit | None = None,
) -> BlobServiceClient:
    """A client with time-outs in seconds, whose connections threads may share.

    The SDK's defaults are meant for batch jobs: 20 s to connect, 60 s to read, at least 12 s before
    the first retry. `options` are BlobServiceClient's and take precedence. `circuit` only applies
    to calls with a budget.
    """
    chosen = {
        "connection_timeout": connect,
        "read_timeout": read,
        "retry_policy": RetryPolicy(circuit or Circuit(), retries),
        **options,
    }
    if "transport" not in chosen:
        chosen["transport"] = shared_transport(chosen)
    return BlobServiceClient(endpoint.rstrip("/"), credential=credential, **chosen)


class BoundedCredential:
    """An identity that waits for a token no longer than the budget allows."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        budget = current()
        if budget is None:
            return self._credential.get_token(*scopes, **options)
        with budget.spending():
            try:
                return within(budget.left(), lambda: self._credential.get_token(*scopes, **options))
            except TimeoutError:
                raise OutOfTime("No token arrived in time.") from None


class RetryPolicy(ExponentialRetry):
    """Retries within the budget, and reports the outcome to the circuit."""

    def __init__(self, circuit: Circuit, retries: int) -> None:
        super().__init__(
            initial_backoff=1, increment_base=2, retry_total=retries, random_jitter_range=1
        )
        self._circuit = circuit

    def send(self, request: Any) -> Any:
        options = request.context.options
        given: Budget | None = options.pop(BUDGET, None)
        budget = given or current()
        if budget is None:
            return super().send(request)  # type: ignore[no-untyped-call]
        # A streamed body is read later; Circuit.streaming() reports its outcome.
        streamed = bool(options.get("stream"))
        with budget.used(), budget.spending():
            self._circuit.admit(budget.left())
            try:
                answer = super().send(request)  # type: ignore[no-untyped-call]
            except (ServiceRequestError, ServiceResponseError) as error:
                self._circuit.failed()
                if budget.left() <= 0 and not isinstance(error, StorageUnavailable):
                    raise OutOfTime("Storage did not answer in time.") from None
                raise
        if answer.http_response.status_code >= 500:
            self._circuit.failed()
        elif not streamed:
            self._circuit.succeeded()
        return answer

    def increment(
        self,
        settings: dict[str, Any],
        request: Any,
        response: Any = None,
        error: AzureError | None = None,
    ) -> bool:
        budget = current()
        if budget is not None:
            after = response.headers.get("Retry-After", "") if response is not None else ""
            settings["after"] = int(after) if after.isascii() and after.isdigit() else 0
            if isinstance(error, StorageUnavailable) or budget.left() <= settings["after"]:
                return False
        return bool(super().increment(settings, request, response, error))

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        return max(float(super().get_backoff_time(settings)), float(settings.get("after", 0)))

    def sleep(self, settings: dict[str, Any], transport: Any) -> None:
        budget = current()
        if budget is None:
            super().sleep(settings, transport)  # type: ignore[no-untyped-call]
            return
        pause = max(0.0, self.get_backoff_time(settings))
        if pause >= budget.left():
            raise OutOfTime("There is no time left for another attempt.") from None
        transport.sleep(pause)


class SharedTransport(RequestsTransport):  # type: ignore[misc]  # it is loaded by name
    def send(self, request: Any, **options: Any) -> Any:
        if current() is not None:
            options.update(self.timeouts(options))
        return super().send(request, **options)

    def timeouts(self, options: Mapping[str, Any]) -> dict[str, float]:
        """The time-outs of a request with these options, within the budget. Raises OutOfTime."""
        own = self.connection_config
        usual = {"connection_timeout": own.timeout, "read_timeout": own.read_timeout}
        chosen = {name: options.get(name, seconds) for name, seconds in usual.items()}
        if (budget := current()) is None:
            return chosen
        # Half of what is left, so that a dead connection leaves time for another attempt.
        longest = budget.required() / 2
        return {name: min(seconds, longest) for name, seconds in chosen.items()}


class DirectTransport(HttpTransport[HttpRequest, HttpResponse]):
    """Sends requests with a body in memory over the connections of a SharedTransport.

    It leaves out requests, which takes more CPU time than the sending.
    """

    def __init__(self, shared: SharedTransport) -> None:
        self._shared = shared
        self._pools: dict[str, HTTPConnectionPool | None] = {}

    def open(self) -> None:
        self._shared.open()

    def close(self) -> None:
        """Does nothing: the connections belong to the other transport."""

    def __enter__(self) -> DirectTransport:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def sleep(self, duration: float) -> None:
        self._shared.sleep(duration)

    def send(self, request: HttpRequest, **options: Any) -> HttpResponse:
        """Raises AzureError as RequestsTransport does."""
        scheme, host, path, query, _ = urlsplit(request.url)
        if host not in self._pools:
            self._pools[host] = self._pool(f"{scheme}://{host}/")
        pool = self._pools[host]
        if pool is None:
            return cast("HttpResponse", self._shared.send(request, **options))
        seconds = self._shared.timeouts(options)
        try:
            response = pool.urlopen(
                request.method,
                f"{path}?{query}" if query else path,
                request.data,
                request.headers,
                retries=_NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(seconds["connection_timeout"], seconds["read_timeout"]),
                decode_content=False,
            )
        except NewConnectionError as error:  # a kind of ConnectTimeoutError
            raise ServiceRequestError(error, error=error) from error
        except ConnectTimeoutError as error:
            raise ServiceRequestTimeoutError(error, error=error) from error
        except ReadTimeoutError as error:
            raise ServiceResponseTimeoutError(error, error=error) from error
        except ProtocolError as error:
            raise ServiceResponseError(error, error=error) from error
        except HTTPError as error:
            raise ServiceRequestError(error, error=error) from error
        return _DirectResponse(request, response)

    def _pool(self, url: str) -> HTTPConnectionPool | None:
        """The connections to a host; None if a proxy is in between, or requests is too old."""
        session, own = self._shared.session, self._shared.connection_config
        found = session.environment(url, own.verify, own.cert)
        connect = getattr(session.get_adapter(url), "get_connection_with_tls_context", None)
        if connect is None or select_proxy(url, found["proxies"]):
            return None
        prepared = requests.PreparedRequest()
        prepared.url = url
        return cast("HTTPConnectionPool", connect(prepared, found["verify"], {}, found["cert"]))


class _DirectResponse(HttpResponse):
    def __init__(self, request: HttpRequest, response: Any) -> None:
        super().__init__(request, response)
        self.status_code = response.status
        self.headers = response.headers
        self.reason = response.reason or ""
        self.content_type = response.headers.get("content-type")

    def body(self) -> bytes:
        data: bytes = self.internal_response.data
        return data


class _Session(requests.Session):
    """Prepares the SDK's usual requests itself.

    For each request, requests reads all environment variables twice, looks into ~/.netrc, and
    parses and joins URLs, headers and cookies that the SDK has made already: more CPU time than
    sending it. Here the environment's proxies and certificates are read once for each host.
    """

    def __init__(self) -> None:
        super().__init__()
        self._environments: dict[str, Any] = {}

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        data = options.get("data")
        simple = (
            (data is None or isinstance(data, bytes))
            and not any(options.get(name) for name in ("allow_redirects", "files", "proxies"))
            and options.keys() <= _PREPARED
            and _PLAIN_URL.fullmatch(url)
            and "/." not in url
        )
        if not simple:
            return super().request(method, url, **options)
        headers = CaseInsensitiveDict[str | bytes](self.headers)
        for header in options["headers"].items():
            check_header_validity(header)
            headers[header[0]] = header[1]
        if data or method not in {"GET", "HEAD"}:
            headers["Content-Length"] = str(len(data or b""))
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.body = method, url, data or None
        prepared.headers, prepared.hooks = headers, default_hooks()
        stream = bool(options.get("stream"))
        response = self.get_adapter(url).send(
            prepared,
            stream=stream,
            timeout=options["timeout"],
            **self.environment(url, options["verify"], options["cert"]),
        )
        if not stream:
            _ = response.content  # reads it
        return response

    def merge_environment_settings(self, url: Any, *arguments: Any) -> Any:
        found = super().merge_environment_settings(url, *arguments)
        return found | {"proxies": {}} if is_loopback(url) else found

    def environment(self, url: str, verify: Any, cert: Any) -> dict[str, Any]:
        """The environment's `proxies`, and `verify` and `cert` with those of the environment."""
        host = urlsplit(url).netloc
        if host not in self._environments:
            found = dict(self.merge_environment_settings(url, {}, None, verify, cert))
            del found["stream"]
            self._environments[host] = found
        return cast("dict[str, Any]", self._environments[host])


# The options of request() that a prepared request takes into account.
_PREPARED = {"headers", "data", "files", "verify", "timeout", "cert", "allow_redirects", "proxies"}
_PREPARED |= {"stream"}
# A URL that requests would not change.
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*")


def shared_transport(options: Mapping[str, Any]) -> SharedTransport:
    """Created eagerly: with the SDK's lazy creation, two threads may each create a session."""
    session = _Session()
    session.trust_env = options.get("use_env_settings", True)
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(pool_maxsize=_CONNECTIONS, max_retries=_NO_RETRIES))
    return SharedTransport(
        session=session,
        session_owner=True,
        connection_timeout=options["connection_timeout"],
        read_timeout=options["read_timeout"],
        **{name: options[name] for name in _OF_TRANSPORT if name in options},
    )


# --- Connections within the budget ----------------------------------------------------------------


def _in_time(sock: Any, work: Callable[..., T], *arguments: Any) -> T:
    """One read or write. The time-out of requests applies to each of them, not to their sum."""
    budget = current()
    if budget is None:
        return work(*arguments)
    with budget.spending():
        usual = sock.gettimeout()
        left = max(budget.left(), 0.001)
        sock.settimeout(left if usual is None else min(usual, left))
        try:
            return work(*arguments)
        except TimeoutError:
            if budget.left() > _PAUSE_SECONDS:
                raise
            raise OutOfTime("Storage did not answer in time.") from None
        finally:
            sock.settimeout(usual)


class _Bounded:
    """The methods of a socket that http.client calls."""

    __slots__ = ()

    def recv_into(self, *arguments: Any) -> int:
        count: int = _in_time(self, super().recv_into, *arguments)  # type: ignore[misc]
        if budget := current():
            budget.moved(received=count)
        return count

    def send(self, *arguments: Any) -> int:
        count: int = _in_time(self, super().send, *arguments)  # type: ignore[misc]
        if budget := current():
            budget.moved(sent=count)
        return count

    def sendall(self, data: Any, *arguments: Any) -> None:
        _in_time(self, super().sendall, data, *arguments)  # type: ignore[misc]
        if budget := current():
            budget.moved(sent=len(data))


class _BoundedSocket(_Bounded, socket.socket):
    __slots__ = ()


class _BoundedSSLSocket(_Bounded, ssl.SSLSocket):
    pass


_BOUNDED: dict[type, type] = {
    socket.socket: _BoundedSocket,
    ssl.SSLSocket: _BoundedSSLSocket,
}


def _connected(connection: Any, connect: Callable[[], None]) -> None:
    """Connect within the budget, although resolving a name has no time-out of its own."""
    budget = current()
    if budget is None:
        connect()
    else:
        given_up = False

        def work() -> None:
            connect()
            if given_up:
                connection.close()

        with budget.spending():
            try:
                within(budget.left(), work)
            except TimeoutError:
                given_up = True
                raise ConnectTimeoutError(connection, "Connecting took too long") from None
    sock = connection.sock
    if type(sock) in _BOUNDED:
        sock.__class__ = _BOUNDED[type(sock)]


class _Connection(HTTPConnection):
    def connect(self) -> None:
        _connected(self, super().connect)


class _TLSConnection(HTTPSConnection):
    def connect(self) -> None:
        _connected(self, super().connect)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        _use_pools(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        _use_pools(manager)
        return manager


def _use_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = cast("Any", {"http": _Pool, "https": _TLSPool})
