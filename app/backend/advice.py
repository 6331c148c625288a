"""Advice for this site: the commands of the repository that deploys its stack."""

from __future__ import annotations

from azureblob.advice import Advice, Steps

_UP = "pulumi up"
# Reads the account's real state, so that `up` sees and reverts changes made by hand.
_REFRESH = "pulumi refresh"
_LOCAL = "make up"
_ENV = "make env STACK=<stack>"
_PRINCIPAL = "ServicePrincipal:<object id>"


class StackAdvice(Advice):
    """Commands of Pulumi for a stack on Azure, and `make up` for the stack on this machine."""

    def renew_key(self) -> str:
        return f"Write app/.env again: {_ENV}"

    def copy_key(self) -> str:
        return (
            "Copy the complete key. If `pulumi stack output` printed '[secret]', add --show-secrets"
        )

    def network_rules(self) -> str:
        return "the stack's networkAccess and allowedIpRanges"

    def create_container(self, container: str = "") -> str:
        return f"Deploy the stack ({_UP})"

    def close_uploads(self, container: str) -> str:
        command = self._level(container, "off")
        return (
            f"Make it private: pulumi config set mediaAccess private, {_REFRESH}, {_UP}; "
            f"or {command}"
        )

    def open_or_sign_uploads(self, container: str) -> str:
        return (
            f"To keep them private: {_ENV}, or set the storage's option signed. To show them "
            f"to anyone: pulumi config set mediaAccess public, {_REFRESH}, {_UP}"
        )

    def close_quarantine(self, container: str) -> str:
        return f"Make it private: {_REFRESH}, {_UP}; or {self._level(container, 'off')}"

    def no_identity(self) -> Steps:
        return Steps(
            "Sign in, or give the machine an identity that is among the stack's dataPrincipals.",
            ("az login",),
        )

    def keys_not_allowed(self) -> Steps:
        return Steps(
            "Sign in with an identity: the stack's authMode is identity, and app/.env was written "
            "before that.",
            (self._env,),
        )

    def key_refused(self) -> Steps:
        return Steps("Write app/.env with the current key, and restart the site.", (self._env,))

    def role_missing(self) -> Steps:
        return Steps(super().role_missing().text, _append("dataPrincipals", _PRINCIPAL))

    def signature_refused(self) -> Steps:
        return Steps(
            "Check the clock, the key, and the account's rules for signatures: "
            "allowSharedKeyAccess and its SAS expiration policy.",
            (self._env,),
        )

    def refused(self) -> Steps:
        return Steps("Look up the code in docs/troubleshooting.md.")

    def name_unresolved(self) -> Steps:
        return Steps(
            "AZURE_BLOB_ENDPOINT names an account that does not exist, or this machine has no DNS "
            "server. Write app/.env again.",
            (self._env,),
        )

    def unreachable(self) -> Steps:
        if self.account.local:
            return Steps("Start the local stack.", (_LOCAL,))
        return Steps(
            "Check the network, a proxy that intercepts TLS (set REQUESTS_CA_BUNDLE to its "
            "certificate), and the account's networkAccess."
        )

    def endpoint_wrong(self) -> Steps:
        return Steps("Correct AZURE_BLOB_ENDPOINT by writing app/.env again.", (self._env,))

    def custom_domain_wrong(self) -> Steps:
        return Steps("Correct AZURE_CUSTOM_DOMAIN by writing app/.env again.", (self._env,))

    def firewall(self) -> Steps:
        return Steps(super().firewall().text, _append("allowedIpRanges", "<address>"))

    def container_missing(self, container: str) -> Steps:
        commands = dict.fromkeys((*self._deploy, self._env))
        return Steps("Create it; or write app/.env again, if it has another name.", tuple(commands))

    def container_being_deleted(self, container: str) -> Steps:
        return Steps("Wait a minute, then create it again.", self._deploy)

    def container_closed_by_account_only(self, container: str) -> Steps:
        return Steps("Make it private, as the stack declares it.", self._deploy)

    def uploads_readable(self, container: str) -> Steps:
        private = () if self.account.local else ("pulumi config set mediaAccess private",)
        return Steps(
            "Make it private; or set mediaAccess to public and write app/.env again, if anyone may "
            "read uploads.",
            (*private, *self._deploy),
        )

    def quarantine_readable(self, container: str) -> Steps:
        return Steps("Make it private, as every stack declares it.", self._deploy)

    def unchecked_upload_readable(self, container: str) -> Steps:
        return Steps(
            "Make the quarantine container private, as every stack declares it.", self._deploy
        )

    def listable(self, container: str) -> Steps:
        return Steps("Set its access level to blob, as the stack declares it.", self._deploy)

    def public_access_not_allowed(self) -> Steps:
        return Steps(
            "Deploy the stack, which allows public access. If a company policy forbids that, "
            "enable frontDoor for static files and set mediaAccess to private for uploads.",
            self._deploy,
        )

    def static_files_hidden(self, container: str) -> Steps:
        return Steps(f"Make {container} public (staticAccess public).", self._deploy)

    def uploads_hidden(self, container: str) -> Steps:
        return Steps(
            "If uploads are private, write app/.env again; otherwise make the container public.",
            (self._env, "pulumi config set mediaAccess public", *self._deploy),
        )

    def upload_headers_not_allowed(self, origin: str) -> Steps:
        return Steps("Deploy the stack, which writes the CORS rule for uploads.", self._deploy)

    def origin_cannot_load(self, origin: str) -> Steps:
        return Steps(
            "Add this origin, with its scheme and port, to corsOrigins.",
            _append("corsOrigins", origin),
        )

    def origin_cannot_upload(self, origin: str) -> Steps:
        steps = self.origin_cannot_load(origin)
        return Steps(f"{steps.text} directUpload must be true as well.", steps.commands)

    @property
    def _env(self) -> str:
        """Writes app/.env from the stack's outputs."""
        return _LOCAL if self.account.local else _ENV

    @property
    def _deploy(self) -> tuple[str, ...]:
        """Makes the account what the stack's configuration says."""
        return (_LOCAL,) if self.account.local else (_REFRESH, _UP)


def _append(setting: str, value: str) -> tuple[str, ...]:
    """The commands that append to a list of the configuration. <n> is its first free number, 0 for
    an empty list."""
    return f"pulumi config set --path '{setting}[<n>]' {value}", _UP
