"""Which changes of redundancy Azure supports in place, and the steps for any other.

Source: "Change how a storage account is replicated" (Azure Storage), replication change table and
"Storage account type". An update adds or removes the second region and read access to it. Adding or
removing zones needs a conversion, which is separate from any update. Premium accounts for block
blobs cannot be converted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Redundancy:
    """The parts of a SKU's name: `secondary` is "", "G" or "RAG"."""

    tier: str
    secondary: str
    zones: bool

    @classmethod
    def of(cls, sku: str) -> Redundancy:
        tier, _, name = sku.partition("_")
        secondary = next((each for each in ("RAG", "G") if name.startswith(each)), "")
        return cls(tier, secondary, "ZRS" in name)

    @property
    def sku(self) -> str:
        if self.secondary:
            return f"{self.tier}_{self.secondary}{'Z' if self.zones else ''}RS"
        return f"{self.tier}_{'ZRS' if self.zones else 'LRS'}"

    def is_lowered_to(self, other: Redundancy) -> bool:
        """Whether `other` lacks zones, the second region, or read access to it."""
        return (self.zones and not other.zones) or len(other.secondary) < len(self.secondary)


def refusal(old: str, new: str, account: str, group: str) -> str:
    """Why Azure would refuse this change as an update, with the steps instead; or ""."""
    before, after = Redundancy.of(old), Redundancy.of(new)
    if before.tier == after.tier and before.zones == after.zones:
        return ""
    if before.tier != after.tier or before.tier == "Premium":
        return (
            f"Azure does not change an account from {old} to {new}, not even in several steps. A "
            "new account can have it: create a second stack and copy the blobs "
            "(docs/teardown.md).\n"
            f"To keep this account: pulumi config set sku {old}"
        )
    # Everything except the zones first, as in the table; it is quick.
    halfway = replace(before, secondary=after.secondary)
    first = f"pulumi config set sku {halfway.sku}"
    steps = [
        first if halfway == before else f"{first}; pulumi up",
        "start the conversion: in the portal under Redundancy, or\n"
        "     az storage account migration start "
        f"--account-name {account} --resource-group {group} --sku {after.sku} "
        "--name default --no-wait",
        "wait until the portal shows it as completed; Azure may begin up to 72 hours later",
        f"pulumi refresh; pulumi config set sku {after.sku}; pulumi up",
    ]
    return "\n".join(
        [
            f"Azure does not change an account from {old} to {new} by an update: "
            f"{'adding' if after.zones else 'removing'} zones is a conversion. The steps:",
            *(f"  {number}. {step}" for number, step in enumerate(steps, 1)),
        ]
    )
