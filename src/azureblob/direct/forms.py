"""A form field for files that the browser sends to blob storage itself.

Without JavaScript, or if the account takes no uploads from browsers, it is a field for ordinary
uploads with the same rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from azure.core.exceptions import AzureError
from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import FILE_INPUT_CONTRADICTION, Script
from django.utils.datastructures import MultiValueDict
from django.utils.translation import get_language, ngettext_lazy, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from azureblob.direct.endpoint import UploadEndpoint
from azureblob.direct.tokens import ClaimToken, current_owners, owner_of
from azureblob.direct.uploadedfile import USED, QuarantinedFile
from azureblob.exceptions import (
    STORAGE_FAILED,
    FileRefused,
    InvalidToken,
    UploadGone,
    UploadsUnavailable,
)
from azureblob.serving import current_request
from azureblob.timeouts import side_by_side
from azureblob.uploads.filenames import shown_name
from azureblob.uploads.forms import CheckedFileField
from azureblob.uploads.inspection import inspect_file

_SUFFIX = "-uploaded"
# The stubs know paths only.
_SCRIPT = cast("str", Script("azureblob/direct.js", type="module", crossorigin=""))
# Everything that direct.js shows or announces. The page is the one place where it can be
# translated; the script fills in the placeholders.
_MESSAGES = {
    "waiting": pgettext_lazy("state of an upload", "waiting"),
    "checking": pgettext_lazy("state of an upload", "being checked"),
    "done": pgettext_lazy("state of an upload", "uploaded"),
    "cancel": _("Cancel"),
    "cancelNamed": _("Cancel %(name)s"),
    "remove": _("Remove"),
    "removeNamed": _("Remove %(name)s"),
    "tryAgain": _("Try again"),
    "tryAgainNamed": _("Try again: %(name)s"),
    "progress": _("Uploading %(name)s"),
    "fileUploading": _("%(name)s is being uploaded."),
    "filesUploading": _("Files being uploaded: %(count)s."),
    "fileUploaded": _("%(name)s is uploaded."),
    "fileFailed": _("%(name)s is not uploaded: %(reason)s"),
    "fileUnresolved": _("%(name)s is not uploaded: try again, or remove it."),
    "fileCancelled": _("%(name)s is cancelled."),
    "fileRemoved": _("%(name)s is removed."),
    "formWaits": _("The form is submitted as soon as the files are uploaded."),
    "empty": _("This file is empty."),
    "tooLarge": _("This file has %(size)s; at most %(limit)s can be stored."),
    "wrongType": _("Files of this type cannot be stored here. Possible types: %(types)s."),
    "unavailable": UploadsUnavailable.default_message,
    "failed": _("This did not work."),
    "siteSilent": _("The site does not answer."),
    "siteConfused": _("The site gave an answer that makes no sense (%(code)s)."),
    "pageExpired": _("The site no longer knows this page. Reload it, and try again."),
    "storageSilent": _("The storage does not answer."),
    "storageRefused": _("The storage refused the file (%(code)s)."),
    "storageLostPart": _("The storage lost a part of the file."),
    "pageForbidden": _("Uploads from this page are not allowed; tell the site's owner."),
    "addressForbidden": _("Uploads from this address are not allowed; tell the site's owner."),
}


class Tokens(list[str]):
    """Submitted instead of files: one token for each."""


class DirectUploadInput(forms.ClearableFileInput):
    """A file input, with what the script needs. Its template may be replaced: the script relies on
    the `data-…` attributes only, which `direct.attrs` in the context has."""

    template_name = "azureblob/direct_upload.html"
    endpoint: UploadEndpoint

    @property
    def media(self) -> forms.Media:
        return forms.Media(
            css={"all": ["azureblob/direct.css"]},
            js=[_SCRIPT],
        )

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> Any:
        """Tokens; or, as for Django's own inputs, a file, or a list of files if several are
        allowed."""
        key = f"{name}{_SUFFIX}"
        submitted = data.getlist(key) if isinstance(data, MultiValueDict) else data.get(key, [])
        tokens = Tokens([token for token in submitted if token])
        if tokens:
            return tokens
        if self.allow_multiple_selected:
            return files.getlist(name) if isinstance(files, MultiValueDict) else files.get(name, [])
        return super().value_from_datadict(data, files, name)

    def value_omitted_from_data(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> bool:
        return f"{name}{_SUFFIX}" not in data and super().value_omitted_from_data(data, files, name)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        tokens = value if isinstance(value, Tokens) else []
        context: dict[str, Any] = super().get_context(name, None if tokens else value, attrs)
        addresses = self.endpoint.addresses()
        request = current_request()
        if addresses and request is not None:
            # The page creates a visitor's session: several uploads begin at once, and each of the
            # answers would create another one.
            owner_of(request)
        key = f"{name}{_SUFFIX}"
        data = {**addresses, **self.endpoint.limits(), "name": key}
        context["direct"] = {
            "attrs": {
                "data-direct-upload": True,
                **{f"data-{name}": value for name, value in data.items()},
                "data-language": get_language() or "en",
                "data-messages": json.dumps({k: str(v) for k, v in _MESSAGES.items()}),
            },
            "name": key,
            "uploaded": self._uploaded(tokens),
        }
        return context

    def _uploaded(self, tokens: Sequence[str]) -> list[dict[str, Any]]:
        """The uploads of a form that is shown again with an error: they need not be sent again."""
        if not tokens:
            return []
        owners = current_owners()  # reads the session, and so the database: not in those threads
        found = side_by_side(lambda token: self._if_still_there(token, owners), tokens)
        return [upload for upload in found if upload]

    def _if_still_there(self, text: str, owners: frozenset[str]) -> dict[str, Any] | None:
        try:
            token = ClaimToken.load(text, self.endpoint.name, owners)
            found = self.endpoint.quarantine.properties(token.blob)
        except (InvalidToken, FileRefused):
            return None
        except AzureError:  # unknown: submitting the form again will tell
            pass
        else:
            if found is None or str(found.etag) != token.etag:
                return None
        return {"token": text, "name": shown_name(token.name), "size": token.size}


class DirectUploadField(CheckedFileField):
    """For a FileField or an ImageField of any ModelForm. The cleaned value is an inspected file, a
    QuarantinedFile if the browser sent it to storage; with `multiple` a list of such files.

    The rules are the endpoint's. Saving a QuarantinedFile raises UploadGone if its token was used
    before.
    """

    widget = DirectUploadInput
    default_error_messages = {  # noqa: RUF012  # Django's way
        "gone": USED,
        "invalid_token": InvalidToken.default_message,
        "storage": STORAGE_FAILED,
        "unavailable": UploadsUnavailable.default_message,
        "max_files": ngettext_lazy(
            "At most %(limit)d file at once.", "At most %(limit)d files at once.", "limit"
        ),
    }

    def __init__(
        self,
        *,
        endpoint: UploadEndpoint,
        multiple: bool = False,
        max_files: int = 100,
        **options: Any,
    ) -> None:
        self.endpoint, self.multiple, self.max_files = endpoint, multiple, max_files
        # A ModelForm passes the model field's rules; the endpoint's are those that were checked.
        super().__init__(**{**options, "rules": endpoint.rules})
        widget = cast("forms.Widget", self.widget)
        if isinstance(widget, DirectUploadInput):
            widget.endpoint = endpoint
            widget.allow_multiple_selected = multiple
            if multiple:
                widget.attrs["multiple"] = True

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Raises FileRefused and other ValidationErrors; for several files, all at once."""
        if not self.multiple:
            if isinstance(data, Tokens):
                return self._file_of(data[0], current_owners())
            return super().clean(data, initial)
        if not data:
            return [] if not self.required else super().clean(None, None)
        if data is FILE_INPUT_CONTRADICTION or len(data) > self.max_files:
            params = {"limit": self.max_files}
            raise ValidationError(self.error_messages["max_files"], "max_files", params)
        if isinstance(data, Tokens):
            owners = current_owners()  # reads the session: not in those threads
            results = side_by_side(lambda token: _or_error(self._file_of, token, owners), data)
        else:
            clean = super().clean
            results = [_or_error(clean, one) for one in data]
        errors = [result for result in results if isinstance(result, ValidationError)]
        if errors:
            raise ValidationError([each for error in errors for each in error.error_list])
        return results

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data if isinstance(data, Tokens) else super().bound_data(data, initial)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data) if self.multiple else super().has_changed(initial, data)

    def _file_of(self, text: str, owners: frozenset[str]) -> QuarantinedFile:
        try:
            token = ClaimToken.load(text, self.endpoint.name, owners)
        except InvalidToken:
            raise self._error("invalid_token") from None
        quarantine = self.endpoint.quarantine
        file = QuarantinedFile(token, quarantine, self.rules)
        try:
            # Reads the blob only if the rules have changed since, or to sanitize an SVG.
            with quarantine.unchanged():
                inspect_file(file, token.name, self.rules)
        except UploadsUnavailable:
            raise self._error("unavailable") from None
        except UploadGone:
            raise self._error("gone", name=file.name) from None
        except AzureError:
            raise self._error("storage") from None
        return file

    def _error(self, code: str, **params: Any) -> ValidationError:
        return ValidationError(self.error_messages[code], code, params)


def _or_error(clean: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return clean(*arguments)
    except ValidationError as error:
        return error
