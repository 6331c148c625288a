"""The real program run to its end in a preview: every registration that reaches an engine.

Previews only, so nothing runs beside the program. The lifecycle with its effects is tested in
`tests/localazure`, `tests/profiles` and `tests/e2e`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from localazure.azurite import Azurite
from localazure.engine.deployment import Deployment
from localazure.engine.program import run_program
from localazure.engine.project import load_project
from localazure.engine.state import Resource, State
from localazure.engine.steps import Listener, Message, Step
from localazure.provider.provider import Provider
from tests.conftest import ROOT, free_port

GROUP = "azure-native:resources:ResourceGroup"
ACCOUNT = "azure-native:storage:StorageAccount"
SERVICE = "azure-native:storage:BlobServiceProperties"
CONTAINER = "azure-native:storage:BlobContainer"
LIFECYCLE = "azure-native:storage:ManagementPolicy"
ROLE = "azure-native:authorization:RoleAssignment"
LOCK = "azure-native:authorization:ManagementLockByScope"
SUBNET = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/network/providers/"
    "Microsoft.Network/virtualNetworks/hub/subnets/web"
)


class Declared:
    """What settings (texts, or values that become JSON) lead to, and nothing of it done."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in settings.items()}
        project = load_project(ROOT, "local")
        config = {f"{project.name}:{key}": text for key, text in texts.items()}
        project = replace(project, config=config)
        state = State(folder, "unit")
        steps: list[Step] = []
        self.messages: list[Message] = []
        deployment = Deployment(
            state,
            Provider(Azurite(folder, free_port())),
            Listener(steps.append, lambda _: None, self.messages.append),
            preview=True,
        )
        run_program(project, deployment, preview=True)
        self.resources: list[Resource] = [step.resource for step in steps if step.resource.custom]
        self.outputs = state.stack_outputs()

    def inputs(self, token: str) -> list[dict[str, Any]]:
        return [resource.inputs for resource in self.resources if resource.type == token]

    def tokens(self) -> list[str]:
        return sorted(resource.type for resource in self.resources)
