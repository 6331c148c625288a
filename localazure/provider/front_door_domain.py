"""azure-native:cdn:AFDCustomDomain: a host name of one's own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError
from localazure.provider.front_door import (
    DEPLOYED,
    HOST,
    NESTED,
    PROFILE,
    FrontDoorResource,
    name_of,
    profile_of,
    refuse_in_use,
)
from localazure.provider.rules import REFERENCE, TAGS, TEXT, Many, Object, Text
from localazure.values import Props

TOKEN_DAYS = 7


class AFDCustomDomain(FrontDoorResource):
    token: ClassVar[str] = "azure-native:cdn:AFDCustomDomain"
    arm_type: ClassVar[str] = "Microsoft.Cdn/profiles/customDomains"
    id_format: ClassVar[str] = f"{PROFILE}/customDomains/{{customDomainName}}"
    name_input: ClassVar[str] = "customDomainName"
    shape: ClassVar[Object] = Object(
        {
            "azureDnsZone": REFERENCE,
            "customDomainName": name_of(260),
            "extendedProperties": TAGS,
            "hostName": Text(pattern=HOST, rule="a host name like static.example.com"),
            "preValidatedCustomDomainResourceId": REFERENCE,
            "profileName": TEXT,
            "resourceGroupName": TEXT,
            "tlsSettings": Object(
                {
                    "certificateType": Text(("ManagedCertificate", "CustomerCertificate")),
                    "cipherSuiteSetType": Text(("Customized", "TLS12_2022", "TLS12_2023")),
                    "customizedCipherSuiteSet": Object(
                        {"cipherSuiteSetForTls12": Many(TEXT), "cipherSuiteSetForTls13": Many(TEXT)}
                    ),
                    # TLS10 is in the SDK, and no longer taken since March 2025.
                    "minimumTlsVersion": Text(("TLS12", "TLS13")),
                    "secret": REFERENCE,
                },
                required=("certificateType",),
            ),
        },
        required=("hostName", *NESTED),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("customDomainName", "hostName", *NESTED)
    computed: ClassVar[tuple[str, ...]] = (
        *DEPLOYED,
        "domainValidationState",
        "validationProperties",
    )
    defaults: ClassVar[Props] = {
        "tlsSettings": {"certificateType": "ManagedCertificate", "minimumTlsVersion": "TLS12"}
    }

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        tls = inputs.get("tlsSettings") or {}
        if tls.get("certificateType") == "CustomerCertificate" and not tls.get("secret"):
            raise self.bad_request("'tlsSettings.secret' is missing: a certificate of one's own")
        for other in self.siblings(content, resource_id, profile_of(resource_id)):
            if other["hostName"].lower() == inputs["hostName"].lower():
                raise ArmError(
                    409,
                    "Conflict",
                    f"The host name '{inputs['hostName']}' is used by the custom domain "
                    f"'{other['customDomainName']}' of this profile already.",
                )

    def validate_delete(self, content: Record, record: Record) -> None:
        refuse_in_use(content, record, "customDomains")

    def born(self, resource_id: str, inputs: Props) -> Props:
        token = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:31]
        until = datetime.now(UTC) + timedelta(days=TOKEN_DAYS)
        return {
            "validationProperties": {
                "expirationDate": until.isoformat(),
                "validationToken": f"_{token}",
            }
        }

    def answers(self, content: Record, record: Record) -> Props:
        return {**super().answers(content, record), "domainValidationState": "Pending"}
