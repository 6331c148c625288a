"""azure-native:authorization:ManagementLockByScope; `records.refuse_locked` heeds them."""

from __future__ import annotations

from typing import ClassVar

from localazure.provider.control_plane_resource import ControlPlaneResource
from localazure.provider.rules import TEXT, Many, Object, Text

LONGEST_NOTES = 512


class ManagementLockByScope(ControlPlaneResource):
    token: ClassVar[str] = "azure-native:authorization:ManagementLockByScope"
    arm_type: ClassVar[str] = "Microsoft.Authorization/locks"
    id_format: ClassVar[str] = "{scope}/providers/Microsoft.Authorization/locks/{lockName}"
    name_input: ClassVar[str] = "lockName"
    autonamed: ClassVar[bool] = True
    shape: ClassVar[Object] = Object(
        {
            "level": Text(("CanNotDelete", "ReadOnly", "NotSpecified")),
            "lockName": Text(
                # Not in: < > % & \ ? / and control characters.
                pattern=r"[^<>%&\\?/\x00-\x1f]{1,90}(?<![. ])",
                rule="1 to 90 characters, none of <>%&\\?/, and no '.' or space at the end",
            ),
            "notes": Text(
                pattern=rf"(?s).{{0,{LONGEST_NOTES}}}", rule=f"at most {LONGEST_NOTES} characters"
            ),
            "owners": Many(Object({"applicationId": TEXT})),
            "scope": TEXT,
        },
        required=("level", "scope"),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("lockName", "scope")
    heeds_locks: ClassVar[bool] = False
    invalid: ClassVar[str] = "InvalidRequestContent"
