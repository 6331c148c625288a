"""What to do next on this site: the commands of the repository that its stack is in."""

from __future__ import annotations

from azureblob.advice import Advice, Steps

_UP = "pulumi up"
# Takes over what was changed by hand, so that `up` sees the difference.
_REFRESH = "pulumi refresh"
_LOCAL = "make up"
_ENVIRONMENT = "make env STACK=<stack>"
_PRINCIPAL = "ServicePrincipal:<object id>"


class StackAdvice(Advice):
    """Pulumi's commands for a stack on Azure; `make up` for the stack on this machine."""

    def renew_key(self) -> str:
        return f"Write the settings anew: {_ENVIRONMENT}"

    def copy_key(self) -> str:
        return (
            "Copy the key whole. Where `pulumi stack output` wrote '[secret]', add --show-secrets"
        )

    def network_rules(self) -> str:
        return "networkAccess and allowedIpRanges of the stack say who may"

    def create_container(self, container: str = "") -> str:
        return f"Deploy the stack ({_UP})"

    def close_uploads(self, container: str) -> str:
        closed = self._level(container, "off")
        return (
            f"Make it private: pulumi config set mediaAccess private, {_REFRESH}, {_UP}; "
            f"or {closed}"
        )

    def open_or_sign_uploads(self, container: str) -> str:
        return (
            f"To keep them private: {_ENVIRONMENT}, or the storage's option signed. To show them "
            f"to anyone: pulumi config set mediaAccess public, {_REFRESH}, {_UP}"
        )

    def close_quarantine(self, container: str) -> str:
        return f"Make it private: {_REFRESH}, {_UP}; or {self._level(container, 'off')}"

    def no_identity(self) -> Steps:
        return Steps(
            "Sign in, or give the machine an identity that the stack knows (dataPrincipals).",
            ("az login",),
        )

    def keys_not_allowed(self) -> Steps:
        return Steps(
            "Sign in as an identity: the stack has authMode identity, and the environment is from "
            "before.",
            (self._environment,),
        )

    def key_refused(self) -> Steps:
        return Steps("Take the present one, and start the site again.", (self._environment,))

    def role_missing(self) -> Steps:
        return Steps(super().role_missing().text, _appended("dataPrincipals", _PRINCIPAL))

    def signature_refused(self) -> Steps:
        return Steps(
            "The clock, the key, or the account's rules for signatures: allowSharedKeyAccess and "
            "the SAS expiration policy.",
            (self._environment,),
        )

    def refused(self) -> Steps:
        return Steps("Look the code up in docs/troubleshooting.md.")

    def name_unresolved(self) -> Steps:
        return Steps(
            "AZURE_BLOB_ENDPOINT names an account that is not there, or this machine has no name "
            "server. Write the settings anew.",
            (self._environment,),
        )

    def unreachable(self) -> Steps:
        if self.account.local:
            return Steps("Start the local stack.", (_LOCAL,))
        return Steps(
            "Look at the network, a proxy that opens TLS (REQUESTS_CA_BUNDLE names its "
            "certificate), and the account's networkAccess."
        )

    def endpoint_wrong(self) -> Steps:
        return Steps("Mend AZURE_BLOB_ENDPOINT: write the settings anew.", (self._environment,))

    def custom_domain_wrong(self) -> Steps:
        return Steps("Mend AZURE_CUSTOM_DOMAIN: write the settings anew.", (self._environment,))

    def firewall(self) -> Steps:
        return Steps(super().firewall().text, _appended("allowedIpRanges", "<address>"))

    def container_missing(self, container: str) -> Steps:
        commands = dict.fromkeys((*self._as_declared, self._environment))
        return Steps(
            "Make it; or, if it has another name, write the settings anew.", tuple(commands)
        )

    def container_being_deleted(self, container: str) -> Steps:
        return Steps("Wait a minute, and make it again.", self._as_declared)

    def container_closed_by_account_only(self, container: str) -> Steps:
        return Steps("Make it private, as the stack declares it.", self._as_declared)

    def uploads_readable(self, container: str) -> Steps:
        private = () if self.account.local else ("pulumi config set mediaAccess private",)
        return Steps(
            "Make it private; or, if anyone may read them, mediaAccess public and the settings "
            "anew.",
            (*private, *self._as_declared),
        )

    def quarantine_readable(self, container: str) -> Steps:
        return Steps("It is private in every stack: make it so again.", self._as_declared)

    def unchecked_upload_readable(self, container: str) -> Steps:
        return Steps(
            "The quarantine container is private in every stack: make it so again.",
            self._as_declared,
        )

    def listable(self, container: str) -> Steps:
        return Steps("Set the level to blob, as the stack declares it.", self._as_declared)

    def public_access_not_allowed(self) -> Steps:
        return Steps(
            "Let the stack set its switch; a policy of the company's may forbid it, and then "
            "static files need frontDoor, and uploads mediaAccess private.",
            self._as_declared,
        )

    def static_files_hidden(self, container: str) -> Steps:
        return Steps(f"Make {container} public (staticAccess public).", self._as_declared)

    def uploads_hidden(self, container: str) -> Steps:
        return Steps(
            "If uploads are private, write the settings anew; else make the container public.",
            (self._environment, "pulumi config set mediaAccess public", *self._as_declared),
        )

    def upload_headers_not_allowed(self, origin: str) -> Steps:
        return Steps("Let the stack write the rule for uploads.", self._as_declared)

    def origin_cannot_load(self, origin: str) -> Steps:
        return Steps(
            "This origin is not in corsOrigins, or not with this scheme and port.",
            _appended("corsOrigins", origin),
        )

    def origin_cannot_upload(self, origin: str) -> Steps:
        steps = self.origin_cannot_load(origin)
        return Steps(f"{steps.text} directUpload has to be true as well.", steps.commands)

    @property
    def _environment(self) -> str:
        """Writes app/.env anew from the stack's outputs."""
        return _LOCAL if self.account.local else _ENVIRONMENT

    @property
    def _as_declared(self) -> tuple[str, ...]:
        """Restores the account to what the stack's configuration says."""
        return (_LOCAL,) if self.account.local else (_REFRESH, _UP)


def _appended(setting: str, value: str) -> tuple[str, ...]:
    """One more entry of a list; <n> is the first free number, 0 for none so far."""
    return f"pulumi config set --path '{setting}[<n>]' {value}", _UP
