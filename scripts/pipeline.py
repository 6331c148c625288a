"""`make pipeline`: everything that a fresh GitHub repository needs to deploy a stack to Azure.

Prints a shell script; with `--apply` it runs the script's commands one by one, through `az`, `gh`
and `pulumi`. Running it again is safe: what exists is updated to the same, or left alone.

Nothing in it is secret. GitHub's jobs sign in with tokens of their own (OpenID Connect), and the
key that encrypts the state never leaves Key Vault.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.child import clean_environment
from scripts.console import Problem, entry, say, step
from scripts.paths import ROOT

ENVIRONMENT = "production"  # of .github/workflows/deploy.yml
BRANCH = "main"  # the one that deploy.yml and drift.yml run on
# "Configure a federated identity credential": GitHub's issuer, and the audience of azure/login.
ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"
# The roles that the stack gives (infra/access.py). "Delegate Azure role assignment management to
# others with conditions": its identity may give and take these and no other.
GRANTED = (
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",  # Storage Blob Data Contributor
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",  # Storage Blob Delegator
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",  # Storage Blob Data Reader
)
# "Troubleshoot Azure RBAC": a new role takes up to ten minutes to reach the data plane.
PATIENCE_SECONDS = 600
NOT_YET = re.compile(
    r"AuthorizationPermissionMismatch|AuthorizationFailed|Forbidden|PrincipalNotFound|StatusCode=403"
)


@dataclass(frozen=True)
class Command:
    """One command. Its arguments may contain `$NAME`, a value that an earlier one printed.

    `keeps` names what it prints; `unless` is a command whose success means that there is nothing to
    do; `standard_input` is text for it; `environment` is set for it alone.
    """

    title: str
    arguments: tuple[str, ...]
    keeps: str = ""
    unless: tuple[str, ...] = ()
    standard_input: str = ""
    environment: tuple[tuple[str, str], ...] = ()

    def shown(self) -> str:
        """As a line of a POSIX shell script."""
        line = " ".join(
            [*(f"{k}={_quoted(v)}" for k, v in self.environment), _line(self.arguments)]
        )
        if self.standard_input:
            line = f"printf '%s' {_quoted(self.standard_input)} | {line}"
        if self.keeps:
            return f"{self.keeps}=$({line})"
        if self.unless:
            return f"{_line(self.unless)} >/dev/null 2>&1 || {line}"
        return line


@dataclass(frozen=True)
class Target:
    """Which stack, in which repository and subscription; `settings` are those of its file."""

    stack: str
    repository: str
    subscription: str
    settings: dict[str, str]
    group_exists: bool
    reviewer: str

    @property
    def group(self) -> str:
        return self.settings.get("resourceGroupName", "DemoDjangoBlob")

    @property
    def location(self) -> str:
        return self.settings.get("location", "westeurope")

    @property
    def name(self) -> str:
        """Worldwide unique, and the same at each run: 3 to 24 letters and digits."""
        whole = f"{self.subscription}/{self.repository}/{self.stack}".lower()
        return f"state{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make pipeline")
    parser.add_argument("--stack", required=True)
    parser.add_argument(
        "--apply", action="store_true", help="run the commands, not only print them"
    )
    parser.add_argument("--repository", default="", help="OWNER/NAME; default: that of this clone")
    parser.add_argument("--subscription", default="", help="its id; default: az's current one")
    parser.add_argument("--reviewer", default="", help="who approves deployments; default: you")
    parser.add_argument(
        "--existing-group", action="store_true", help="the stack's resource group exists already"
    )
    options = parser.parse_args(arguments)
    return entry(lambda: pipeline(options))


def pipeline(options: argparse.Namespace) -> int:
    """Print the script, or run it. Raises Problem."""
    settings = settings_of(options.stack)
    repository = options.repository or _asked(
        ("gh", "repo", "view", "--json", "nameWithOwner", "--jq", ".nameWithOwner"),
        "--repository OWNER/NAME",
    )
    subscription = options.subscription or _asked(
        ("az", "account", "show", "--query", "id", "--output", "tsv"), "--subscription ID"
    )
    _check("--repository", repository, r"[\w.-]+/[\w.-]+", "acme/shop")
    _check("--subscription", subscription, r"[0-9a-fA-F-]{36}", "az account list --output table")
    _check("--reviewer", options.reviewer or "me", r"[A-Za-z0-9-]+", "octocat")
    target = Target(
        options.stack,
        repository,
        subscription,
        settings,
        options.existing_group or settings.get("createResourceGroup") == "false",
        options.reviewer,
    )
    commands = [*commands_for(target)]
    if not options.apply:
        say(script(target, commands))
        return 0
    apply(target, commands)
    say(f"\n{_closing(target)}")
    return 0


def settings_of(stack: str) -> dict[str, str]:
    """The plain settings of the stack's file, without the project's name. Raises Problem."""
    file = ROOT / f"Pulumi.{stack}.yaml"
    if not re.fullmatch(r"[A-Za-z0-9._-]+", stack) or not file.exists():
        raise Problem(
            f"There is no stack '{stack}': Pulumi.{stack}.yaml does not exist. For example: "
            "make pipeline STACK=prod"
        )
    found = re.findall(
        r"^[ \t]+(?:[\w.-]+:)?(\w+):[ \t]*(.*?)[ \t]*(?:#.*)?$",
        file.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return {key: value.strip("'\"") for key, value in found}


def script(target: Target, commands: Sequence[Command]) -> str:
    lines = [
        "#!/bin/sh",
        f"# What {target.repository} needs to deploy the stack {target.stack} from GitHub Actions.",
        f"# Read it; to run it: make pipeline STACK={target.stack} ARGS=--apply",
        "# It needs az and gh, signed in, the Pulumi CLI, and the role Owner in the subscription.",
        "set -eu",
    ]
    for command in commands:
        lines += ["", f"# {command.title}", command.shown()]
    return "\n".join([*lines, "", *(f"# {line}" for line in _closing(target).splitlines())])


def commands_for(target: Target) -> Iterator[Command]:
    """Every command, in the order in which they are run."""
    pipeline_group = f"{target.group}-pipeline"
    subscription = f"/subscriptions/{target.subscription}"
    in_group = ("--resource-group", pipeline_group)
    in_subscription = ("--subscription", target.subscription)
    quiet = ("--output", "none")
    backend = f"azblob://pulumi?storage_account={target.name}"

    def az(title: str, *arguments: str, unless: tuple[str, ...] = ()) -> Command:
        checked = ("az", *unless, *in_subscription, *quiet) if unless else ()
        return Command(title, ("az", *arguments, *in_subscription, *quiet), unless=checked)

    def kept(name: str, title: str, *arguments: str) -> Command:
        return Command(title, arguments, keeps=name)

    def az_kept(name: str, title: str, query: str, *arguments: str) -> Command:
        output = ("--query", query, "--output", "tsv")
        return kept(name, title, "az", *arguments, *in_subscription, *output)

    def role(title: str, who: str, kind: str, role: str, scope: str, *more: str) -> Command:
        assignee = ("--assignee-object-id", who, "--assignee-principal-type", kind)
        return az(
            title,
            *("role", "assignment", "create", *assignee),
            *("--role", role, "--scope", scope, *more),
        )

    yield kept(
        "SUBJECT",
        "How GitHub begins the name of this repository's jobs: since July 2026 with numeric ids",
        *("gh", "api", f"repos/{target.repository}/actions/oidc/customization/sub"),
        *("--jq", f'.sub_claim_prefix // "repo:{target.repository}"'),
    )
    yield az_kept("TENANT", "The directory of the subscription", "tenantId", "account", "show")
    yield kept(
        "ME",
        "You, who makes the state and the key",
        *("az", "ad", "signed-in-user", "show", "--query", "id", "--output", "tsv"),
    )

    if not target.group_exists:
        yield az(
            "The stack's resource group, so that the pipeline needs no role outside it "
            "(for a group that the stack made itself: ARGS=--existing-group)",
            *("group", "create", "--name", target.group, "--location", target.location),
            unless=("group", "show", "--name", target.group),
        )
    yield az(
        "A resource group for what the pipeline itself needs",
        *("group", "create", "--name", pipeline_group, "--location", target.location),
    )

    for namespace in _namespaces(target.settings):
        yield az(
            "A service that the stack uses: an identity limited to a group cannot register it",
            *("provider", "register", "--namespace", namespace),
        )

    # --- The state
    account = f"{subscription}/resourceGroups/{pipeline_group}/providers/Microsoft.Storage"
    account = f"{account}/storageAccounts/{target.name}"
    container = f"{account}/blobServices/default/containers/pulumi"
    yield az(
        "An account for the state: no keys, nothing public",
        *("storage", "account", "create", "--name", target.name, *in_group),
        *("--location", target.location, "--sku", "Standard_GRS", "--kind", "StorageV2"),
        *("--min-tls-version", "TLS1_2", "--https-only", "true"),
        *("--allow-blob-public-access", "false", "--allow-shared-key-access", "false"),
    )
    yield az(
        "... with 30 days to bring an earlier state back",
        *("storage", "account", "blob-service-properties", "update"),
        *("--account-name", target.name, *in_group, "--enable-versioning", "true"),
        *("--enable-delete-retention", "true", "--delete-retention-days", "30"),
    )
    yield az(
        "... and its container",
        *("storage", "container-rm", "create", "--storage-account", target.name),
        *("--name", "pulumi", *in_group),
    )
    vault = f"{subscription}/resourceGroups/{pipeline_group}/providers/Microsoft.KeyVault"
    vault = f"{vault}/vaults/{target.name}"
    yield az(
        "A Key Vault for the key that encrypts the state's secrets",
        *("keyvault", "create", "--name", target.name, *in_group),
        *("--location", target.location, "--enable-rbac-authorization", "true"),
        *("--enable-purge-protection", "true", "--retention-days", "90"),
        unless=("keyvault", "show", "--name", target.name, *in_group),
    )
    yield role(
        "You may make the key, and encrypt with it",
        *("$ME", "User", "Key Vault Crypto Officer", vault),
    )
    yield role("... and write the state", "$ME", "User", "Storage Blob Data Contributor", container)
    # A second version of the key would not decrypt what the first encrypted.
    yield az(
        "The key. Do not rotate it: pulumi stack change-secrets-provider moves to another",
        *("keyvault", "key", "create", "--vault-name", target.name, "--name", "pulumi"),
        *("--kty", "RSA", "--size", "3072", "--ops", "encrypt", "decrypt"),
        unless=("keyvault", "key", "show", "--vault-name", target.name, "--name", "pulumi"),
    )

    # --- The identities
    for name, who, subjects in (
        ("preview", "A pull request, and main before an approval: reads", _READS),
        ("deploy", f"The environment {ENVIRONMENT}, after the approval: writes", _WRITES),
    ):
        identity = f"github-{target.stack}-{name}"
        yield az(
            who,
            *("identity", "create", "--name", identity, *in_group, "--location", target.location),
        )
        for credential, subject in subjects:
            yield az(
                f"... trusted as {subject}",
                *("identity", "federated-credential", "create", "--name", credential),
                *("--identity-name", identity, *in_group),
                *("--issuer", ISSUER, "--audiences", AUDIENCE, "--subject", f"$SUBJECT:{subject}"),
            )
        for key, query in (("CLIENT", "clientId"), ("PRINCIPAL", "principalId")):
            yield az_kept(
                f"{name.upper()}_{key}",
                f"... its {query}",
                *(query, "identity", "show", "--name", identity, *in_group),
            )

    # --- The roles
    group = f"{subscription}/resourceGroups/{target.group}"
    reads, writes = "$PREVIEW_PRINCIPAL", "$DEPLOY_PRINCIPAL"
    kind = "ServicePrincipal"
    yield role("It sees the stack's resources, and no key", reads, kind, "Reader", group)
    yield role(
        "... and the state, whose secrets it cannot decrypt",
        *(reads, kind, "Storage Blob Data Reader", container),
    )
    yield role("It changes the stack's resources", writes, kind, "Contributor", group)
    if target.settings.get("lock") == "true":
        yield role("... and the lock", writes, kind, "Locks Contributor", group)
    yield role(
        "... and gives the three roles for blobs, no others (dataPrincipals, staticAccess private)",
        *(writes, kind, "Role Based Access Control Administrator", group),
        *("--condition", _condition(), "--condition-version", "2.0"),
    )
    yield role("... and the state", writes, kind, "Storage Blob Data Contributor", container)
    yield role("... and its secrets", writes, kind, "Key Vault Crypto User", f"{vault}/keys/pulumi")

    # --- The stack
    provider = f"azurekeyvault://{target.name}.vault.azure.net/keys/pulumi"
    yield Command(
        f"The stack, in that state. It notes the key in Pulumi.{target.stack}.yaml",
        ("pulumi", "stack", "select", target.stack, "--create", "--secrets-provider", provider),
        environment=_pulumi(backend),
    )
    if not target.group_exists:
        yield Command(
            "... which does not make its resource group: it exists by now",
            ("pulumi", "config", "set", "createResourceGroup", "false", "--stack", target.stack),
            environment=_pulumi(backend),
        )

    # --- GitHub
    in_repository = ("--repo", target.repository)
    for name, value in (
        ("AZURE_CLIENT_ID", "$PREVIEW_CLIENT"),
        ("AZURE_TENANT_ID", "$TENANT"),
        ("AZURE_SUBSCRIPTION_ID", target.subscription),
        ("PULUMI_BACKEND_URL", backend),
        ("PULUMI_STACK", target.stack),
    ):
        yield Command(
            f"The variable {name}",
            ("gh", "variable", "set", name, *in_repository, "--body", value),
        )
    login = f"users/{target.reviewer}" if target.reviewer else "user"
    yield kept("REVIEWER", "Who approves", "gh", "api", login, "--jq", ".id")
    environment = f"repos/{target.repository}/environments/{ENVIRONMENT}"
    yield Command(
        f"The environment {ENVIRONMENT}: an approval (in a private repository a paid plan has it)",
        ("gh", "api", "--silent", "--method", "PUT", environment, "--input", "-"),
        standard_input='{"reviewers": [{"type": "User", "id": $REVIEWER}], '
        '"deployment_branch_policy": '
        '{"protected_branches": false, "custom_branch_policies": true}}',
    )
    policies = f"{environment}/deployment-branch-policies"
    yield Command(
        f"... for {BRANCH} only",
        ("gh", "api", "--silent", "--method", "POST", policies, "--field", f"name={BRANCH}"),
        unless=(
            *("gh", "api", policies, "--jq"),
            f'.branch_policies[] | select(.name == "{BRANCH}") | .name // error("none")',
        ),
    )
    yield Command(
        "... where the identity is the one that writes",
        (
            *("gh", "variable", "set", "AZURE_CLIENT_ID", *in_repository),
            *("--env", ENVIRONMENT, "--body", "$DEPLOY_CLIENT"),
        ),
    )


def _namespaces(settings: dict[str, str]) -> list[str]:
    """Resource providers that the stack's settings need and that nothing above registers."""
    return [
        namespace
        for key, namespace in (
            ("frontDoor", "Microsoft.Cdn"),
            ("privateEndpointSubnet", "Microsoft.Network"),
            ("logAnalyticsWorkspace", "Microsoft.Insights"),
        )
        if settings.get(key, "") not in ("", "none")
    ]


