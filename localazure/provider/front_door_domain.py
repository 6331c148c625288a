"""azure-native:cdn:AFDCustomDomain: the user's own host name."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from localazure.control_plane import Record
from localazure.provider.control_plane_resource import Write
from localazure.provider.front_door import (
    HOST,
    PROFILE,
    FrontDoorResource,
    name_limit,
    refuse_in_use,
)
from localazure.provider.properties import Limit, Limits
from localazure.values import Props

TOKEN_DAYS = 7


class AFDCustomDomain(FrontDoorResource):
    token = "azure-native:cdn:AFDCustomDomain"
    id_format = f"{PROFILE}/customDomains/{{customDomainName}}"
    limits: ClassVar[Limits] = {
        "customDomainName": name_limit(260),
        "hostName": Limit(pattern=HOST, rule="a host name like static.example.com"),
        "tlsSettings.certificateType": Limit(values=("ManagedCertificate", "CustomerCertificate")),
        # The SDK offers TLS10 too, which Azure refuses since March 2025.
        "tlsSettings.minimumTlsVersion": Limit(values=("TLS12", "TLS13")),
    }
    immutable = ("hostName",)
    unique = "hostName"
    defaults: ClassVar[Props] = {
        "tlsSettings": {"certificateType": "ManagedCertificate", "minimumTlsVersion": "TLS12"}
    }

    def validate(self, write: Write) -> None:
        tls = write.inputs.get("tlsSettings") or {}
        if tls.get("certificateType") == "CustomerCertificate" and not tls.get("secret"):
            raise self.bad_request("'tlsSettings.secret' is missing: your own certificate")

    def validate_delete(self, content: Record, record: Record) -> None:
        refuse_in_use(content, record, "customDomains")

    def computed(self, resource_id: str, inputs: Props) -> Props:
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
