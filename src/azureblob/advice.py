"""What to do when something is wrong: texts and commands, which a site can replace.

The defaults suit any Django project: settings, and commands of the Azure CLI. A site with its own
tools subclasses `Advice` and names the class in its settings:

    AZUREBLOB_ADVICE = "shop.advice.ShopAdvice"
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

_log = logging.getLogger(__name__)
_CODES = "https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes"
# The request headers of an upload (Put Blob and Put Block).
_UPLOAD_HEADERS = "content-type 'x-ms-*'"


@dataclass(frozen=True)
class Account:
    """A storage account. `name` and `endpoint` are empty if they are not known."""

    name: str = ""
    endpoint: str = ""

    @property
    def local(self) -> bool:
        """Whether this is an emulator: Azure's own endpoints are https."""
        return self.endpoint.startswith("http://")


@dataclass(frozen=True)
class Steps:
    """A sentence, and the commands to type, each complete."""

    text: str
    commands: tuple[str, ...] = ()


class Advice:
    """One method for each situation. Those that return text are part of a one-line message; the
    others are printed by the command `doctor`, with each command on a line of its own.

    The commands follow the reference of the Azure CLI (`az storage account`, `az storage
    container`, `az storage cors`). `container` is empty if it is not known.
    """

    def __init__(self, account: Account) -> None:
        self.account = account

    # --- Parts of one-line messages, without a full stop --------------------------------------

    def renew_key(self) -> str:
        """The account refused the key."""
        return f"Set AZURE_ACCOUNT_KEY to one of the account's keys{self._in_words(self._keys())}"

    def copy_key(self) -> str:
        """The key is not base64; it was probably copied in part."""
        return f"Copy the complete key{self._in_words(self._keys())}"

    def network_rules(self) -> str:
        """Where to find which machines the account's firewall allows; inside parentheses."""
        return f"its rules: az storage account network-rule list --account-name {self._name}"

    def create_container(self, container: str = "") -> str:
        return f"Create it ({self._container('create', container)})"

    def close_uploads(self, container: str) -> str:
        """Anyone can read uploads, although the site signs their URLs."""
        return f"Make it private: {self._level(container, 'off')}"

    def open_or_sign_uploads(self, container: str) -> str:
        """Nobody can read uploads, although pages link to them without a signature."""
        return (
            "To keep them private: set AZURE_MEDIA_ACCESS = 'private', or the storage's option "
            f"signed. To show them to anyone: {self._level(container, 'blob')}"
        )

    def close_quarantine(self, container: str) -> str:
        """Anyone can read unchecked uploads."""
        return f"Make it private: {self._level(container, 'off')}"

    # --- Signing in ---------------------------------------------------------------------------

    def no_identity(self) -> Steps:
        return Steps(
            "Sign in, or give the machine an identity that has a role on the account.",
            ("az login",),
        )

    def keys_not_allowed(self) -> Steps:
        return Steps(
            "Sign in with an identity: set AZURE_AUTH_MODE = 'identity' and remove "
            "AZURE_ACCOUNT_KEY."
        )

    def key_refused(self) -> Steps:
        return Steps(
            "Set AZURE_ACCOUNT_KEY to the current key, and restart the site.", self._keys()
        )

    def role_missing(self) -> Steps:
        scope = f'"$(az storage account show --name {self._name} --query id --output tsv)"'
        return Steps(
            "Assign it the roles Storage Blob Data Contributor and Storage Blob Delegator; a new "
            "role takes up to ten minutes to apply.",
            tuple(
                f"az role assignment create --assignee <object id> --role '{role}' --scope {scope}"
                for role in ("Storage Blob Data Contributor", "Storage Blob Delegator")
            ),
        )

    def signature_refused(self) -> Steps:
        return Steps(
            "Check the clock, the key, whether the account allows shared keys, and its SAS "
            "expiration policy.",
            self._keys(),
        )

    def refused(self) -> Steps:
        """Any other error code."""
        return Steps(f"Look up the code: {_CODES}")

    # --- The network --------------------------------------------------------------------------

    def name_unresolved(self) -> Steps:
        return Steps(
            "AZURE_BLOB_ENDPOINT or AZURE_ACCOUNT_NAME names an account that does not exist, or "
            "this machine has no DNS server."
        )

    def unreachable(self) -> Steps:
        if self.account.local:
            return Steps("Start the emulator (Azurite), or correct AZURE_BLOB_ENDPOINT.")
        return Steps(
            "Check the network, a proxy that intercepts TLS (set REQUESTS_CA_BUNDLE to its "
            "certificate), and the account's public network access."
        )

    def endpoint_wrong(self) -> Steps:
        return Steps("Correct AZURE_BLOB_ENDPOINT.")

    def custom_domain_wrong(self) -> Steps:
        return Steps("Correct AZURE_CUSTOM_DOMAIN.")

    def firewall(self) -> Steps:
        return Steps(
            "Allow its address, or run this from inside the network.",
            (
                f"az storage account network-rule add --account-name {self._name} "
                "--ip-address <address>",
            ),
        )

    # --- Containers ---------------------------------------------------------------------------

    def container_missing(self, container: str) -> Steps:
        return Steps(
            "Create it; or correct the settings, if it has another name.",
            (self._container("create", container),),
        )

    def container_being_deleted(self, container: str) -> Steps:
        return Steps(
            "Wait a minute, then create it again.", (self._container("create", container),)
        )

    def container_closed_by_account_only(self, container: str) -> Steps:
        """The container is public, and the account allows no public access."""
        return Steps("Make the container private too.", (self._level(container, "off"),))

    def uploads_readable(self, container: str) -> Steps:
        """Visitors can read uploads that are declared private."""
        return Steps(
            "Make it private; or set AZURE_MEDIA_ACCESS = 'public', if anyone may read uploads.",
            (self._level(container, "off"),),
        )

    def quarantine_readable(self, container: str) -> Steps:
        """Visitors can read the quarantine container."""
        return Steps("Make it private.", (self._level(container, "off"),))

    def unchecked_upload_readable(self, container: str) -> Steps:
        """Visitors can read a blob in the quarantine container."""
        return Steps("Make the quarantine container private.", (self._level(container, "off"),))

    def listable(self, container: str) -> Steps:
        return Steps("Set its access level to blob.", (self._level(container, "blob"),))

    def public_access_not_allowed(self) -> Steps:
        """The pages link to a container that cannot be public."""
        return Steps(
            "Allow public access. If a policy forbids that, put a CDN in front of the static files "
            "and make uploads private (AZURE_MEDIA_ACCESS = 'private').",
            (f"az storage account update --name {self._name} --allow-blob-public-access true",),
        )

    def static_files_hidden(self, container: str) -> Steps:
        return Steps(f"Make {container} public.", (self._level(container, "blob"),))

    def uploads_hidden(self, container: str) -> Steps:
        return Steps(
            "If uploads are private, set AZURE_MEDIA_ACCESS = 'private'; otherwise make the "
            "container public.",
            (self._level(container, "blob"),),
        )

    # --- CORS ---------------------------------------------------------------------------------

    def upload_headers_not_allowed(self, origin: str) -> Steps:
        return Steps(
            "Add a rule that allows them.",
            (self._cors(origin, "PUT", _UPLOAD_HEADERS),),
        )

    def origin_cannot_load(self, origin: str) -> Steps:
        """GET, for webfonts and ES modules."""
        return Steps(
            "Add a CORS rule for this origin, with its scheme and port.",
            (self._cors(origin, "GET HEAD", "'*'"),),
        )

    def origin_cannot_upload(self, origin: str) -> Steps:
        return Steps(
            "Add a CORS rule that allows this origin, with its scheme and port, to send PUT "
            "requests.",
            (self._cors(origin, "PUT", _UPLOAD_HEADERS),),
        )

    # --- Commands -----------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return self.account.name or "<account>"

    def _keys(self) -> tuple[str, ...]:
        """None for an emulator, which cannot list its keys."""
        if self.account.local:
            return ()
        return (f"az storage account keys list --account-name {self._name}",)

    def _container(self, verb: str, container: str) -> str:
        return (
            f"az storage container {verb}{self._endpoint('blob')} --account-name {self._name} "
            f"--name {container or '<container>'}"
        )

    def _level(self, container: str, level: str) -> str:
        return f"{self._container('set-permission', container)} --public-access {level}"

    def _cors(self, origin: str, methods: str, headers: str) -> str:
        return (
            f"az storage cors add{self._endpoint('service')} --account-name {self._name} "
            f"--services b --methods {methods} --origins {origin} --allowed-headers {headers} "
            "--exposed-headers '*' --max-age 3600"
        )

    def _endpoint(self, option: str) -> str:
        return f" --{option}-endpoint {self.account.endpoint}" if self.account.local else ""

    @staticmethod
    def _in_words(commands: tuple[str, ...]) -> str:
        return f": {commands[0]}" if commands else ""