_READS = (("pull-request", "pull_request"), (BRANCH, f"ref:refs/heads/{BRANCH}"))
_WRITES = ((ENVIRONMENT, f"environment:{ENVIRONMENT}"),)


def apply(target: Target, commands: Sequence[Command]) -> None:
    """Run every command. Raises Problem at the first that fails, with what to type."""
    values: dict[str, str] = {}
    if not target.group_exists:
        _refuse_a_group_of_others(target)
    for number, command in enumerate(commands):
        try:
            with step(command.title):
                _run(command, values)
        except _Failed as failure:
            raise Problem(
                f"{failure}\n{number} of {len(commands)} commands were done before it, and doing "
                "them again changes nothing. When the cause is gone, run the same command again. "
                f"This one was:\n    {command.shown()}"
            ) from None


class _Failed(Exception):
    """What the tool said."""


def _run(command: Command, values: dict[str, str]) -> None:
    environment = clean_environment(dict(command.environment))
    if command.unless and _call(command.unless, values, environment).returncode == 0:
        return
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        done = _call(command.arguments, values, environment, command.standard_input)
        if done.returncode == 0:
            break
        said = done.stderr.strip() or done.stdout.strip() or "nothing"
        if not NOT_YET.search(said) or time.monotonic() > deadline:
            raise _Failed(f"{' '.join(command.arguments[:3])} failed: {said}")
        time.sleep(float(os.environ.get("PIPELINE_PAUSE_SECONDS", "15")))
    if command.keeps:
        values[command.keeps] = done.stdout.strip()
        if not values[command.keeps]:
            raise _Failed(f"{' '.join(command.arguments[:3])} printed nothing")


