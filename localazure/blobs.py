"""An account's data plane in Azurite: containers, their access level, and the CORS rules."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from azure.core import exceptions
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerProperties, CorsRule, PublicAccess

from localazure.azurite import Azurite
from localazure.errors import ArmError, LocalAzureError

# ARM's names for a container's access level, and the data plane's.
LEVELS: dict[str, PublicAccess | None] = {
    "None": None,
    "Blob": PublicAccess.BLOB,
    "Container": PublicAccess.CONTAINER,
}


def _told_apart(cls: type[Blobs]) -> type[Blobs]:
    """Translate the SDK's exceptions: a refusal is ArmError, no answer LocalAzureError."""

    def translated(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def wrapper(self: Blobs, *arguments: Any) -> Any:
            try:
                return method(self, *arguments)
            except exceptions.HttpResponseError as error:
                if error.status_code is None:
                    raise self.silent(error) from None
                code = getattr(error, "error_code", None) or error.reason
                text = (error.message or "").partition("\n")[0]
                raise ArmError(error.status_code, str(getattr(code, "value", code)), text) from None
            except exceptions.AzureError as error:
                raise self.silent(error) from None

        return wrapper

    for name, method in list(vars(cls).items()):
        if callable(method) and not name.startswith("_") and name != "silent":
            setattr(cls, name, translated(method))
    return cls


@_told_apart
class Blobs:
    """Data-plane calls for one account, to a running Azurite."""

    def __init__(self, azurite: Azurite, account: str, key: str) -> None:
        self._azurite = azurite
        self._client = BlobServiceClient(
            azurite.endpoint(account).rstrip("/"),
            credential={"account_name": account, "account_key": key},
            use_env_settings=False,  # loopback must not go through HTTP_PROXY
            # On loopback, the SDK's wait of 15 seconds before a retry is pointless.
            retry_total=2,
            initial_backoff=0,
            increment_base=1,
            connection_timeout=5,
            read_timeout=30,
        )

    def silent(self, error: Exception) -> LocalAzureError:
        """The error if Azurite ended or does not answer."""
        azurite = self._azurite
        return LocalAzureError(
            f"Azurite on port {azurite.port} stopped answering ({type(error).__name__}); its log "
            f"is {azurite.log}. Run the same command again: it starts Azurite again and goes on "
            "from what was done"
        )

    def create_container(self, name: str, level: str) -> None:
        try:
            self._client.create_container(name, public_access=LEVELS[level])
        except ResourceExistsError:
            self.set_level(name, level)

    def delete_container(self, name: str) -> None:
        with suppress(ResourceNotFoundError):
            self._client.delete_container(name)

    def set_level(self, name: str, level: str) -> None:
        with suppress(ResourceNotFoundError):
            self._client.get_container_client(name).set_container_access_policy(
                signed_identifiers={}, public_access=LEVELS[level]
            )

    def container(self, name: str) -> dict[str, Any] | None:
        """`{publicAccess, etag, lastModifiedTime}` of a container, or None if there is none."""
        try:
            found: ContainerProperties = self._client.get_container_client(
                name
            ).get_container_properties()
        except ResourceNotFoundError:
            return None
        level = str(found.public_access) if found.public_access else "none"
        return {
            "publicAccess": level.capitalize(),
            "etag": found.etag,
            "lastModifiedTime": found.last_modified.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        }

    def container_names(self) -> list[str]:
        return [str(container.name) for container in self._client.list_containers()]

    def set_cors(self, rules: list[dict[str, Any]]) -> None:
        """Set the rules, each split after every origin with a wildcard.

        Azurite 3.35 ignores the origins that follow one with a wildcard
        (`PreflightMiddlewareFactory.checkOrigin`); Azure does not.
        """
        self._client.set_service_properties(
            cors=[
                CorsRule(
                    origins,
                    rule["allowedMethods"],
                    allowed_headers=rule["allowedHeaders"],
                    exposed_headers=rule["exposedHeaders"],
                    max_age_in_seconds=int(rule["maxAgeInSeconds"]),
                )
                for rule in rules
                for origins in _split_after_wildcards(rule["allowedOrigins"])
            ]
        )

    def cors(self) -> list[dict[str, Any]]:
        """The rules as ARM shows them: lists of strings, and seconds."""
        rules: list[dict[str, Any]] = []
        for found in self._client.get_service_properties()["cors"]:
            origins = _split(found.allowed_origins)
            rule = {
                "allowedMethods": _split(found.allowed_methods),
                "allowedHeaders": _split(found.allowed_headers),
                "exposedHeaders": _split(found.exposed_headers),
                "maxAgeInSeconds": found.max_age_in_seconds,
            }
            before = rules[-1] if rules else {"allowedOrigins": []}
            split = any("*" in origin for origin in before["allowedOrigins"][-1:])
            if split and before == {**before, **rule}:
                before["allowedOrigins"] += origins
            else:
                rules.append({"allowedOrigins": origins, **rule})
        return rules


def _split_after_wildcards(origins: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for number, origin in enumerate(origins, start=1):
        parts[-1].append(origin)
        if "*" in origin and number < len(origins):
            parts.append([])
    return parts


def _split(text: str | None) -> list[str]:
    return [part for part in (text or "").split(",") if part]
