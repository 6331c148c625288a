"""Advice: the default for any project, and a site's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.doctor.conftest import ACCOUNT, Account, Examine
from tests.faults import FaultProxy, Rule

LIBRARY = ROOT / "src" / "azureblob"
BARE: dict[str, Any] = {"AZUREBLOB_ADVICE": None}
STRANGER = "https://elsewhere.example.com"
AZURE = "https://shop.blob.core.windows.net/"


# --- The library ----------------------------------------------------------------------------------


def test_the_library_names_no_tool_page_or_setting_of_this_repository() -> None:
    stack = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    settings = [name for name in stack["config"] if re.search("[a-z][A-Z]", name)]
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    assert "corsOrigins" in settings and "env" in targets
    site = [path.stem for path in (ROOT / "app" / "backend").glob("[a-z]*.py")]
    forbidden = re.compile(
        rf"pulumi|\b(?:{'|'.join(settings)})\b|\bmake (?:{'|'.join(targets)})\b|\bdocs/"
        rf"|\bthe stack\b|\bgallery\b|\bbackend\.(?:{'|'.join(site)})\b",
        re.IGNORECASE,
    )
    found = [
        f"{path.relative_to(LIBRARY)}: {line.strip()}"
        for path in sorted(LIBRARY.rglob("*"))
        if path.suffix in {".py", ".js", ".css", ".html"}
        for line in path.read_text().splitlines()
        if forbidden.search(line)
    ]
    assert found == []


# --- The default ----------------------------------------------------------------------------------


def az(account: Account, words: str) -> str:
    noun, _, rest = words.partition(" --")
    return f"{noun} --blob-endpoint {account.endpoint} --account-name {ACCOUNT} --{rest}"


def test_a_bare_project_whose_key_is_refused_learns_which_setting_to_change(
    examine: Examine,
) -> None:
    done = examine(AZURE_ACCOUNT_KEY="d3Jvbmcta2V5", **BARE)
    assert done["signin"]["fix"] == (
        "Set AZURE_ACCOUNT_KEY to the current key, and restart the site."
    )
    # An emulator cannot list its keys.
    assert done["signin"]["commands"] == []


def test_a_bare_project_without_a_container_gets_the_command_that_creates_it(
    examine: Examine, account: Account
) -> None:
    done = examine(media="not-there", **BARE)
    assert done["container.media"]["fix"].startswith("Create it; or correct the settings")
    assert done["container.media"]["commands"] == [
        az(account, "az storage container create --name not-there")
    ]


def test_a_bare_project_without_a_cors_rule_gets_the_one_to_add(
    examine: Examine, account: Account
) -> None:
    done = examine("--origin", STRANGER, **BARE)
    command = (
        f"az storage cors add --service-endpoint {account.endpoint} --account-name {ACCOUNT} "
        f"--services b --methods {{}} --origins {STRANGER} --allowed-headers {{}} "
        "--exposed-headers '*' --max-age 3600"
    )
    assert done["preflight.get"]["commands"] == [command.format("GET HEAD", "'*'")]
    assert done["preflight.put"]["commands"] == [command.format("PUT", "content-type 'x-ms-*'")]


def test_the_rule_of_the_advice_is_one_that_the_doctor_accepts(
    examine: Examine, account: Account
) -> None:
    """The arguments of `az storage cors add` are those of the service's CORS rules."""
    from azure.storage.blob import CorsRule

    done = examine("--origin", STRANGER, **BARE)
    with account.client() as service:
        before = service.get_service_properties()["cors"]
        rules = []
        for name in ("preflight.get", "preflight.put"):
            (command,) = done[name]["commands"]
            words = re.findall(r"--(\S+) ((?:(?!--)\S+ ?)+)", command.replace("'", ""))
            given = {option: values.split() for option, values in words}
            rules.append(
                CorsRule(
                    given["origins"],
                    given["methods"],
                    allowed_headers=given["allowed-headers"],
                    exposed_headers=given["exposed-headers"],
                    max_age_in_seconds=int(given["max-age"][0]),
                )
            )
        service.set_service_properties(cors=rules)
        try:
            again = examine("--origin", STRANGER, **BARE)
        finally:
            service.set_service_properties(cors=before)
    assert (again.state("preflight.get"), again.state("preflight.put")) == ("pass", "pass")


@pytest.mark.parametrize(
    ("changed", "probe", "command"),
    [
        (
            {"media": "media", "AZURE_MEDIA_ACCESS": "private"},
            "access.media",
            "az storage container set-permission --name media --public-access off",
        ),
        (
            {"media": "private"},
            "access.media",
            "az storage container set-permission --name private --public-access blob",
        ),
        (
            {"quarantine": "open"},
            "access.quarantine",
            "az storage container set-permission --name open --public-access off",
        ),
        (
            {"static": "listed"},
            "access.static",
            "az storage container set-permission --name listed --public-access blob",
        ),
        (
            {"static": "closed"},
            "access.static",
            "az storage container set-permission --name closed --public-access blob",
        ),
    ],
)
def test_a_bare_project_gets_the_command_that_sets_a_containers_level(
    examine: Examine, account: Account, changed: dict[str, Any], probe: str, command: str
) -> None:
    assert examine(**changed, **BARE)[probe]["commands"] == [az(account, command)]


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("KeyBasedAuthenticationNotPermitted", "set AZURE_AUTH_MODE = 'identity'"),
        ("AccountIsDisabled", "https://learn.microsoft.com/"),
    ],
)
def test_a_bare_project_that_is_refused_gets_advice_for_any_project(
    examine: Examine, account: Account, code: str, fix: str
) -> None:
    rule = Rule(path="*/media", status=403, code=code)
    with FaultProxy(account.port, rules=[rule]) as proxy:
        done = examine(endpoint=account.through(proxy.port), **BARE)
    assert fix in done["signin"]["fix"]


