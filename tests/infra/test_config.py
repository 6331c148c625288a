"""No wrong setting reaches Azure: each is refused with key, value, rule and a command to type."""

from __future__ import annotations

import contextvars
import json
import re
from pathlib import Path

import pulumi
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from infra import origins, rules
from infra.config import StackConfig
from infra.errors import ConfigError
from infra.outputs import OUTPUTS
from infra.reader import load, parse
from infra.settings import SETTINGS
from tests.conftest import ROOT

GUID = "11111111-2222-3333-4444-555555555555"
LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"


def refused(**given_settings: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(given_settings)
    return str(caught.value)


def test_the_defaults_are_the_tutorials_names_with_private_uploads() -> None:
    config = parse({})
    assert config == StackConfig()
    assert (config.resource_group_name, config.location) == ("DemoDjangoBlob", "westeurope")
    assert (config.static_container, config.media_container) == ("static", "media")
    assert not config.media_is_public


def test_every_setting_is_read() -> None:
    config = parse(
        {
            "location": "northeurope",
            "resourceGroupName": "Group(1)",
            "accountName": "djangoaccountstorage",
            "accountNamePrefix": "web",
            "accountKind": "StorageV2",
            "sku": "Standard_ZRS",
            "staticContainer": "assets",
            "mediaContainer": "uploads",
            "quarantineContainer": "unchecked",
            "mediaAccess": "public",
            "corsOrigins": '["https://www.example.com", "http://localhost:8000"]',
            "corsMaxAgeSeconds": "0",
            "directUpload": "false",
            "protect": "true",
            "tags": '{"team": "web"}',
            "staticAccess": "private",
            "authMode": "identity",
            "dataPrincipals": f'["User:{GUID}"]',
            "activeKey": "key2",
            "keyExpiryDays": "30",
            "sasExpiryHours": "0",
            "infrastructureEncryption": "false",
            "corsAllowAnyOrigin": "true",
            "blobSoftDeleteDays": "14",
            "containerSoftDeleteDays": "0",
            "versioning": "true",
            "oldVersionDays": "60",
            "restoreDays": "13",
            "quarantineDays": "2",
            "coolAfterDays": "90",
            "lock": "true",
            "retainMedia": "true",
            "networkAccess": "open",
            "allowedIpRanges": "[]",
            "allowedSubnets": "[]",
            "trustedServices": "false",
            "privateEndpointSubnet": rules.SUBNET_EXAMPLE,
            "logAnalyticsWorkspace": rules.WORKSPACE_EXAMPLE,
            "frontDoor": "premium",
            "customDomain": "static.example.com",
            "siteSize": "P1v3",
            "databaseUrl": "postgres://user:password@db.example.com/site",
            "secretKey": "k" * 50,
            "adopt": "true",
        }
    )
    assert config == StackConfig(
        location="northeurope",
        resource_group_name="Group(1)",
        account_name="djangoaccountstorage",
        account_name_prefix="web",
        sku="Standard_ZRS",
        static_container="assets",
        media_container="uploads",
        quarantine_container="unchecked",
        media_access="public",
        cors_origins=("https://www.example.com", "http://localhost:8000"),
        cors_max_age_seconds=0,
        direct_upload=False,
        protect=True,
        tags={"team": "web"},
        static_access="private",
        auth_mode="identity",
        data_principals=(f"User:{GUID}",),
        active_key="key2",
        key_expiry_days=30,
        sas_expiry_hours=0,
        infrastructure_encryption=False,
        cors_allow_any_origin=True,
        blob_soft_delete_days=14,
        container_soft_delete_days=0,
        versioning=True,
        old_version_days=60,
        restore_days=13,
        quarantine_days=2,
        cool_after_days=90,
        lock=True,
        retain_media=True,
        trusted_services=False,
        private_endpoint_subnet=rules.SUBNET_EXAMPLE,
        log_analytics_workspace=rules.WORKSPACE_EXAMPLE,
        front_door="premium",
        custom_domain="static.example.com",
        site_size="P1v3",
        database_url="postgres://user:password@db.example.com/site",
        secret_key="k" * 50,
        adopt=True,
    )


BAD: list[tuple[str, str, str]] = [
    ("location", "West Europe", "lower case without spaces"),
    ("location", "westeurop", "no region"),
    ("location", "", "no region"),
    ("resourceGroupName", "ends.", "no '.' at the end"),
    ("resourceGroupName", "r" * 91, "1 to 90"),
    ("resourceGroupName", "a/b", "1 to 90 letters"),
    ("accountName", "ab", "3 to 24"),
    ("accountName", "DjangoAccount", "lower-case"),
    ("accountNamePrefix", "django-site", "lower-case"),
    ("accountNamePrefix", "a" * 17, "1 to 16"),
    ("sku", "Standard_XRS", "one of Standard_LRS"),
    ("accountKind", "BlobStorage", "one of StorageV2"),
    ("staticAccess", "open", "public or private"),
    ("authMode", "keys", "key or identity"),
    ("dataPrincipals", f'["{"1" * 8}"]', "a type (ServicePrincipal"),
    ("dataPrincipals", f'["Device:{GUID}"]', "a type (ServicePrincipal"),
    ("dataPrincipals", f'["User:{GUID}", "User:{GUID}"]', "twice"),
    ("activeKey", "key3", "key1 or key2"),
    ("keyExpiryDays", "3651", "from 0 to 3650"),
    ("blobSoftDeleteDays", "366", "from 0 to 365"),
    ("versioning", "True", "true or false"),
    ("networkAccess", "private", "one of open, firewall, closed"),
    ("allowedIpRanges", '["192.168.1.1"]', "private addresses never reach"),
    ("allowedIpRanges", '["203.0.113.0/31"]', "rejects /31 and /32"),
    ("allowedIpRanges", '["203.0.113.1/24"]', "host bits"),
    ("allowedIpRanges", '["2001:db8::1"]', "a public IPv4 address"),
    ("allowedIpRanges", '["999.1.1.1"]', "a public IPv4 address"),
    ("allowedSubnets", '["hub/web"]', "the id of a subnet"),
    ("privateEndpointSubnet", "/subscriptions/x", "the id of a subnet"),
    ("logAnalyticsWorkspace", rules.SUBNET_EXAMPLE, "the id of a Log Analytics workspace"),
    ("frontDoor", "classic", "one of none, standard, premium"),
    ("customDomain", "https://static.example.com", "a host name in lower case"),
    ("customDomain", "localhost", "a host name in lower case"),
    ("customDomain", "127.0.0.1", "a host name in lower case"),
    ("staticContainer", "Static", "lower-case"),
    ("staticContainer", "a--b", "single hyphens"),
    ("mediaContainer", "-media", "single hyphens"),
    ("quarantineContainer", "Quarantine", "3 to 63"),
    ("mediaContainer", "static", "uploads need one of their own"),
    ("mediaAccess", "Public", "public or private"),
    ("corsOrigins", "https://www.example.com,ftp://b.example", "'ftp://b.example': an origin"),
    ("corsOrigins", "[1]", "'1': not a string"),
    ("corsOrigins", "[null]", "'null': not a string"),
    ("corsOrigins", '{"a": "https://a.example"}', "a list"),
    ("dataPrincipals", "[[]]", "'[]': not a string"),
    ("corsOrigins", '["*"]', "admits every site"),
    ("corsOrigins", '["https://a.example", "https://a.example"]', "twice"),
    ("corsOrigins", "[" * 5000, "a list: its entries separated by commas, or JSON"),
    ("corsOrigins", json.dumps([f"https://h{n}.example" for n in range(65)]), "at most 64"),
    ("corsAllowAnyOrigin", "yes", "true or false"),
    ("protect", "on", "true or false"),
    ("corsMaxAgeSeconds", "-1", "a whole number"),
    ("corsMaxAgeSeconds", "86401", "0 to 86400"),
    ("corsMaxAgeSeconds", "9" * 5000, "0 to 86400"),
    ("corsMaxAgeSeconds", "٣", "a whole number"),
    ("tags", "[]", "a JSON object"),
    ("tags", '{"a": 1.5}', "the tag 'a' is the number 1.5"),
    ("tags", '{"a": null}', "the tag 'a' is empty"),
    ("tags", '{"a": {"b": "c"}}', "the tag 'a' is an object"),
    ("tags", '{"a": 12345678901234567000}', "the number 12345678901234567000"),
    ("tags", '{"a": "2026-01-01 00:00:00 +0000 UTC"}', "the tag 'a' is the date 2026-01-01"),
    ("tags", '{"a/b": "x"}', "none of them"),
    ("tags", '{"Team": "x", "team": "y"}', "differ in case only"),
    ("tags", '{"microsoftTeam": "x"}', "Azure's own"),
    ("tags", json.dumps({"a": "x" * 257}), "at most 256"),
    (
        "tags",
        json.dumps({f"t{n}": "" for n in range(51)}),
        "at most 48 tags in addition to project and stack",
    ),
]


@pytest.mark.parametrize(("key", "value", "rule"), BAD)
def test_a_wrong_setting_is_named_with_value_rule_and_command(
    key: str, value: str, rule: str
) -> None:
    said = refused(**{key: value})
    assert said.startswith("One setting is wrong; nothing was changed.\n")
    assert f"django-azure-blob:{key} is '{value[:77]}" in said
    assert len(said) < 2000
    assert rule in said
    assert "pulumi config set " in said


@pytest.mark.parametrize("key", SETTINGS)
def test_the_command_in_an_error_sets_an_accepted_value(key: str) -> None:
    typed_command = SETTINGS[key].command().removeprefix("pulumi config set ")
    path, _, value = typed_command.removeprefix("--path ").partition(" ")
    if SETTINGS[key].secret:
        assert typed_command == f"--secret {key}"  # the CLI asks for the value
        value = SETTINGS[key].example
    typed = {".team": json.dumps({"team": value})}
    try:
        parse({key: typed.get(path.removeprefix(key), value)})
    except ConfigError as error:
        # The value may need another setting, but is never refused itself.
        about_others = {"authMode", "networkAccess", "customDomain", "restoreDays", "adopt"}
        about_others |= {"allowedIpRanges", "allowedSubnets", "privateDnsZoneId"}
        assert key in about_others | {"privateLinkLocation", "host", "siteHosts", "siteSubnet"}, (
            error
        )


def test_every_wrong_setting_is_named_at_once() -> None:
    said = refused(location="mars", sku="gold", corsOrigins='["*", "ftp://x"]', nmae="x")
    assert said.startswith("5 settings are wrong")
    for value in ("'mars'", "'gold'", "'*'", "'ftp://x'", "nmae"):
        assert value in said


def test_an_unknown_setting_is_refused_with_the_name_that_was_meant() -> None:
    said = refused(accuntName="x")
    assert "no such setting; did you mean accountName?" in said
    assert "pulumi config rm accuntName" in said


def test_any_origin_is_allowed_by_its_switch_alone() -> None:
    assert "pulumi config set corsAllowAnyOrigin true" in refused(corsOrigins='["*"]')
    allowed = parse({"corsOrigins": '["*"]', "corsAllowAnyOrigin": "true"})
    assert allowed.cors_origins == ("*",)
    with pytest.raises(ConfigError, match="must be the only one"):
        parse({"corsOrigins": '["*", "https://a.example"]', "corsAllowAnyOrigin": "true"})


@st.composite
def bad_account_names(draw: st.DrawFn) -> str:
    name = draw(st.text(LOWER, min_size=3, max_size=24))
    position = draw(st.integers(0, len(name)))
    wrong = draw(st.sampled_from("ABZ-_. /@é٣🎈\n"))
    return draw(
        st.sampled_from(
            [name[:position] + wrong + name[position:], name[:2], (name * 9)[:25], f"{name} "]
        )
    )


@settings(max_examples=200, deadline=None)
@given(bad_account_names())
def test_generated_bad_account_names_are_refused(name: str) -> None:
    assert "3 to 24 lower-case letters" in refused(accountName=name)


@settings(max_examples=200, deadline=None)
@given(st.text(LOWER, min_size=3, max_size=24))
def test_generated_good_account_names_are_accepted(name: str) -> None:
    assert parse({"accountName": name}).account_name == name


@st.composite
def bad_containers(draw: st.DrawFn) -> str:
    name = draw(st.text(LOWER, min_size=3, max_size=20))
    return draw(
        st.sampled_from(
            [
                f"-{name}",
                f"{name}-",
                f"{name}--{name}",
                f"{name}X",
                f"{name}_",
                f"{name}.x",
                name[:2],
                (name * 32)[:64],
                f"{name}/x",
                f"{name}\n",
                f"é{name}",
                "$web",
                "$logs",
            ]
        )
    )


@settings(max_examples=200, deadline=None)
@given(bad_containers())
def test_generated_bad_container_names_are_refused(name: str) -> None:
    assert "3 to 63" in refused(mediaContainer=name)


host = st.from_regex(r"[a-z][a-z0-9]{0,9}(\.[a-z][a-z0-9]{1,5}){1,2}", fullmatch=True)


@st.composite
def bad_origins(draw: st.DrawFn) -> str:
    name = draw(host)
    port = draw(st.integers(1, 65535).filter(lambda n: n != 443))
    return draw(
        st.sampled_from(
            [
                name,
                f"//{name}",
                f"ftp://{name}",
                f"http://{name}",
                f"http://{name}:{port}",
                f"https://{name}/",
                f"https://{name}/path",
                f"https://{name}:{port}/",
                f"https://{name}:443",
                f"https://{name}:0",
                f"https://{name}:65536",
                f"https://{name}:{port}x",
                f"https://user@{name}",
                f"https://user:pass@{name}",
                f"https://{name}?q=1",
                f"https://{name}#top",
                f"https://{name.upper()}",
                f"HTTPS://{name}",
                f"http://*.{name}",
                "https://*",
                "https://*.com",
                "https://*.1.2.3.4",
                "https://*.[::1]",
                f"https://*{name}",
                f"https://*.*.{name}",
                f"https://a.*.{name}",
                f"https://a*.{name}",
                f"https://*.{name}/",
                f"https://*.{name}:443",
                f"https:// {name}",
                f" https://{name}",
                f"https://{name}\n",
                f"https://-{name}",
                f"https://{name}..com",
                f"https://é{name}",
                "https://",
                "https://:8000",
                "https://[::1",
                "https://999.1.1.1",
                "https://a_b.example",
                "https://[0:0:0:0:0:0:0:1]",
                "http://0.0.0.0:8000",
                "null",
                "",
            ]
        )
    )


@settings(max_examples=400, deadline=None)
@given(bad_origins())
def test_generated_bad_origins_are_refused_with_the_origin_shown(origin: str) -> None:
    said = refused(corsOrigins=json.dumps([origin]))
    assert f"'{origin}': " in said
    assert "pulumi config set --path 'corsOrigins[0]' https://www.example.com" in said


@settings(max_examples=200, deadline=None)
@given(host, st.integers(1, 65535).filter(lambda n: n != 443))
def test_generated_wildcards_of_subdomains_are_accepted(name: str, port: int) -> None:
    origins = [f"https://*.{name}", f"https://*.{name}:{port}", "http://*.localhost:8000"]
    assert parse({"corsOrigins": json.dumps(origins)}).cors_origins == tuple(origins)


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        ("https://*.vercel.app", "anyone can have a page under vercel.app"),
        ("https://*.westeurope.azurecontainerapps.io", "under azurecontainerapps.io"),
        ("https://*.example.com", "every subdomain of example.com"),
        ("https://*.example.com:8443", "every subdomain of example.com"),
        ("https://*.preview.example.com", ""),
        ("https://www.example.com", ""),
        ("http://*.localhost:8000", ""),
        ("*", ""),
    ],
)
def test_a_wildcard_is_wide_below_a_domain_or_a_host_that_everybody_uses(
    origin: str, why: str
) -> None:
    assert why in origins.wide(origin)
    assert bool(why) is bool(origins.wide(origin))