def _call(
    arguments: Sequence[str],
    values: dict[str, str],
    environment: dict[str, str],
    standard_input: str = "",
) -> subprocess.CompletedProcess[str]:
    words = [_filled(word, values) for word in arguments]
    try:
        return subprocess.run(
            words,
            cwd=ROOT,
            env=environment,
            input=_filled(standard_input, values),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise _Failed(f"'{words[0]}' could not be started ({error.strerror}): install it") from None


def _refuse_a_group_of_others(target: Target) -> None:
    """A group that exists may be the stack's own, or somebody else's: the user knows which."""
    asked = ("az", "group", "exists", "--name", target.group, "--subscription", target.subscription)
    done = _call((*asked, "--output", "tsv"), {}, clean_environment())
    if done.returncode or done.stdout.strip() == "true":
        raise Problem(
            done.stderr.strip()
            or f"The resource group {target.group} exists. If the stack {target.stack} made it, "
            "run this again with --existing-group. If somebody else did, first type:\n"
            f"    pulumi config set createResourceGroup false --stack {target.stack}"
        )


def _asked(command: tuple[str, ...], option: str) -> str:
    """What a tool says. Raises Problem with the option that makes the question unnecessary."""
    try:
        done = _call(command, {}, clean_environment())
    except _Failed as failure:
        raise Problem(f'{failure}, or give the answer: ARGS="{option}"') from None
    if done.returncode or not done.stdout.strip():
        said = (done.stderr.strip() or "it printed nothing").splitlines()[-1]
        raise Problem(f'{" ".join(command[:3])}: {said}. Sign in, or give it: ARGS="{option}"')
    return done.stdout.strip()


def _check(option: str, value: str, rule: str, example: str) -> None:
    """Values end in commands and in a printed script."""
    if not re.fullmatch(rule, value):
        raise Problem(f"{option} is {value!r}, which is none. For example: {example}")


def _condition() -> str:
    """Only roles of `GRANTED` may be given or taken."""
    guids = ", ".join(GRANTED)
    parts = [
        f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{verb}'}})) OR "
        f"(@{source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
        f"ForAnyOfAnyValues:GuidEquals {{{guids}}}))"
        for verb, source in (("write", "Request"), ("delete", "Resource"))
    ]
    return " AND ".join(parts)


def _pulumi(backend: str) -> tuple[tuple[str, str], ...]:
    """The backend for this one command, and the Azure CLI's sign-in for its key."""
    return (("PULUMI_BACKEND_URL", backend), ("AZURE_KEYVAULT_AUTH_VIA_CLI", "true"))


def _closing(target: Target) -> str:
    return (
        f"Next: git add Pulumi.{target.stack}.yaml, commit and push it. The file holds the key of "
        "the state,\nencrypted by Key Vault; without it no job can write the state. The push to "
        f"{BRANCH} runs the workflow\nDeploy, which waits for your approval."
    )


def _line(words: Sequence[str]) -> str:
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    """For a POSIX shell, with `$NAME` left to it."""
    if not re.search(r"\$[A-Z]", word):
        return shlex.quote(word)
    return '"' + re.sub(r'([\\"`]|\$(?![A-Z]))', r"\\\1", word) + '"'


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$([A-Z_]+)", lambda found: values[found[1]], text)
