"""The real program with Pulumi's mocks: every registration of it, with its options.

Neither localazure's engine nor its provider takes part, so that their faults cannot hide one of
`infra`. The program has run to its end before anything can be asserted: all registrations, outputs
and messages have arrived. The life of a deployed stack is tested in `tests/profiles`, `tests/e2e`.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import runpy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pulumi
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func

from tests.conftest import ROOT

GROUP = "azure-native:resources:ResourceGroup"
ACCOUNT = "azure-native:storage:StorageAccount"
SERVICE = "azure-native:storage:BlobServiceProperties"
CONTAINER = "azure-native:storage:BlobContainer"
LIFECYCLE = "azure-native:storage:ManagementPolicy"
ROLE = "azure-native:authorization:RoleAssignment"
LOCK = "azure-native:authorization:ManagementLockByScope"
PROJECT, STACK = "django-azure-blob", "local"
SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
SUBNET = (
    f"{SUBSCRIPTION}/resourceGroups/network/providers/"
    "Microsoft.Network/virtualNetworks/hub/subnets/web"
)
KEY = "an account key"


@dataclass
class Resource:
    """One registration. `dependencies` and `deleted_with` are URNs."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    protect: bool
    retain_on_delete: bool
    deleted_with: str
    dependencies: list[str]
    outputs: dict[str, Any]


class Declared:
    """What settings (texts, or values that become JSON) lead to.

    Raises what the program raises.
    """

    def __init__(self, **settings: Any) -> None:
        self.warnings: list[str] = []
        self.outputs: dict[str, Any] = {}
        self.secrets: set[str] = set()
        texts = {
            f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in settings.items()
        }
        self._monitor = _Monitor(_Azure())
        with patch.dict("os.environ", PULUMI_CONFIG=json.dumps(texts)):
            # Pulumi keeps its settings and the stack's resource in the context.
            contextvars.copy_context().run(self._run)
        self.components = [each for each in self._monitor.registered if not each.custom]
        self.resources = [each for each in self._monitor.registered if each.custom]

    def inputs(self, token: str) -> list[dict[str, Any]]:
        return [resource.inputs for resource in self.resources if resource.type == token]

    def tokens(self) -> list[str]:
        return sorted(resource.type for resource in self.resources)

    def _run(self) -> None:
        logger = logging.Logger("program")
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: self.warnings.append(record.getMessage())  # type: ignore[method-assign]
        logger.addHandler(handler)
        # The mocks need an event loop in each thread that calls them, and do not close it.
        loop, calls = asyncio.new_event_loop(), asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            with ThreadPoolExecutor(1, initializer=lambda: asyncio.set_event_loop(calls)) as pool:
                loop.set_default_executor(pool)
                pulumi.runtime.set_mocks(
                    self._monitor.mocks, PROJECT, STACK, False, logger, self._monitor
                )
                # As pulumi.runtime.test does: outputs of earlier tests have no event loop any more.
                SETTINGS.outputs.clear()
                loop.run_until_complete(run_pulumi_func(self._program))
                loop.run_until_complete(self._collect())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
            calls.close()

    def _program(self) -> None:
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    async def _collect(self) -> None:
        root: Any = pulumi.runtime.get_root_resource()
        for name, value in root.outputs.items():
            output = pulumi.Output.from_input(value)
            self.outputs[name] = await output.future()
            if await output.is_secret():
                self.secrets.add(name)


class _Monitor(MockMonitor):
    """Records what a mock is not given: a resource's options, and a component's outputs."""

    def __init__(self, mocks: Mocks) -> None:
        super().__init__(mocks)
        self.registered: list[Resource] = []

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            resource = Resource(
                urn=answer.urn,
                type=request.type,
                name=request.name,
                custom=request.custom,
                inputs=pulumi.runtime.rpc.deserialize_properties(request.object),
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                deleted_with=request.deletedWith,
                dependencies=list(request.dependencies),
                outputs={},
            )
            self.registered.append(resource)
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        for each in self.registered:
            if each.urn == request.urn:
                each.outputs = pulumi.runtime.rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _Azure(Mocks):
    """Answers with the outputs that the program reads."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.custom:
            return "", {}
        inputs = args.inputs
        named_by = {ACCOUNT: "accountName", CONTAINER: "containerName", GROUP: "resourceGroupName"}
        # azure-native generates a name from the resource's, unless one is given.
        name = inputs.get(named_by.get(args.typ, ""), args.name)
        host = f"{name}.blob.core.windows.net"
        known: dict[str, dict[str, Any]] = {
            ACCOUNT: {
                "primaryEndpoints": {"blob": f"https://{host}/"},
                "secondaryEndpoints": {"blob": f"https://{name}-secondary.blob.core.windows.net/"},
            },
            "azure-native:cdn:Profile": {
                "identity": {"principalId": "the door's", "type": "SystemAssigned"}
            },
            "azure-native:cdn:AFDEndpoint": {"hostName": f"{name}.azurefd.net"},
            "azure-native:managedidentity:UserAssignedIdentity": {
                "clientId": "the site's client",
                "principalId": "the site's",
                "tenantId": "the tenant",
            },
            "azure-native:web:WebApp": {
                "defaultHostName": f"{name}.azurewebsites.net",
                # An input is a list of ids, the answer has more about each.
                "identity": {"type": "UserAssigned", "userAssignedIdentities": {}},
            },
            "azure-native:keyvault:Secret": {
                "properties": {
                    "secretUri": f"https://vault/secrets/{inputs.get('secretName')}",
                    "secretUriWithVersion": f"https://vault/secrets/{inputs.get('secretName')}/1",
                }
            },
            "azure-native:cdn:AFDCustomDomain": {
                "validationProperties": {"expirationDate": "", "validationToken": "token"}
            },
        }
        return f"{SUBSCRIPTION}/{name}", {**inputs, **known.get(args.typ, {}), "name": name}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        answers: dict[str, dict[str, Any]] = {
            "azure-native:authorization:getClientConfig": {"subscriptionId": SUBSCRIPTION},
            "azure-native:storage:listStorageAccountKeys": {
                "keys": [
                    {"keyName": "key1", "permissions": "Full", "value": KEY},
                    {"keyName": "key2", "permissions": "Full", "value": "the other key"},
                ]
            },
        }
        return answers[args.token], []
