"""azure-native:cdn: Route, RuleSet and Rule, what Front Door does with requests.

Of a rule's actions and conditions there are only those that this project declares.
"""

from __future__ import annotations

from typing import Any, ClassVar

from localazure.errors import conflict
from localazure.provider.arm import check_reference
from localazure.provider.control_plane_resource import Write
from localazure.provider.front_door import (
    ABSOLUTE_PATH,
    PROFILE,
    FrontDoorResource,
    name_limit,
    profile_of,
)
from localazure.provider.front_door_origins import enabled_origins
from localazure.provider.properties import Limit, Limits
from localazure.provider.records import record_of
from localazure.values import Props

# A wildcard is allowed at the end only, after a slash.
PATTERN = r"/|/\*|(/[^/*]+)+(/|/\*)?"
SPECIFIED = ("IgnoreSpecifiedQueryStrings", "IncludeSpecifiedQueryStrings")
RULE_SET = f"{PROFILE}/ruleSets/{{ruleSetName}}"
# "Azure Front Door limits": in one rule.
MOST_ACTIONS, MOST_CONDITIONS = 5, 10


def _name(longest: int) -> Limit:
    return Limit(
        pattern=rf"[A-Za-z][A-Za-z0-9]{{0,{longest - 1}}}",
        rule=f"1 to {longest} letters and digits, the first a letter",
    )


class Route(FrontDoorResource):
    token = "azure-native:cdn:Route"
    id_format = f"{PROFILE}/afdEndpoints/{{endpointName}}/routes/{{routeName}}"
    limits: ClassVar[Limits] = {
        "cacheConfiguration.compressionSettings.contentTypesToCompress[]": Limit(
            pattern=r"[\w.+-]+/[\w.+-]+", rule="a type like text/css"
        ),
        "originPath": ABSOLUTE_PATH,
        "patternsToMatch": Limit(least=1),
        "patternsToMatch[]": Limit(
            pattern=PATTERN, rule="a path that begins with '/', '*' only in a last '/*'"
        ),
        "routeName": name_limit(90),
        "supportedProtocols": Limit(least=1),
    }
    needed = ("originGroup",)
    defaults: ClassVar[Props] = {
        "enabledState": "Enabled",
        "forwardingProtocol": "MatchRequest",
        "httpsRedirect": "Disabled",
        "linkToDefaultDomain": "Disabled",
        "patternsToMatch": ["/*"],
        "supportedProtocols": ["Http", "Https"],
    }

    def validate(self, write: Write) -> None:
        group = write.inputs["originGroup"].get("id")
        self._refuse_foreign(write, "originGroup", "Microsoft.Cdn/profiles/originGroups", group)
        if not enabled_origins(write.content, str(group)):
            raise self.bad_request(
                "Please make sure that the originGroup is created successfully and at least one "
                "enabled origin is created under the origin group."
            )
        for key in ("customDomains", "ruleSets"):
            for reference in write.inputs.get(key) or []:
                wanted = f"Microsoft.Cdn/profiles/{key}"
                self._refuse_foreign(write, key, wanted, reference.get("id"))
        whole = {**self.defaults, **write.inputs}
        self._refuse_protocols(whole)
        if not whole.get("customDomains") and whole["linkToDefaultDomain"] != "Enabled":
            raise self.bad_request(
                "A route needs a domain: list customDomains, or set linkToDefaultDomain to Enabled."
            )
        self._refuse_cache(whole.get("cacheConfiguration") or {})
        self._refuse_same_requests(write, whole)

    def _refuse_foreign(self, write: Write, key: str, wanted: str, reference: object) -> None:
        """Refuse a reference to another profile, or to something that does not exist."""
        check_reference(f"properties.{key}.id", reference, wanted)
        profile = profile_of(write.resource_id).lower()
        if not str(reference).lower().startswith(f"{profile}/"):
            raise self.bad_request(f"'{key}': '{reference}' is of another profile.")
        if record_of(write.content, str(reference)) is None:
            raise self.bad_request(
                f"'{key}': '{reference}' was not found. Please make sure that it is created "
                "successfully."
            )

    def _refuse_protocols(self, route: Props) -> None:
        protocols = route["supportedProtocols"]
        if len(set(protocols)) < len(protocols):
            raise self.bad_request(f"'supportedProtocols' cannot be {protocols}: Http, Https, both")
        if route["httpsRedirect"] == "Enabled" and len(protocols) < 2:
            raise self.bad_request(
                "'httpsRedirect' is Enabled: 'supportedProtocols' must contain Http and Https."
            )

    def _refuse_cache(self, cache: Props) -> None:
        named, how = cache.get("queryParameters"), cache.get("queryStringCachingBehavior")
        if (how in SPECIFIED) != bool(named):
            raise self.bad_request(
                "'cacheConfiguration.queryParameters' is for queryStringCachingBehavior "
                f"{' or '.join(SPECIFIED)}, and only with these."
            )
        compressed = cache.get("compressionSettings") or {}
        if compressed.get("isCompressionEnabled") and not compressed.get("contentTypesToCompress"):
            raise self.bad_request(
                "'cacheConfiguration.compressionSettings.contentTypesToCompress' is empty: "
                "compression needs at least one."
            )

    def _refuse_same_requests(self, write: Write, route: Props) -> None:
        """No two routes of a profile may have the same domain, path and protocol."""
        mine = _requests(write.resource_id, route)
        for other in self.siblings(write, profile_of(write.resource_id)):
            shared = mine & _requests(self.resource_id(other), {**self.defaults, **other})
            for domain, pattern, _ in sorted(shared):
                raise conflict(
                    f"Route '{other['routeName']}' takes '{pattern}' of "
                    f"{domain.rpartition('/')[2]} already: routes cannot have duplicate "
                    "domain, path and protocol combinations."
                )


