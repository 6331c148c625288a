"""azure-native:cdn:Route: which requests to an endpoint are sent to which origin group."""

from __future__ import annotations

from typing import ClassVar

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


class Route(FrontDoorResource):
    token = "azure-native:cdn:Route"
    id_format = f"{PROFILE}/afdEndpoints/{{endpointName}}/routes/{{routeName}}"
    limits: ClassVar[Limits] = {
        "cacheConfiguration.compressionSettings.contentTypesToCompress[]": Limit(
            pattern=r"[\w.+-]+/[\w.+-]+", rule="a type like text/css"
        ),
        "originPath": ABSOLUTE_PATH,
        "patternsToMatch[]": Limit(
            pattern=PATTERN, rule="a path that begins with '/', '*' only in a last '/*'"
        ),
        "routeName": name_limit(90),
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
        if not protocols or len(set(protocols)) < len(protocols):
            raise self.bad_request(f"'supportedProtocols' cannot be {protocols}: Http, Https, both")
        if route["httpsRedirect"] == "Enabled" and len(protocols) < 2:
            raise self.bad_request(
                "'httpsRedirect' is Enabled: 'supportedProtocols' must contain Http and Https."
            )
        if not route["patternsToMatch"]:
            raise self.bad_request("'patternsToMatch' is empty: at least one is needed.")

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
