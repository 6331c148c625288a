"""azure-native:monitor:DiagnosticSetting: the destinations of a resource's logs and metrics."""

from __future__ import annotations

from typing import ClassVar

from localazure.errors import conflict
from localazure.provider.arm import check_reference, type_of
from localazure.provider.control_plane_resource import ControlPlaneResource, Write
from localazure.provider.properties import Limit, Limits
from localazure.values import Props

# Destinations: the input, and the resource type that its id must have.
SINKS = {
    "eventHubAuthorizationRuleId": "Microsoft.EventHub/namespaces/authorizationRules",
    "marketplacePartnerId": "",
    "serviceBusRuleId": "",
    "storageAccountId": "Microsoft.Storage/storageAccounts",
    "workspaceId": "Microsoft.OperationalInsights/workspaces",
}
# What can be logged ("Supported categories for Azure Monitor resource logs").
_METRICS = frozenset({"Transaction", "Capacity", "AllMetrics"})
_BLOB_LOGS = frozenset({"StorageRead", "StorageWrite", "StorageDelete"})
_APP_LOGS = frozenset(
    f"AppService{name}Logs"
    for name in ("App", "Audit", "Authentication", "Console", "HTTP", "IPSecAudit", "Platform")
)
CATEGORIES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "microsoft.storage/storageaccounts": (frozenset(), _METRICS),
    "microsoft.storage/storageaccounts/blobservices": (_BLOB_LOGS, _METRICS),
    "microsoft.web/sites": (_APP_LOGS, frozenset({"AllMetrics"})),
}
_DAYS, _GROUPS = Limit(low=0, high=365), Limit(values=("audit", "allLogs"))


class DiagnosticSetting(ControlPlaneResource):
    token = "azure-native:monitor:DiagnosticSetting"
    id_format = "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}"
    limits: ClassVar[Limits] = {
        "logAnalyticsDestinationType": Limit(values=("Dedicated", "AzureDiagnostics")),
        "logs[].categoryGroup": _GROUPS,
        "logs[].retentionPolicy.days": _DAYS,
        "metrics[].retentionPolicy.days": _DAYS,
        "name": Limit(
            pattern=r"[^*<>%&:\\?+/]{1,260}", rule="1 to 260 characters, none of *<>%&:\\?+/"
        ),
    }

    def validate(self, write: Write) -> None:
        inputs = write.inputs
        sinks = {key: inputs[key] for key in SINKS if inputs.get(key)}
        if not sinks:
            raise self.bad_request(
                f"At least one data sink needs to be specified: {', '.join(SINKS)}."
            )
        for key, value in sinks.items():
            if SINKS[key]:
                check_reference(f"properties.{key}", value, SINKS[key])
        enabled = _enabled(inputs)
        if not enabled:
            raise self.bad_request("At least one log or metric has to be enabled.")
        logs, metrics = CATEGORIES.get(type_of(inputs["resourceUri"]).lower(), (None, None))
        for part, known in (("logs", logs), ("metrics", metrics)):
            for setting in inputs.get(part) or []:
                category, group = setting.get("category"), setting.get("categoryGroup")
                if bool(category) == bool(group):
                    raise self.bad_request(f"'{part}': each needs a category or a categoryGroup.")
                if known is not None and category and category not in known:
                    raise self.bad_request(
                        f"Category '{category}' is not supported, supported ones are: "
                        f"{', '.join(sorted(known)) or 'none'}."
                    )
        self._refuse_shared_sink(write, enabled)

    def _refuse_shared_sink(self, write: Write, enabled: set[str]) -> None:
        resource, inputs = write.inputs["resourceUri"].lower(), write.inputs
        for other in self.siblings(write, resource):
            both = sorted(enabled & _enabled(other))
            shared = [key for key in SINKS if inputs.get(key) and inputs[key] == other.get(key)]
            if other["resourceUri"].lower() == resource and both and shared:
                raise conflict(
                    f"Data sink '{inputs[shared[0]]}' is already used in diagnostic setting "
                    f"'{other['name']}' for category '{both[0]}'. Diagnostic settings can't "
                    "reuse the same sink for the same category."
                )


def _enabled(inputs: Props) -> set[str]:
    settings = [*(inputs.get("logs") or []), *(inputs.get("metrics") or [])]
    return {
        str(setting.get("category") or setting.get("categoryGroup"))
        for setting in settings
        if setting.get("enabled")
    }
