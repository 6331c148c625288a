"""azure-native:keyvault: Vault and Secret."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from localazure.control_plane import Record
from localazure.provider.arm import GROUP
from localazure.provider.authorization import GUID
from localazure.provider.control_plane_resource import ControlPlaneResource, Write
from localazure.provider.properties import Limit, Limits
from localazure.provider.records import record_of
from localazure.values import Props

VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/{{vaultName}}"
_NAME = Limit(
    pattern=r"(?=.{3,24}\Z)[A-Za-z](-?[A-Za-z0-9])*",
    rule="3 to 24 letters, digits and single hyphens, the first a letter, the last no hyphen",
    code="VaultNameNotValid",
)


class Vault(ControlPlaneResource):
    token = "azure-native:keyvault:Vault"
    id_format = VAULT
    limits: ClassVar[Limits] = {
        "properties.sku.family": Limit(values=("A",)),
        "properties.softDeleteRetentionInDays": Limit(low=7, high=90),
        "properties.tenantId": Limit(pattern=GUID, rule="a GUID"),
        "vaultName": _NAME,
    }
    immutable = ("properties.tenantId",)
    nested_outputs = ("properties.vaultUri",)

    def validate(self, write: Write) -> None:
        """ "Azure Key Vault soft-delete overview": what cannot be switched off, or be changed."""
        new = write.inputs["properties"]
        old = write.before["properties"] if write.before else {}
        if new.get("enableSoftDelete") is False:
            raise self.bad_request(
                'The property "enableSoftDelete" can be set to false only for creating new vault. '
                "Enabling the 'soft delete' functionality is an irreversible action."
            )
        purge = new.get("enablePurgeProtection")
        if purge is False or (old.get("enablePurgeProtection") and not purge):
            raise self.bad_request(
                'The property "enablePurgeProtection" cannot be set to false. Enabling the purge '
                "protection for a vault is an irreversible action."
            )
        days = [one.get("softDeleteRetentionInDays", 90) for one in (new, old)]
        if old and days[0] != days[1]:
            raise self.bad_request(
                'The property "softDeleteRetentionInDays" has been set already and it can\'t be '
                "modified."
            )
        if not new.get("enableRbacAuthorization") and new.get("accessPolicies") is None:
            raise self.bad_request('The parameter "accessPolicies" is not specified.')

    def answers(self, content: Record, record: Record) -> Props:
        name = record["id"].rpartition("/")[2]
        added = {"provisioningState": "Succeeded", "vaultUri": vault_uri(name)}
        return {"properties": {**record["inputs"]["properties"], **added}}


class Secret(ControlPlaneResource):
    """A secret of a vault. Azure never returns its value."""

    token = "azure-native:keyvault:Secret"
    id_format = f"{VAULT}/secrets/{{secretName}}"
    limits: ClassVar[Limits] = {
        "properties.value": Limit(
            pattern=r"(?s).{1,25600}", rule="1 to 25,600 characters", code="BadParameter"
        ),
        "secretName": Limit(
            pattern="[A-Za-z0-9-]{1,127}", rule="1 to 127 letters, digits and hyphens"
        ),
    }
    nested_outputs = ("properties.secretUri", "properties.secretUriWithVersion")

    def answers(self, content: Record, record: Record) -> Props:
        names = self.names(record["id"])
        properties = dict(record["inputs"]["properties"])
        value = properties.pop("value", None) or ""
        uri = f"{vault_uri(names['vaultName'])}secrets/{names['secretName']}"
        # Azure makes up a version at each change of the value.
        version = hashlib.sha256(f"{record['id']}={value}".encode()).hexdigest()[:32]
        added = {"secretUri": uri, "secretUriWithVersion": f"{uri}/{version}"}
        vault = record_of(content, record["id"].rpartition("/secrets/")[0])
        location = vault["inputs"]["location"] if vault else ""
        return {"location": location, "properties": {**properties, **added}}


def vault_uri(name: str) -> str:
    return f"https://{name.lower()}.vault.azure.net/"
