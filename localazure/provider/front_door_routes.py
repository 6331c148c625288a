"""azure-native:cdn:Route: which requests of an endpoint go to which origin group."""

from __future__ import annotations

from typing import ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError
from localazure.provider.arm import check_reference
from localazure.provider.front_door import (
    NESTED,
    PROFILE,
    ROUTES,
    FrontDoorResource,
    name_of,
    profile_of,
)
from localazure.provider.front_door_origins import enabled_origins
from localazure.provider.records import record_of
from localazure.provider.rules import ENABLED, FLAG, REFERENCE, TEXT, Many, Object, Text
from localazure.values import Props

# A wildcard stands at the end only, after a slash.
PATTERN = r"/|/\*|(/[^/*]+)+(/|/\*)?"
SPECIFIED = ("IgnoreSpecifiedQueryStrings", "IncludeSpecifiedQueryStrings")


class Route(FrontDoorResource):
    token: ClassVar[str] = "azure-native:cdn:Route"
    arm_type: ClassVar[str] = ROUTES
    id_format: ClassVar[str] = f"{PROFILE}/afdEndpoints/{{endpointName}}/routes/{{routeName}}"
    name_input: ClassVar[str] = "routeName"
    shape: ClassVar[Object] = Object(
        {
            "cacheConfiguration": Object(
                {
                    "compressionSettings": Object(
                        {
                            "contentTypesToCompress": Many(
                                Text(pattern=r"[\w.+-]+/[\w.+-]+", rule="a type like text/css")
                            ),
                            "isCompressionEnabled": FLAG,
                        }
                    ),
                    "queryParameters": TEXT,
                    "queryStringCachingBehavior": Text(
                        ("IgnoreQueryString", "UseQueryString", *SPECIFIED)
                    ),
                }
            ),
            "customDomains": Many(REFERENCE),
            "enabledState": ENABLED,
            "endpointName": TEXT,
            "forwardingProtocol": Text(("HttpOnly", "HttpsOnly", "MatchRequest")),
            "httpsRedirect": ENABLED,
            "linkToDefaultDomain": ENABLED,
            "originGroup": REFERENCE,
            "originPath": Text(pattern=r"/.*", rule="a path, which begins with '/'"),
            "patternsToMatch": Many(
                Text(pattern=PATTERN, rule="a path that begins with '/', '*' only in a last '/*'")
            ),
            "profileName": TEXT,
            "resourceGroupName": TEXT,
            "routeName": name_of(90),
            "ruleSets": Many(REFERENCE),
            "supportedProtocols": Many(Text(("Http", "Https"))),
        },
        required=("endpointName", *NESTED),
        needed=("originGroup",),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("endpointName", "routeName", *NESTED)
    echoed: ClassVar[tuple[str, ...]] = ("endpointName",)
    defaults: ClassVar[Props] = {
        "enabledState": "Enabled",
        "forwardingProtocol": "MatchRequest",
        "httpsRedirect": "Disabled",
        "linkToDefaultDomain": "Disabled",
        "patternsToMatch": ["/*"],
        "supportedProtocols": ["Http", "Https"],
    }

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        group = inputs["originGroup"].get("id")
        self._refuse_foreign(
            content, resource_id, "originGroup", "Microsoft.Cdn/profiles/originGroups", group
        )
        if not enabled_origins(content, str(group)):
            raise self.bad_request(
                "Please make sure that the originGroup is created successfully and at least one "
                "enabled origin is created under the origin group."
            )
        for key in ("customDomains", "ruleSets"):
            for reference in inputs.get(key) or []:
                wanted = f"Microsoft.Cdn/profiles/{key}"
                self._refuse_foreign(content, resource_id, key, wanted, reference.get("id"))
        whole = {**self.defaults, **inputs}
        self._refuse_protocols(whole)
        if not whole.get("customDomains") and whole["linkToDefaultDomain"] != "Enabled":
            raise self.bad_request(
                "A route needs a domain: list customDomains, or set linkToDefaultDomain to Enabled."
            )
        self._refuse_cache(inputs.get("cacheConfiguration") or {})
        self._refuse_same_requests(content, resource_id, whole)

    def _refuse_foreign(
        self, content: Record, resource_id: str, key: str, wanted: str, reference: object
    ) -> None:
        """What a route refers to is there, and of the same profile."""
        check_reference(f"properties.{key}.id", reference, wanted)
        profile = profile_of(resource_id).lower()
        if not str(reference).lower().startswith(f"{profile}/"):
            raise self.bad_request(f"'{key}': '{reference}' is of another profile.")
        if record_of(content, str(reference)) is None:
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
                "'httpsRedirect' is Enabled: 'supportedProtocols' has to hold Http and Https then."
            )
        if not route["patternsToMatch"]:
            raise self.bad_request("'patternsToMatch' is empty: at least one is needed.")

    def _refuse_cache(self, cache: Props) -> None:
        named, how = cache.get("queryParameters"), cache.get("queryStringCachingBehavior")
        if (how in SPECIFIED) != bool(named):
            raise self.bad_request(
                "'cacheConfiguration.queryParameters' goes with queryStringCachingBehavior "
                f"{' or '.join(SPECIFIED)}, and only with these."
            )
        packed = cache.get("compressionSettings") or {}
        if packed.get("isCompressionEnabled") and not packed.get("contentTypesToCompress"):
            raise self.bad_request(
                "'cacheConfiguration.compressionSettings.contentTypesToCompress' is empty: "
                "compression needs at least one."
            )

    def _refuse_same_requests(self, content: Record, resource_id: str, route: Props) -> None:
        """No two routes of a profile may take the same domain, path and protocol."""
        mine = _requests(resource_id, route)
        for other in self.siblings(content, resource_id, profile_of(resource_id)):
            shared = mine & _requests(self.resource_id(other), {**self.defaults, **other})
            if shared:
                domain, pattern, _ = sorted(shared)[0]
                raise ArmError(
                    409,
                    "Conflict",
                    f"Route '{other['routeName']}' takes '{pattern}' of "
                    f"{domain.rpartition('/')[2]} already: routes cannot have duplicate "
                    "domain, path and protocol combinations.",
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