def test_commands_for_an_account_on_azure_need_no_endpoint() -> None:
    from azureblob.advice import Account, Advice

    advice = Advice(Account("shop", AZURE))
    assert advice.key_refused().commands == ("az storage account keys list --account-name shop",)
    assert advice.renew_key().endswith("keys: az storage account keys list --account-name shop")
    assert advice.create_container("media") == (
        "Create it (az storage container create --account-name shop --name media)"
    )
    assert advice.firewall().commands == (
        "az storage account network-rule add --account-name shop --ip-address <address>",
    )
    assert (
        "--origins https://a.example" in advice.origin_cannot_load("https://a.example").commands[0]
    )
    assert len(advice.role_missing().commands) == 2
    assert "<account>" in Advice(Account()).firewall().commands[0]


def test_the_advice_needs_no_settings() -> None:
    """Errors of the REST client can be explained outside a project, too."""
    script = (
        "from azureblob.explanations import explain\n"
        "from azureblob.rest.errors import service_error\n"
        "from azureblob.rest.models import Response\n"
        "answer = Response(404, [b'x-ms-error-code: ContainerNotFound'], container='media')\n"
        "print(explain(service_error(answer)))"
    )
    env = {name: text for name, text in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        timeout=60,
    )
    assert done.stderr == ""
    assert "Create it (az storage container create --account-name <account> --name" in done.stdout


# --- The site's -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "AuthenticationFailed",
            "the account refused the key. Write app/.env again: make env STACK=<stack>.",
        ),
        (
            "AuthorizationFailure",
            "the account does not let this machine in, or the key is not its own. Check the "
            "firewall (the stack's networkAccess and allowedIpRanges) and the key.",
        ),
        (
            "ContainerNotFound",
            "there is no such container. Deploy the stack (pulumi up), then try again.",
        ),
        (
            "ResourceNotFound",
            "there is no such account or container. Deploy the stack (pulumi up).",
        ),
    ],
)
def test_a_publish_of_this_site_names_the_commands_of_its_repository(
    django_site: None, code: str, said: str
) -> None:
    from azureblob.explanations import explain
    from azureblob.rest.errors import service_error
    from azureblob.rest.models import Response

    answer = Response(403, [f"x-ms-error-code: {code}".encode()])
    assert explain(service_error(answer)) == f"Blob storage said {code}: {said}"


def test_the_sites_advice_overrides_every_method(
    django_site: None,
) -> None:
    """A new method of Advice needs an override in StackAdvice too."""
    from azureblob.advice import Advice
    from backend.advice import StackAdvice

    situations = {name for name in vars(Advice) if not name.startswith("_")}
    assert situations - set(vars(StackAdvice)) == set()


def test_a_malformed_key_of_this_site_names_the_command_that_writes_it_again(
    django_site: None,
) -> None:
    from azureblob.explanations import explain
    from azureblob.rest.auth import SharedKey
    from azureblob.rest.errors import InvalidKeyError

    with pytest.raises(InvalidKeyError) as raised:
        SharedKey("shop", "no base64!")
    assert explain(raised.value) == (
        "The account key is not base64. Write app/.env again: make env STACK=<stack>."
    )


# --- The setting ----------------------------------------------------------------------------------


def test_the_setting_replaces_the_default(examine: Examine) -> None:
    site = examine("--origin", STRANGER)["preflight.put"]
    bare = examine("--origin", STRANGER, **BARE)["preflight.put"]
    assert site["detail"] == bare["detail"]
    assert "corsOrigins" in site["fix"] and "corsOrigins" not in str(bare)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere.at.all", "No module named 'nowhere'"),
        ("backend.advice.Missing", 'does not define a "Missing"'),
        ("Advice", "doesn't look like a module path"),
        ("backend.advice.Steps", "'shop.advice.ShopAdvice'."),
        (7, "'shop.advice.ShopAdvice'."),
        ("..Advice", "'shop.advice.ShopAdvice'."),
    ],
)
def test_a_wrong_setting_is_an_error_that_says_what_it_must_be(
    examine: Examine, path: object, why: str
) -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    from azureblob.advice import advice_class

    rule = f"AZUREBLOB_ADVICE is {path!r}. It must be the dotted path of a subclass of"
    with (
        override_settings(AZUREBLOB_ADVICE=path),
        pytest.raises(ImproperlyConfigured, match=re.escape(rule)) as raised,
    ):
        advice_class()
    assert why in str(raised.value)
    # The doctor reports it, and continues with the default.
    done = examine("--origin", STRANGER, AZUREBLOB_ADVICE=path)
    assert done["settings azureblob.E017"]["detail"] == str(raised.value)
    assert done["preflight.put"]["commands"][0].startswith("az storage cors add")