def _requests(resource_id: str, route: Props) -> set[tuple[str, str, str]]:
    domains = [domain["id"].lower() for domain in route.get("customDomains") or []]
    if route["linkToDefaultDomain"] == "Enabled":
        domains.append(resource_id.rpartition("/routes/")[0].lower())
    return {
        (domain, pattern.lower(), protocol)
        for domain in domains
        for pattern in route["patternsToMatch"]
        for protocol in route["supportedProtocols"]
    }


class RuleSet(FrontDoorResource):
    token = "azure-native:cdn:RuleSet"
    id_format = RULE_SET
    limits: ClassVar[Limits] = {"ruleSetName": _name(60)}
    route_input = "ruleSets"


class Rule(FrontDoorResource):
    token = "azure-native:cdn:Rule"
    id_format = f"{RULE_SET}/rules/{{ruleName}}"
    limits: ClassVar[Limits] = {
        "actions": Limit(least=1, most=MOST_ACTIONS),
        "actions[].parameters.headerName": Limit(
            pattern=r"[!#$%&'*+.^_`|~\w-]+", rule="a header's name"
        ),
        "conditions": Limit(most=MOST_CONDITIONS),
        "order": Limit(low=0),
        "ruleName": _name(260),
    }
    needed = ("actions", "order")
    unique = "order"
    defaults: ClassVar[Props] = {"matchProcessingBehavior": "Continue"}

    def validate(self, write: Write) -> None:
        for index, action in enumerate(write.inputs["actions"]):
            header = action["parameters"]["headerAction"]
            if header in ("Append", "Overwrite") and not action["parameters"].get("value"):
                path = f"actions[{index}].parameters.value"
                raise self.bad_request(f"'{path}' is missing: {header} needs one.")
        for index, condition in enumerate(write.inputs.get("conditions") or []):
            self._refuse_condition(f"conditions[{index}]", condition["parameters"])

    def _refuse_condition(self, path: str, parameters: dict[str, Any]) -> None:
        values, operator = parameters.get("matchValues") or [], parameters["operator"]
        if (operator == "Any") == bool(values):
            rule = "Any takes none" if values else f"{operator} needs one"
            raise self.bad_request(f"'{path}.parameters.matchValues' cannot be {values}: {rule}.")
        if not parameters.get("selector"):
            raise self.bad_request(f"'{path}.parameters.selector' is missing: the header's name.")