def advice(account: Account | None = None) -> Advice:
    """The advice of the site, or the default, for an account; by default that of the settings.

    An invalid AZUREBLOB_ADVICE is logged, so that it does not hide the failure to explain.
    """
    if account is None:
        account = Account(
            str(_setting("AZURE_ACCOUNT_NAME") or ""), str(_setting("AZURE_BLOB_ENDPOINT") or "")
        )
    try:
        kind = advice_class()
    except ImproperlyConfigured as error:
        _log.warning("%s", error)
        kind = Advice
    return kind(account)


def advice_class() -> type[Advice]:
    """Raises ImproperlyConfigured if AZUREBLOB_ADVICE is not the path of a subclass of Advice."""
    path = _setting("AZUREBLOB_ADVICE")
    return _imported(path) if path else Advice


def _setting(name: str) -> Any:
    try:
        return getattr(settings, name, None)
    except ImproperlyConfigured:
        # A part of the library is used outside a project, without settings.
        return None


@cache
def _imported(path: object) -> type[Advice]:
    """Cached by path, so that changing the setting takes effect."""
    rule = (
        f"AZUREBLOB_ADVICE is {path!r}. It must be the dotted path of a subclass of "
        "azureblob.advice.Advice, such as 'shop.advice.ShopAdvice'"
    )
    if not isinstance(path, str) or not all(part.isidentifier() for part in path.split(".")):
        raise ImproperlyConfigured(f"{rule}.")
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"{rule}: {error}.") from None
    if not (isinstance(found, type) and issubclass(found, Advice)):
        raise ImproperlyConfigured(f"{rule}.")
    return found