@pytest.mark.parametrize("separator", [",", ", ", " ", "\n", ",,"])
def test_a_list_may_be_a_text_as_pulumi_new_writes_it(separator: str) -> None:
    origins = ("https://a.example", "https://*.b.example")
    assert parse({"corsOrigins": separator.join(origins)}).cors_origins == origins
    assert parse({"corsOrigins": ""}).cors_origins == ()


def test_in_a_text_the_command_sets_the_whole_list() -> None:
    said = refused(corsOrigins="https://a.example,ftp://x")
    assert "pulumi config set corsOrigins https://a.example,https://www.example.com" in said


def test_numbers_and_booleans_among_the_tags_are_taken_as_text() -> None:
    config = parse({"tags": '{"costCenter": 4711, "shared": true, "team": "web"}'})
    assert config.tags == {"costCenter": "4711", "shared": "true", "team": "web"}


def test_a_tag_that_is_no_text_is_named_with_the_command_that_works() -> None:
    said = refused(tags='{"costCenter": 1.5, "a.b": null}')
    assert said.startswith("2 settings are wrong")
    assert "pulumi config set --path 'tags.costCenter' --type string VALUE" in said
    assert "pulumi config set --path 'tags[\"a.b\"]' --type string VALUE" in said


def foreign(*keys: str, **given_settings: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(given_settings, project="shop", foreign=keys, file="Pulumi.prod.yaml")
    return str(caught.value)


def test_settings_of_the_projects_former_name_are_refused_with_the_command_that_renames() -> None:
    names = ["protect", "lock", "versioning", "sku"]
    said = foreign(*[f"django-azure-blob:{name}" for name in names], location="mars")
    assert (
        "django-azure-blob:lock, django-azure-blob:protect, django-azure-blob:sku and 1 more"
        in (said)
    )
    assert "this project is called 'shop'" in said
    assert r"sed -i.bak 's/^\( *\)django-azure-blob:/\1shop:/' Pulumi.prod.yaml" in said
    assert "shop:location is 'mars'" in said


def test_a_key_of_another_namespace_is_refused_with_the_nearest_name_and_without_its_value() -> (
    None
):
    said = foreign("shpo:protcet", "aws:region")
    assert "shpo:protcet: nothing reads it" in said
    assert "did you mean protect?" in said
    assert "pulumi config rm shpo:protcet" in said
    assert "pulumi config rm aws:region" in said


def test_no_message_shows_a_secret_value() -> None:
    wrong = {"sku": "hunter2", "dbPassword": "hunter2", "corsOrigins": "hunter2,hunter2"}
    with pytest.raises(ConfigError) as caught:
        parse(wrong, secret=wrong)
    assert "hunter2" not in str(caught.value)
    for key in wrong:
        assert f"{key} is '[secret]'" in str(caught.value)


def test_the_settings_of_an_inline_program_are_read_and_its_secrets_are_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The Automation API gives them to the SDK, and sets no environment."""
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")

    def read(**given_settings: str) -> StackConfig:
        settings = {f"shop:{key}": text for key, text in given_settings.items()}
        pulumi.runtime.set_all_config(settings, ["shop:allowedIpRanges"])
        return load(pulumi.Config("shop"))

    context = contextvars.copy_context()
    assert context.run(read, sku="Standard_ZRS").sku == "Standard_ZRS"
    with pytest.raises(ConfigError) as caught:
        context.run(read, allowedIpRanges="10.0.0.1")
    assert "allowedIpRanges is '[secret]'" in str(caught.value)
    assert "10.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "secret"),
    [
        ("allowedIpRanges", "203.0.113.7/24", "203.0.113.7"),
        ("allowedIpRanges", '["203.0.113.7", "203.0.113.7"]', "203.0.113.7"),
        ("allowedIpRanges", "203.0.113.7,10.0.0.1", "203.0.113.7"),
        ("tags", '{"costCenter": 1.5}', "1.5"),
        ("tags", '{"paid": "2026-01-01 00:00:00 +0000 UTC"}', "2026-01-01"),
    ],
)
def test_neither_the_rule_nor_the_command_shows_a_secret_value(
    key: str, value: str, secret: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse({key: value}, secret={key})
    assert f"{key} is '[secret]'" in str(caught.value)
    assert secret not in str(caught.value)


def test_a_rule_does_not_quote_the_secret_value_of_another_setting() -> None:
    with pytest.raises(ConfigError) as caught:
        parse({"sku": "Standard_GZRS", "location": "ukwest"}, secret={"location"})
    assert "sku is 'Standard_GZRS': [secret] has no availability zones" in str(caught.value)


def test_the_command_names_the_entry_that_is_wrong() -> None:
    said = refused(corsOrigins='["https://a.example", "ftp://x"]')
    assert "pulumi config set --path 'corsOrigins[1]' https://www.example.com" in said


@settings(max_examples=200, deadline=None)
@given(host, st.integers(1, 65535).filter(lambda n: n != 443))
def test_generated_good_origins_are_accepted(name: str, port: int) -> None:
    origins = [f"https://{name}", f"https://{name}:{port}", "http://[::1]:8000"]
    assert parse({"corsOrigins": json.dumps(origins)}).cors_origins == tuple(origins)


@pytest.mark.parametrize("file", sorted(ROOT.glob("Pulumi.*.yaml")), ids=lambda file: file.name)
def test_every_committed_stack_is_accepted(file: Path) -> None:
    parse(
        {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in yaml.safe_load(file.read_text())["config"].items()
        }
    )


def test_the_readme_describes_every_output() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in OUTPUTS:
        assert re.search(rf"^\| `{name}` \|", readme, re.MULTILINE), name


def test_the_readme_names_no_setting_that_there_is_not() -> None:
    readme = (ROOT / "README.md").read_text()
    table = readme.partition("## Configuration")[2].partition("\n## ")[0]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    assert named
    assert set(named) <= set(SETTINGS)
