"""A form's field for files that the browser sends to blob storage by itself.

Without JavaScript, or where the account takes nothing from browsers, it is a field for ordinary
uploads with the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from azure.core.exceptions import AzureError, ResourceModifiedError, ResourceNotFoundError
from django import forms
from django.core.exceptions import ValidationError
from django.forms.widgets import FILE_INPUT_CONTRADICTION, Script
from django.utils.datastructures import MultiValueDict

from azureblob.direct.endpoint import UploadEndpoint
from azureblob.direct.file import QuarantinedFile
from azureblob.direct.quarantine import UNAVAILABLE, Unavailable, log_unavailable
from azureblob.direct.senders import sender_of, senders_now
from azureblob.direct.tokens import ClaimToken, Invalid
from azureblob.serving import current_request
from azureblob.timeouts import side_by_side
from azureblob.uploads.forms import CheckedFileField, checked
from azureblob.uploads.names import shown_name
from azureblob.uploads.refusal import Refused

_SUFFIX = "-uploaded"
# The stubs know of paths alone.
_SCRIPT = cast("str", Script("azureblob/direct.js", type="module", crossorigin=""))


class Tokens(list[str]):
    """What came in the place of files: one token for each."""


class DirectUploadInput(forms.ClearableFileInput):
    """A file input, and beside it what the script needs. Its template may be replaced: the script
    goes by the `data-direct-…` attributes."""

    template_name = "azureblob/direct_upload.html"
    place: UploadEndpoint

    @property
    def media(self) -> forms.Media:
        return forms.Media(
            css={"all": ["azureblob/direct.css"]},
            js=[_SCRIPT],
        )

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> Any:
        """Tokens, or a list of files where several may come, or what Django's own gives."""
        key = f"{name}{_SUFFIX}"
        tokens = data.getlist(key) if isinstance(data, MultiValueDict) else data.get(key, [])
        given = Tokens([token for token in tokens if token])
        if given:
            return given
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
        addresses = self.place.addresses()
        request = current_request()
        if addresses and request is not None:
            # A visitor's session is made with the page: several files begin at once, and each of
            # their answers would bring a session of its own.
            sender_of(request)
        context["direct"] = {
            "addresses": addresses,
            "rules": self.place.described(),
            "name": f"{name}{_SUFFIX}",
            "kept": self._kept_of(tokens),
        }
        return context

    def _kept_of(self, tokens: Sequence[str]) -> list[dict[str, Any]]:
        if not tokens:
            return []
        senders = senders_now()  # reads the session, and so the database: not in those threads
        found = side_by_side(lambda token: self._kept(token, senders), tokens)
        return [kept for kept in found if kept]

    def _kept(self, token: str, senders: frozenset[str]) -> dict[str, Any] | None:
        """An upload of a form that comes back with an error: it need not be sent again."""
        try:
            found = ClaimToken.of(token, self.place.name, senders)
            there = self.place.quarantine.properties(found.blob)
        except (Invalid, Refused):
            return None
        except AzureError:  # nobody knows: the next try will tell
            pass
        else:
            if there is None or str(there.etag) != found.etag:
                return None
        return {"token": token, "name": shown_name(found.name), "size": found.size}


class DirectUploadField(CheckedFileField):
    """For a FileField or an ImageField of any ModelForm. Its clean value is a file that is marked
    as inspected, a QuarantinedFile if the browser sent it; with `multiple` a list of such files.

    The rules are the place's.
    """

    widget = DirectUploadInput
    default_error_messages = {  # noqa: RUF012  # Django's way
        "gone": "“%(name)s” was used or removed already. Choose the file once more.",
        "invalid_token": "This upload is not known any more. Choose the file once more.",
        "storage": "The storage does not answer. Try again in a moment.",
        "unavailable": UNAVAILABLE,
        "many": "At most %(most)d files at once.",
    }

    def __init__(
        self, *, place: UploadEndpoint, multiple: bool = False, most: int = 100, **options: Any
    ) -> None:
        self.place, self.multiple, self.most = place, multiple, most
        # A ModelForm hands the model field's own rules on; the place's are those that were told.
        super().__init__(**{**options, "rules": place.rules})
        widget = cast("forms.Widget", self.widget)
        if isinstance(widget, DirectUploadInput):
            widget.place = place
            widget.allow_multiple_selected = multiple
            if multiple:
                widget.attrs["multiple"] = True

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Raises Refused and other ValidationErrors, all that there are at once."""
        if not self.multiple:
            if isinstance(data, Tokens):
                return self._from_quarantine(data[0], senders_now())
            return super().clean(data, initial)
        if not data:
            return [] if not self.required else super().clean(None, None)
        if data is FILE_INPUT_CONTRADICTION or len(data) > self.most:
            raise ValidationError(self.error_messages["many"], "many", {"most": self.most})
        if isinstance(data, Tokens):
            senders = senders_now()  # reads the session, and so the database: not in those threads
            results = side_by_side(
                lambda token: _or_error(self._from_quarantine, token, senders), data
            )
        else:
            clean = super().clean
            results = [_or_error(clean, one) for one in data]
        problems = [result for result in results if isinstance(result, ValidationError)]
        if problems:
            raise ValidationError([each for error in problems for each in error.error_list])
        return results

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data if isinstance(data, Tokens) else super().bound_data(data, initial)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data) if self.multiple else super().has_changed(initial, data)

    def _from_quarantine(self, token: str, senders: frozenset[str]) -> QuarantinedFile:
        try:
            found = ClaimToken.of(token, self.place.name, senders)
        except Invalid:
            raise ValidationError(self.error_messages["invalid_token"], "invalid_token") from None
        gone = ValidationError(
            self.error_messages["gone"], "gone", {"name": shown_name(found.name)}
        )
        place = self.place.quarantine
        try:
            there = place.properties(found.blob)
            if there is None or str(there.etag) != found.etag:
                raise gone
            file = QuarantinedFile(found, place, self.rules)
            # It was, unless the place's rules have changed since.
            checked(file, found.name, self.rules)
        except Unavailable as error:
            log_unavailable(place, error)
            raise ValidationError(self.error_messages["unavailable"], "unavailable") from None
        except (ResourceModifiedError, ResourceNotFoundError):
            raise gone from None
        except AzureError:
            raise ValidationError(self.error_messages["storage"], "storage") from None
        return file


def _or_error(clean: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return clean(*arguments)
    except ValidationError as error:
        return error
