"""The log of every blob request, in a Log Analytics workspace."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import monitor

# "Supported categories for Microsoft.Storage/storageAccounts/blobServices".
CATEGORIES = ("StorageRead", "StorageWrite", "StorageDelete")


def log_requests(
    name: str,
    account: pulumi.Output[str],
    workspace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Send the blob service's logs and request metrics to `workspace`, an id."""
    return monitor.DiagnosticSetting(
        name,
        resource_uri=pulumi.Output.concat(account, "/blobServices/default"),
        workspace_id=workspace,
        logs=[
            monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True)
            for category in CATEGORIES
        ],
        metrics=[monitor.DiagnosticsMetricSettingsArgs(category="Transaction", enabled=True)],
        opts=opts,
    )
