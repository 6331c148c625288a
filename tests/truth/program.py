"""Runs the stack's real program in process, and records what it declares.

Pulumi's own mocks stand in for the engine and for Azure, so that neither localazure's engine nor
its provider can hide a fault of the program.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import json
import multiprocessing
import runpy
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi.runtime
import yaml
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs
from pulumi.runtime.stack import run_pulumi_func

from tests.conftest import ROOT
from tests.truth.operations import OPERATIONS
from tests.truth.paths import SUBSCRIPTION
from tests.truth.requests import Request, request

PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
_PATIENCE_SECONDS = 120
_IDENTITY = {"principalId": "99999999-1111-2222-3333-444444444444", "tenantId": SUBSCRIPTION}


class NoModel(Exception):
    """The program declares a type of resource that no model is known for."""


@dataclass(frozen=True)
class Declared:
    token: str
    name: str
    inputs: dict[str, Any]

    @property
    def request(self) -> Request:
        return request(self.token, self.name, self.inputs)


@functools.cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_load)


def _load() -> None:
    """Import what the program needs, and exempt it from garbage collection, as tests/conftest.py
    does for the tests."""
    _declare({})
    gc.collect()
    gc.freeze()


def declare(settings: Mapping[str, Any]) -> list[Declared]:
    """The resources that the program declares with these settings, as an update would.

    The program runs in a process of its own: after other tests of a worker, Pulumi's mocks have
    waited for ever. Raises pulumi.RunError for settings that the program refuses, NoModel for a
    type of resource that the suite does not know.
    """
    declared, unknown = _process().submit(_declare, dict(settings)).result(_PATIENCE_SECONDS)
    unknown |= {one.token for one in declared} - OPERATIONS.keys()
    if unknown:
        raise NoModel(
            f"{', '.join(sorted(unknown))}: add the operation and the model to "
            "tests/truth/operations.py"
        )
    return declared


def _declare(settings: Mapping[str, Any]) -> tuple[list[Declared], set[str]]:
    azure = _Azure(settings)
    # Pulumi keeps its settings and the stack's resource in the context.
    contextvars.copy_context().run(_run, azure, settings)
    return azure.declared, azure.without_model


def problems(settings: Mapping[str, Any]) -> list[str]:
    """Everything in the requests of these settings that Microsoft's models do not allow."""
    return [
        f"{one.token} {one.name}: {problem}"
        for one in declare(settings)
        for problem in one.request.problems
    ]


def _run(azure: _Azure, settings: Mapping[str, Any]) -> None:
    texts = {
        f"{PROJECT['name']}:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.items()
    }
    # Pulumi's mocks need an event loop in the thread that calls them, and do not close it.
    loop, calls = asyncio.new_event_loop(), asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with ThreadPoolExecutor(1, initializer=lambda: asyncio.set_event_loop(calls)) as executor:
        loop.set_default_executor(executor)
        try:
            pulumi.runtime.set_all_config(texts, [])
            pulumi.runtime.set_mocks(azure, project=PROJECT["name"], stack="truth", preview=False)
            loop.run_until_complete(run_pulumi_func(_program))
        finally:
            asyncio.set_event_loop(None)
    loop.close()
    calls.close()


def _program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


class _Azure(pulumi.runtime.Mocks):
    """Records each resource, and answers with the outputs that the program reads."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self.declared: list[Declared] = []
        self.without_model: set[str] = set()

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.typ.startswith("azure-native:"):
            return "", {}  # a component
        if args.resource_id and not args.custom:  # one that is only read
            return args.resource_id, {"name": args.resource_id.rpartition("/")[2]}
        if args.typ not in OPERATIONS:
            self.without_model.add(args.typ)
            return "", args.inputs
        inputs = {name: _plain(value) for name, value in args.inputs.items()}
        one = Declared(args.typ, args.name, inputs)
        self.declared.append(one)
        sent = one.request
        return sent.path, {**inputs, **_outputs(args.typ, sent), "name": sent.name}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        function = args.token.rpartition(":")[2]
        answers: dict[str, dict[str, Any]] = {
            "getClientConfig": {
                "clientId": SUBSCRIPTION,
                "objectId": SUBSCRIPTION,
                "subscriptionId": SUBSCRIPTION,
                "tenantId": SUBSCRIPTION,
            },
            "listStorageAccountKeys": {
                "keys": [
                    {"keyName": name, "permissions": "Full", "value": "c2VjcmV0"}
                    for name in ("key1", "key2")
                ]
            },
            **_existing(self._settings),
        }
        return answers[function], []


def _plain(value: Any) -> Any:
    """A value without the marks of secrets, which azure-native does not send."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _outputs(token: str, sent: Request) -> dict[str, Any]:
    host = f"{sent.name}.blob.core.windows.net"
    secondary = f"{sent.name}-secondary.blob.core.windows.net"
    known: dict[str, dict[str, Any]] = {
        "azure-native:storage:StorageAccount": {
            "primaryEndpoints": {"blob": f"https://{host}/"},
            "secondaryEndpoints": {"blob": f"https://{secondary}/"},
        },
        "azure-native:cdn:Profile": {
            "identity": {"type": "SystemAssigned", **_IDENTITY} if "identity" in sent.body else None
        },
        "azure-native:cdn:AFDEndpoint": {"hostName": f"{sent.name}-abcdef.z01.azurefd.net"},
        "azure-native:managedidentity:UserAssignedIdentity": {
            "clientId": SUBSCRIPTION,
            **_IDENTITY,
        },
        "azure-native:web:WebApp": {
            "defaultHostName": f"{sent.name}.azurewebsites.net",
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {}},
        },
        "azure-native:keyvault:Secret": {
            "properties": {
                "secretUri": f"https://vault.vault.azure.net/secrets/{sent.name}",
                "secretUriWithVersion": f"https://vault.vault.azure.net/secrets/{sent.name}/1",
            }
        },
        "azure-native:cdn:AFDCustomDomain": {
            "validationProperties": {"expirationDate": "", "validationToken": "token"}
        },
    }
    return known.get(token, {})


def _existing(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the functions return for an account to adopt that fits the settings."""
    account = {
        "allowBlobPublicAccess": True,
        "kind": settings.get("accountKind", "StorageV2"),
        "location": settings.get("location", "westeurope"),
        "minimumTlsVersion": "TLS1_0",
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
    }
    return {
        "getStorageAccount": account,
        "getBlobServiceProperties": {"cors": {"corsRules": []}},
        "getBlobContainer": {"publicAccess": "None"},
        "getManagementPolicy": {"policy": {"rules": []}},
    }
