"""A stack whose program is a few lines of a test."""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from localazure.azurite import Azurite
from localazure.engine.commands import Engine
from localazure.engine.display import Display
from localazure.engine.plan import Plan
from localazure.engine.project import Project
from localazure.engine.state import Resource, State
from localazure.provider.provider import Provider

HEAD = """\
import pulumi
from pulumi_azure_native import authorization, resources, storage
from pulumi import ResourceOptions as Options

config = pulumi.Config()
"""
GROUP = """\
group = resources.ResourceGroup("group", resource_group_name="Group", location="westeurope")
"""
ACCOUNT = """\
account = storage.StorageAccount(
    "store", account_name="benchstore", resource_group_name=group.name, location="westeurope",
    kind="StorageV2", sku=storage.SkuArgs(name="Standard_LRS"), allow_blob_public_access=True,
)
there = dict(account_name=account.name, resource_group_name=group.name)
"""
GROUP_ID = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Group"
ACCOUNT_ID = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/benchstore"


@dataclass
class Bench:
    azurite: Azurite
    root: Path
    settings: dict[str, str] = field(default_factory=dict)
    printed: str = ""

    def program(self, *parts: str) -> None:
        text = HEAD + "".join(textwrap.dedent(part) for part in parts)
        (self.root / "__main__.py").write_text(text)

    def engine(self, stream: io.StringIO) -> Engine:
        config = {f"bench:{key}": value for key, value in self.settings.items()}
        project = Project("bench", "bench", self.root, self.root / "__main__.py", config)
        return Engine(project, self.azurite, Display(stream))

    def run(self, command: str, *, yes: bool = True) -> str:
        stream = io.StringIO()
        engine = self.engine(stream)
        try:
            getattr(engine, command)(**({} if command == "preview" else {"yes": yes}))
        finally:
            self.printed = stream.getvalue()
        return self.printed

    def plan(self) -> Plan:
        return self.engine(io.StringIO()).plan()

    def resource(self, name: str) -> Resource:
        return next(r for r in self.state.resources if r.name == name)

    @property
    def state(self) -> State:
        return State(self.azurite.state_dir, "bench")

    @property
    def provider(self) -> Provider:
        return Provider(self.azurite)


def summary(printed: str) -> str:
    return " ".join(printed.partition("Resources:")[2].partition("Duration")[0].split())
