"""Where this project departs from the benchmark on purpose.

A violation that an exemption covers is still reported, as an advisory with the reason and what
would close the exemption. Each holds for one part of the project's own component, in the stacks
and with the values named here; anything wider is a violation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policy.declared import Resource, text
from policy.rules import RULES
from policy.tokens import ACCOUNT, CONTAINER, SERVICE, STORAGE

# Stacks that are created and destroyed again, and have no data of value.
TRIAL = ("dev", "local")


@dataclass(frozen=True)
class Exemption:
    """One exemption. Without a `part` of the component it holds for all parts, without `stacks`
    for every stack. `only_with` has the values that the resource must have, by path."""

    rule: str
    type: str
    reason: str
    own_close: str = ""
    part: str = ""
    stacks: tuple[str, ...] = ()
    only_with: Mapping[str, object] = field(default_factory=dict)

    def covers(self, rule: str, resource: Resource) -> bool:
        return (
            rule == self.rule
            and resource.type == self.type
            and resource.component == STORAGE
            and self.part in ("", resource.part)
            and (not self.stacks or resource.stack in self.stacks)
            and all(resource.at(path) == value for path, value in self.only_with.items())
        )

    @property
    def close(self) -> str:
        """What closes it: what the rule itself asks for, unless the exemption says otherwise."""
        steps = {rule.name: str(rule.remediation_steps) for rule in RULES}
        return self.own_close or steps[self.rule]

    @property
    def where(self) -> str:
        """What it covers, in words."""
        words = [self.type.rpartition(":")[2]]
        if self.part:
            words.append(f"`{self.part}`")
        words += [f"with {path} {text(value)}" for path, value in self.only_with.items()]
        words.append(f"in {' and '.join(self.stacks)}" if self.stacks else "in every stack")
        return " ".join(words)


EXEMPTIONS = (
    Exemption(
        "no-anonymous-access",
        ACCOUNT,
        "browsers read static files without signing in, so the account allows it where a container "
        "asks for it",
        only_with={"allowBlobPublicAccess": True},
    ),
    Exemption(
        "no-anonymous-container",
        CONTAINER,
        "static files are the page's own CSS, scripts and images: anyone may read one by its "
        "address, nobody may list them",
        "pulumi config set frontDoor standard; pulumi config set staticAccess private",
        part="static",
        only_with={"publicAccess": "Blob"},
    ),
    Exemption(
        "no-anonymous-container",
        CONTAINER,
        "the tutorial's site links to its uploads, and these stacks hold no one's real pictures",
        "pulumi config set mediaAccess private",
        part="media",
        stacks=TRIAL,
        only_with={"publicAccess": "Blob"},
    ),
    Exemption(
        "no-shared-keys",
        ACCOUNT,
        "a site that runs outside Azure may have no identity to sign in as; key-rotation-reminder "
        "watches the keys",
        only_with={"allowSharedKeyAccess": True},
    ),
    Exemption(
        "no-public-network",
        ACCOUNT,
        "browsers fetch files straight from the account",
        only_with={"publicNetworkAccess": "Enabled"},
    ),
    Exemption(
        "deny-by-default",
        ACCOUNT,
        "browsers come from everywhere, so no list of networks can hold them",
        "pulumi config set privateEndpointSubnet /subscriptions/…/subnets/NAME; "
        "pulumi config set frontDoor premium; pulumi config set networkAccess firewall",
        only_with={"publicNetworkAccess": "Enabled", "networkRuleSet.defaultAction": "Allow"},
    ),
    Exemption(
        "private-endpoint", ACCOUNT, "a site that runs outside an Azure network could not use one"
    ),
    Exemption(
        "geo-redundancy",
        ACCOUNT,
        "static files can be published again, and uploads to a trial are not missed",
        "pulumi config set sku Standard_GZRS",
        stacks=TRIAL,
    ),
    Exemption("delete-lock", ACCOUNT, "a trial is made to be taken down", stacks=TRIAL),
    Exemption("protected-account", ACCOUNT, "a trial is made to be taken down", stacks=TRIAL),
    Exemption(
        "cors-named-origins",
        SERVICE,
        "on this machine the site is served on whatever port is free",
        "pulumi config set corsOrigins http://127.0.0.1:8000",
        part="blobs",
        stacks=("local",),
    ),
)


def exemption(rule: str, resource: Resource) -> Exemption | None:
    """The exemption that covers a violation of `rule` by `resource`, if there is one."""
    return next((each for each in EXEMPTIONS if each.covers(rule, resource)), None)
