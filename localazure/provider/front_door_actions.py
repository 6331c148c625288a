"""What a rule of Front Door may do, and when: actions and conditions, each with its parameters."""

from __future__ import annotations

from localazure.provider.rules import FLAG, REFERENCE, TEXT, Many, Object, Shape, Text

TRANSFORMS = Many(Text(("Lowercase", "Uppercase", "Trim", "UrlDecode", "UrlEncode", "RemoveNulls")))
COMPARISONS = (
    "Any",
    "Equal",
    "Contains",
    "BeginsWith",
    "EndsWith",
    "LessThan",
    "LessThanOrEqual",
    "GreaterThan",
    "GreaterThanOrEqual",
    "RegEx",
)
SCHEMES, METHODS = ("HTTP", "HTTPS"), ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE")


def _part(name: str, kind: str, fields: dict[str, Shape], required: tuple[str, ...] = ()) -> Object:
    """An action or a condition: its name, and parameters with the type name that goes with it."""
    parameters = Object(
        {"typeName": Text((f"DeliveryRule{kind}Parameters",)), **fields},
        required=("typeName", *required),
    )
    return Object(
        {"name": Text((name,)), "parameters": parameters}, required=("name", "parameters")
    )


def _condition(
    name: str,
    operators: tuple[str, ...] = COMPARISONS,
    values: tuple[str, ...] = (),
    *,
    kind: str = "",
    selected: bool = False,
) -> Object:
    fields: dict[str, Shape] = {
        "matchValues": Many(Text(values)),
        "negateCondition": FLAG,
        "operator": Text(operators),
        "transforms": TRANSFORMS,
        **({"selector": TEXT} if selected else {}),
    }
    return _part(name, kind or f"{name}Condition", fields, ("operator",))


_HEADER: dict[str, Shape] = {
    "headerAction": Text(("Append", "Overwrite", "Delete")),
    "headerName": Text(pattern=r"[!#$%&'*+.^_`|~\w-]+", rule="a header's name"),
    "value": TEXT,
}
_NEEDS_HEADER = ("headerAction", "headerName")
ACTIONS = {
    "CacheExpiration": _part(
        "CacheExpiration",
        "CacheExpirationAction",
        {
            "cacheBehavior": Text(("BypassCache", "Override", "SetIfMissing")),
            "cacheDuration": TEXT,
            "cacheType": Text(("All",)),
        },
        ("cacheBehavior", "cacheType"),
    ),
    "CacheKeyQueryString": _part(
        "CacheKeyQueryString",
        "CacheKeyQueryStringBehaviorAction",
        {
            "queryParameters": TEXT,
            "queryStringBehavior": Text(("Include", "IncludeAll", "Exclude", "ExcludeAll")),
        },
        ("queryStringBehavior",),
    ),
    "ModifyRequestHeader": _part("ModifyRequestHeader", "HeaderAction", _HEADER, _NEEDS_HEADER),
    "ModifyResponseHeader": _part("ModifyResponseHeader", "HeaderAction", _HEADER, _NEEDS_HEADER),
    "OriginGroupOverride": _part(
        "OriginGroupOverride", "OriginGroupOverrideAction", {"originGroup": REFERENCE}
    ),
    "RouteConfigurationOverride": _part(
        "RouteConfigurationOverride",
        "RouteConfigurationOverrideAction",
        {
            "cacheConfiguration": Object(
                {
                    "cacheBehavior": Text(
                        ("HonorOrigin", "OverrideAlways", "OverrideIfOriginMissing")
                    ),
                    "cacheDuration": Text(
                        pattern=r"(\d{1,3}\.)?([01]\d|2[0-3]):[0-5]\d:[0-5]\d",
                        rule="a period like 1.12:05:06",
                    ),
                    "isCompressionEnabled": Text(("Enabled", "Disabled")),
                    "queryParameters": TEXT,
                    "queryStringCachingBehavior": Text(
                        (
                            "IgnoreQueryString",
                            "UseQueryString",
                            "IgnoreSpecifiedQueryStrings",
                            "IncludeSpecifiedQueryStrings",
                        )
                    ),
                }
            ),
            "originGroupOverride": Object(
                {
                    "forwardingProtocol": Text(("HttpOnly", "HttpsOnly", "MatchRequest")),
                    "originGroup": REFERENCE,
                }
            ),
        },
    ),
    "UrlRedirect": _part(
        "UrlRedirect",
        "UrlRedirectAction",
        {
            "customFragment": TEXT,
            "customHostname": TEXT,
            "customPath": Text(pattern=r"/.*", rule="a path, which begins with '/'"),
            "customQueryString": TEXT,
            "destinationProtocol": Text(("MatchRequest", "Http", "Https")),
            "redirectType": Text(("Moved", "Found", "TemporaryRedirect", "PermanentRedirect")),
        },
        ("redirectType",),
    ),
    "UrlRewrite": _part(
        "UrlRewrite",
        "UrlRewriteAction",
        {"destination": TEXT, "preserveUnmatchedPath": FLAG, "sourcePattern": TEXT},
        ("destination", "sourcePattern"),
    ),
    "UrlSigning": _part(
        "UrlSigning",
        "UrlSigningAction",
        {
            "algorithm": Text(("SHA256",)),
            "parameterNameOverride": Many(Object({"paramIndicator": TEXT, "paramName": TEXT})),
        },
    ),
}
_IP = ("Any", "IPMatch")
_EQUAL = ("Equal",)
CONDITIONS = {
    "ClientPort": _condition("ClientPort"),
    "Cookies": _condition("Cookies", selected=True),
    "HostName": _condition("HostName"),
    "HttpVersion": _condition("HttpVersion", _EQUAL),
    "IsDevice": _condition("IsDevice", _EQUAL, ("Mobile", "Desktop")),
    "PostArgs": _condition("PostArgs", selected=True),
    "QueryString": _condition("QueryString"),
    "RemoteAddress": _condition("RemoteAddress", (*_IP, "GeoMatch")),
    "RequestBody": _condition("RequestBody"),
    "RequestHeader": _condition("RequestHeader", selected=True),
    "RequestMethod": _condition("RequestMethod", _EQUAL, METHODS),
    "RequestScheme": _condition("RequestScheme", _EQUAL, SCHEMES),
    "RequestUri": _condition("RequestUri"),
    "ServerPort": _condition("ServerPort"),
    "SocketAddr": _condition("SocketAddr", _IP),
    "SslProtocol": _condition("SslProtocol", _EQUAL, ("TLSv1", "TLSv1.1", "TLSv1.2")),
    "UrlFileExtension": _condition("UrlFileExtension", kind="UrlFileExtensionMatchCondition"),
    "UrlFileName": _condition("UrlFileName", kind="UrlFilenameCondition"),
    "UrlPath": _condition("UrlPath", (*COMPARISONS, "Wildcard"), kind="UrlPathMatchCondition"),
}
