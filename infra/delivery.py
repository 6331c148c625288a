"""Azure Front Door in front of the containers that visitors read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import pulumi
from pulumi_azure_native import cdn

from .access import READER, grant
from .config import StackConfig

# The types that Front Door compresses on the way; blobs that are stored packed stay as they are.
COMPRESSED = (
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/wasm",
    "application/xml",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "image/x-icon",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
    "text/xml",
)
# Blob storage takes a token only with a version that knows of tokens: 2017-11-09 or later.
SERVICE_VERSION = "2021-12-02"
# In an origin such as https://*.example.com: any subdomain.
_WILDCARD = "://*."


class FrontDoor(pulumi.ComponentResource):
    """Profile, endpoint, the account as origin, one route, and the rules for headers.

    `host` is the name that pages link to: the custom domain, or the endpoint's own. What browsers
    and Front Door keep, and for how long, is said by each blob's Cache-Control.
    """

    def __init__(
        self,
        name: str,
        config: StackConfig,
        *,
        account: pulumi.Output[str],
        blob_host: pulumi.Output[str],
        group: pulumi.Output[str],
        containers: dict[str, pulumi.Output[str]],
        tags: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("django-azure-blob:delivery:FrontDoor", name, None, opts)
        self._config, self._group = config, group
        self._child = pulumi.ResourceOptions(parent=self, protect=config.protect or None)
        signs_in = not config.static_is_public
        profile = cdn.Profile(
            name,
            resource_group_name=group,
            location="Global",
            sku=cdn.SkuArgs(name=f"{config.front_door.capitalize()}_AzureFrontDoor"),
            identity=cdn.ManagedServiceIdentityArgs(type="SystemAssigned") if signs_in else None,
            tags=tags,
            opts=self._child,
        )
        self._profile = profile
        endpoint = cdn.AFDEndpoint(
            f"{name}-endpoint",
            profile_name=profile.name,
            resource_group_name=group,
            location="Global",
            enabled_state="Enabled",
            tags=tags,
            opts=self._child,
        )
        origins, origin = self._origin(name, account, blob_host, signs_in=signs_in)
        rules = self._rules(name, signs_in=signs_in)
        domain = self._domain(name, endpoint) if config.custom_domain else None
        cdn.Route(
            f"{name}-route",
            profile_name=profile.name,
            endpoint_name=endpoint.name,
            resource_group_name=group,
            origin_group=cdn.ResourceReferenceArgs(id=origins.id),
            rule_sets=[cdn.ResourceReferenceArgs(id=rules[0].id)] if rules else [],
            custom_domains=[cdn.ActivatedResourceReferenceArgs(id=domain.id)] if domain else [],
            patterns_to_match=[f"/{container}/*" for container in containers],
            supported_protocols=["Http", "Https"],
            https_redirect="Enabled",
            forwarding_protocol="HttpsOnly",
            link_to_default_domain="Enabled",
            enabled_state="Enabled",
            cache_configuration=cdn.AfdRouteCacheConfigurationArgs(
                query_string_caching_behavior="IgnoreQueryString",
                compression_settings=cdn.CompressionSettingsArgs(
                    is_compression_enabled=True, content_types_to_compress=list(COMPRESSED)
                ),
            ),
            # Azure refuses a route whose origin group is still empty, or whose rules are not there.
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[origin, *rules])
            ),
        )
        self.grants: list[pulumi.Resource] = []
        if signs_in:
            reader = profile.identity.apply(
                lambda identity: identity.principal_id if identity else ""
            )
            for container, scope in containers.items():
                role = grant(
                    f"{name}-reads-{container}",
                    READER,
                    "ServicePrincipal",
                    reader,
                    scope,
                    self._child,
                )
                self.grants.append(role)
        self.host: pulumi.Output[str] = (
            pulumi.Output.from_input(config.custom_domain) if domain else endpoint.host_name
        )
        self.register_outputs({"host": self.host})

    def _origin(
        self,
        name: str,
        account: pulumi.Output[str],
        blob_host: pulumi.Output[str],
        *,
        signs_in: bool,
    ) -> tuple[cdn.AFDOriginGroup, cdn.AFDOrigin]:
        group = cdn.AFDOriginGroup(
            f"{name}-origins",
            profile_name=self._profile.name,
            resource_group_name=self._group,
            load_balancing_settings=cdn.LoadBalancingSettingsParametersArgs(
                sample_size=4, successful_samples_required=3, additional_latency_in_milliseconds=50
            ),
            # With one origin there is none to change to: a probe would only cost requests.
            authentication=cdn.OriginAuthenticationPropertiesArgs(
                type="SystemAssignedIdentity", scope="https://storage.azure.com/.default"
            )
            if signs_in
            else None,
            opts=self._child,
        )
        origin = cdn.AFDOrigin(
            f"{name}-origin",
            profile_name=self._profile.name,
            origin_group_name=group.name,
            resource_group_name=self._group,
            host_name=blob_host,
            # The account is told apart by its name in the Host header.
            origin_host_header=blob_host,
            enforce_certificate_name_check=True,
            enabled_state="Enabled",
            https_port=443,
            http_port=80,
            priority=1,
            weight=1000,
            shared_private_link_resource=cdn.SharedPrivateLinkResourcePropertiesArgs(
                group_id="blob",
                private_link=cdn.ResourceReferenceArgs(id=account),
                private_link_location=self._config.private_link_location or self._config.location,
                request_message="Front Door of the Django site",
            )
            if self._config.network_access != "open"
            else None,
            opts=self._child,
        )
        return group, origin

    def _rules(self, name: str, *, signs_in: bool) -> list[pulumi.CustomResource]:
        """The rule set and its rules: CORS by the edge, and the version that tokens need.

        One cached copy serves pages of every origin, so the origin's own CORS header, made for the
        first who asked, cannot be kept: the edge sets it for each request.
        """
        origins = self._config.cors_origins
        if not origins and not signs_in:
            return []
        rules = cdn.RuleSet(
            f"{name}-rules",
            rule_set_name="headers",
            profile_name=self._profile.name,
            resource_group_name=self._group,
            opts=self._child,
        )
        declared: list[pulumi.CustomResource] = [rules]
        if signs_in:
            action = cdn.DeliveryRuleRequestHeaderActionArgs(
                name="ModifyRequestHeader", parameters=_header("x-ms-version", SERVICE_VERSION)
            )
            declared.append(self._rule(f"{name}-rule-version", "version", rules, 0, [action], []))
        for number, origin in enumerate(origins, start=1):
            actions = [
                cdn.DeliveryRuleResponseHeaderActionArgs(
                    name="ModifyResponseHeader", parameters=_header(header, value)
                )
                for header, value in (
                    ("Access-Control-Allow-Origin", _of_origin(origin, _allowed)),
                    ("Vary", "Origin"),
                )
                if (header, origin) != ("Vary", "*")
            ]
            conditions = [] if origin == "*" else [_asked_by(origin)]
            logical, rule = f"{name}-rule-cors{number}", f"cors{number}"
            declared.append(self._rule(logical, rule, rules, number, actions, conditions))
        return declared

    def _rule(
        self,
        name: str,
        rule_name: str,
        rules: cdn.RuleSet,
        order: int,
        actions: Sequence[
            cdn.DeliveryRuleRequestHeaderActionArgs | cdn.DeliveryRuleResponseHeaderActionArgs
        ],
        conditions: list[cdn.DeliveryRuleRequestHeaderConditionArgs],
    ) -> cdn.Rule:
        return cdn.Rule(
            name,
            rule_name=rule_name,
            rule_set_name=rules.name,
            profile_name=self._profile.name,
            resource_group_name=self._group,
            order=order,
            actions=list(actions),
            conditions=list(conditions),
            match_processing_behavior="Continue",
            opts=self._child,
        )

    def _domain(self, name: str, endpoint: cdn.AFDEndpoint) -> cdn.AFDCustomDomain:
        host = self._config.custom_domain
        domain = cdn.AFDCustomDomain(
            f"{name}-domain",
            custom_domain_name=host.replace(".", "-"),
            host_name=host,
            profile_name=self._profile.name,
            resource_group_name=self._group,
            tls_settings=cdn.AFDDomainHttpsParametersArgs(
                certificate_type="ManagedCertificate",
                minimum_tls_version=cdn.AfdMinimumTlsVersion.TLS12,
            ),
            opts=self._child,
        )
        # Output.all makes plain dicts of what Azure returns, so the token is taken out before.
        token = domain.validation_properties.apply(lambda given: given.validation_token)
        pulumi.Output.all(endpoint.host_name, token).apply(
            lambda known: pulumi.log.info(dns_records(host, known[0], known[1]), domain)
        )
        return domain


def dns_records(host: str, endpoint: str, token: str) -> str:
    """The two records that make a domain lead to Front Door and prove whose it is."""
    return (
        f"{host} needs two DNS records: CNAME {host} -> {endpoint}, and "
        f"TXT _dnsauth.{host} -> {token}; then Azure makes its certificate"
    )


def _asked_by(origin: pulumi.Input[str]) -> cdn.DeliveryRuleRequestHeaderConditionArgs:
    return cdn.DeliveryRuleRequestHeaderConditionArgs(
        name="RequestHeader",
        parameters=cdn.RequestHeaderMatchConditionParametersArgs(
            type_name="DeliveryRuleRequestHeaderConditionParameters",
            selector="Origin",
            operator=_of_origin(origin, lambda text: "RegEx" if _WILDCARD in text else "Equal"),
            match_values=[_of_origin(origin, _pattern)],
        ),
    )


def _of_origin(origin: pulumi.Input[str], make: Callable[[str], str]) -> pulumi.Input[str]:
    """What `make` says of an origin, when it is known: a component's may be another's output."""
    return (
        make(origin)
        if isinstance(origin, str)
        else pulumi.Output.all(origin).apply(lambda known: make(known[0]))
    )


def _pattern(origin: str) -> str:
    scheme, wildcard, rest = origin.partition(_WILDCARD)
    return rf"^{scheme}://[a-z0-9.-]+\.{re.escape(rest)}$" if wildcard else origin


def _allowed(origin: str) -> str:
    # "Rule set server variables": what the request's header of that name says.
    return "{http_req_header_Origin}" if _WILDCARD in origin else origin


def _header(name: str, value: pulumi.Input[str]) -> cdn.HeaderActionParametersArgs:
    return cdn.HeaderActionParametersArgs(
        type_name="DeliveryRuleHeaderActionParameters",
        header_action="Overwrite",
        header_name=name,
        value=value,
    )
