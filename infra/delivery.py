"""Azure Front Door for the containers that visitors read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi
from pulumi_azure_native import cdn

from .access import READER, grant
from .part import Part, merged

if TYPE_CHECKING:  # which imports this module
    from .storage import DjangoBlobStorage

# The types that Front Door compresses; blobs that are stored compressed stay as they are.
COMPRESSED = """
    application/javascript application/json application/manifest+json application/wasm
    application/xml font/otf font/ttf image/svg+xml image/x-icon text/css text/html
    text/javascript text/plain text/xml
""".split()  # noqa: SIM905
# Blob storage accepts a token only with an API version that knows of tokens: 2017-11-09 or later.
SERVICE_VERSION = "2021-12-02"
TOKEN_SCOPE = "https://storage.azure.com/.default"
# In an origin such as https://*.example.com: any subdomain.
_WILDCARD = "://*."


class FrontDoor(Part):
    """Profile, endpoint, the account as origin, one route, and the rules for headers.

    `host` is the name that pages link to: the custom domain, or the endpoint's own. Each blob's
    Cache-Control says what browsers and Front Door cache, and for how long. `grants` are the roles
    with which Front Door reads private containers.
    """

    def __init__(
        self, name: str, owner: DjangoBlobStorage, containers: Mapping[str, pulumi.Output[str]]
    ) -> None:
        """`containers` maps the name of each container that visitors read to its id."""
        super().__init__("delivery:FrontDoor", name, owner)
        config = self._config
        # Front Door reads private static files as an identity of its own.
        self._signs_in = not config.static_is_public
        self._profile = self._declare_profile()
        self._endpoint = self._declare_endpoint()
        self._origins = self._declare_origins()
        origin = self._declare_origin(owner.account.id, owner.blob_host)
        rules = self._declare_rules()
        domain = self._declare_domain() if config.custom_domain else None
        self._declare_route(list(containers), rules, domain, origin)
        self.grants = self._declare_grants(containers) if self._signs_in else []
        self.host: pulumi.Output[str] = (
            pulumi.Output.from_input(config.custom_domain) if domain else self._endpoint.host_name
        )
        self.register_outputs({"host": self.host})

    def _declare_profile(self) -> cdn.Profile:
        return cdn.Profile(
            self._name,
            resource_group_name=self._group,
            location="Global",
            sku={"name": f"{self._config.front_door.capitalize()}_AzureFrontDoor"},
            identity={"type": "SystemAssigned"} if self._signs_in else None,
            tags=self._tags,
            opts=self._child,
        )

    def _declare_endpoint(self) -> cdn.AFDEndpoint:
        return cdn.AFDEndpoint(
            f"{self._name}-endpoint",
            profile_name=self._profile.name,
            resource_group_name=self._group,
            location="Global",
            enabled_state="Enabled",
            tags=self._tags,
            opts=self._child,
        )

    def _declare_origins(self) -> cdn.AFDOriginGroup:
        return cdn.AFDOriginGroup(
            f"{self._name}-origins",
            profile_name=self._profile.name,
            resource_group_name=self._group,
            load_balancing_settings={
                "sample_size": 4,
                "successful_samples_required": 3,
                "additional_latency_in_milliseconds": 50,
            },
            # A single origin has no alternative, so health probes would only cost requests.
            authentication={"type": "SystemAssignedIdentity", "scope": TOKEN_SCOPE}
            if self._signs_in
            else None,
            opts=self._child,
        )

    def _declare_origin(
        self, account: pulumi.Output[str], blob_host: pulumi.Output[str]
    ) -> cdn.AFDOrigin:
        config = self._config
        return cdn.AFDOrigin(
            f"{self._name}-origin",
            profile_name=self._profile.name,
            origin_group_name=self._origins.name,
            resource_group_name=self._group,
            host_name=blob_host,
            # Azure tells accounts apart by the Host header.
            origin_host_header=blob_host,
            enforce_certificate_name_check=True,
            enabled_state="Enabled",
            https_port=443,
            http_port=80,
            priority=1,
            weight=1000,
            shared_private_link_resource=None
            if config.is_open
            else {
                "group_id": "blob",
                "private_link": {"id": account},
                "private_link_location": config.private_link_location or config.location,
                "request_message": "Front Door of the Django site",
            },
            opts=self._child,
        )

    def _declare_route(
        self,
        containers: Sequence[str],
        rules: Sequence[pulumi.CustomResource],
        domain: cdn.AFDCustomDomain | None,
        origin: cdn.AFDOrigin,
    ) -> None:
        cdn.Route(
            f"{self._name}-route",
            profile_name=self._profile.name,
            endpoint_name=self._endpoint.name,
            resource_group_name=self._group,
            origin_group={"id": self._origins.id},
            rule_sets=[{"id": rules[0].id}] if rules else [],
            custom_domains=[{"id": domain.id}] if domain else [],
            patterns_to_match=[f"/{container}/*" for container in containers],
            supported_protocols=["Http", "Https"],
            https_redirect="Enabled",
            forwarding_protocol="HttpsOnly",
            link_to_default_domain="Enabled",
            enabled_state="Enabled",
            cache_configuration={
                "query_string_caching_behavior": "IgnoreQueryString",
                "compression_settings": {
                    "is_compression_enabled": True,
                    "content_types_to_compress": COMPRESSED,
                },
            },
            # Azure refuses a route whose origin group is still empty or whose rules do not exist.
            opts=merged(self._child, pulumi.ResourceOptions(depends_on=[origin, *rules])),
        )

    def _declare_grants(
        self, containers: Mapping[str, pulumi.Output[str]]
    ) -> list[pulumi.Resource]:
        reader = self._profile.identity.apply(
            lambda identity: identity.principal_id if identity else ""
        )
        kind = "ServicePrincipal"
        return [
            grant(f"{self._name}-reads-{container}", READER, kind, reader, scope, self._child)
            for container, scope in containers.items()
        ]

    def _declare_rules(self) -> list[pulumi.CustomResource]:
        """The rule set and its rules: CORS, and the API version that tokens need.

        One cached copy serves pages of every origin, but the account's CORS header names the origin
        that asked first. So Front Door sets the header for each request.
        """
        origins = self._config.cors_origins
        if not origins and not self._signs_in:
            return []
        rules = cdn.RuleSet(
            f"{self._name}-rules",
            rule_set_name="headers",
            profile_name=self._profile.name,
            resource_group_name=self._group,
            opts=self._child,
        )
        declared: list[pulumi.CustomResource] = [rules]
        if self._signs_in:
            action = cdn.DeliveryRuleRequestHeaderActionArgs(
                name="ModifyRequestHeader", parameters=_header("x-ms-version", SERVICE_VERSION)
            )
            declared.append(self._declare_rule(rules, "version", 0, [action], []))
        for number, origin in enumerate(origins, start=1):
            # A component's may be another resource's output.
            known = pulumi.Output.from_input(origin)
            actions = [_response_header("Access-Control-Allow-Origin", known.apply(_allowed))]
            conditions = []
            if origin != "*":
                actions.append(_response_header("Vary", "Origin"))
                conditions.append(_origin_condition(known))
            rule = self._declare_rule(rules, f"cors{number}", number, actions, conditions)
            declared.append(rule)
        return declared

    def _declare_rule(
        self,
        rules: cdn.RuleSet,
        name: str,
        order: int,
        actions: Sequence[
            cdn.DeliveryRuleRequestHeaderActionArgs | cdn.DeliveryRuleResponseHeaderActionArgs
        ],
        conditions: Sequence[cdn.DeliveryRuleRequestHeaderConditionArgs],
    ) -> cdn.Rule:
        return cdn.Rule(
            f"{self._name}-rule-{name}",
            rule_name=name,
            rule_set_name=rules.name,
            profile_name=self._profile.name,
            resource_group_name=self._group,
            order=order,
            actions=list(actions),
            conditions=list(conditions),
            match_processing_behavior="Continue",
            opts=self._child,
        )

    def _declare_domain(self) -> cdn.AFDCustomDomain:
        host = self._config.custom_domain
        domain = cdn.AFDCustomDomain(
            f"{self._name}-domain",
            custom_domain_name=host.replace(".", "-"),
            host_name=host,
            profile_name=self._profile.name,
            resource_group_name=self._group,
            tls_settings={
                "certificate_type": "ManagedCertificate",
                "minimum_tls_version": cdn.AfdMinimumTlsVersion.TLS12,
            },
            opts=self._child,
        )
        # Output.all turns what Azure returns into plain dicts, so the token is extracted before.
        token = domain.validation_properties.validation_token
        pulumi.Output.all(self._endpoint.host_name, token).apply(
            lambda known: pulumi.log.info(dns_records(host, known[0], known[1]), domain)
        )
        return domain


def dns_records(host: str, endpoint: str, token: str) -> str:
    """The two records that point a domain to Front Door and prove its ownership."""
    return (
        f"{host} needs two DNS records: CNAME {host} -> {endpoint}, and "
        f"TXT _dnsauth.{host} -> {token}; then Azure issues its certificate"
    )


def _origin_condition(origin: pulumi.Output[str]) -> cdn.DeliveryRuleRequestHeaderConditionArgs:
    return cdn.DeliveryRuleRequestHeaderConditionArgs(
        name="RequestHeader",
        parameters=cdn.RequestHeaderMatchConditionParametersArgs(
            type_name="DeliveryRuleRequestHeaderConditionParameters",
            selector="Origin",
            operator=origin.apply(lambda text: "RegEx" if _WILDCARD in text else "Equal"),
            match_values=[origin.apply(_pattern)],
        ),
    )


def _pattern(origin: str) -> str:
    scheme, wildcard, rest = origin.partition(_WILDCARD)
    return rf"^{scheme}://[a-z0-9.-]+\.{re.escape(rest)}$" if wildcard else origin


def _allowed(origin: str) -> str:
    # "Rule set server variables": the request's header of that name.
    return "{http_req_header_Origin}" if _WILDCARD in origin else origin


def _response_header(
    name: str, value: pulumi.Input[str]
) -> cdn.DeliveryRuleResponseHeaderActionArgs:
    return cdn.DeliveryRuleResponseHeaderActionArgs(
        name="ModifyResponseHeader", parameters=_header(name, value)
    )


def _header(name: str, value: pulumi.Input[str]) -> cdn.HeaderActionParametersArgs:
    return cdn.HeaderActionParametersArgs(
        type_name="DeliveryRuleHeaderActionParameters",
        header_action="Overwrite",
        header_name=name,
        value=value,
    )
