"""A place where a site takes uploads of one kind: who may, and what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.http import HttpRequest
from django.urls import NoReverseMatch, URLPattern, path, reverse

from azureblob.direct.quarantine import Quarantine, quarantine
from azureblob.uploads.rules import UploadRules

_STEPS = ("begin", "finish", "discard")


@dataclass(frozen=True)
class UploadEndpoint:
    """`name` says in tokens which place they are for, and is the namespace of its addresses:

        pictures = UploadEndpoint("pictures", may=lambda request: request.user.is_authenticated)
        urlpatterns = [path("uploads/", include(pictures.urls))]

    Included in the URLs of an app with a namespace, that is to be said as `within`. `may` is asked
    with each request of the browser's; what is done with the file in the end is the business of the
    view with the form. `storage` is the alias of the one in STORAGES that the files are for;
    `signed_seconds` is how long a signature is good.
    """

    name: str
    may: Callable[[HttpRequest], bool]
    rules: UploadRules = UploadRules()  # noqa: RUF009  # it is frozen
    within: str = ""
    storage: str = "default"
    signed_seconds: int = 10 * 60

    @property
    def quarantine(self) -> Quarantine:
        return Quarantine(quarantine().storage, self.signed_seconds)

    @property
    def cache_control(self) -> str | None:
        """The storage's; it has to be set before the blob is copied there."""
        return getattr(storages[self.storage], "cache_control", None) or None

    @property
    def urls(self) -> tuple[Sequence[URLPattern], str]:
        """For include()."""
        from azureblob.direct import views

        patterns = [
            path(f"{step}/", getattr(views, step), {"place": self}, name=step) for step in _STEPS
        ]
        return patterns, self.name

    def addresses(self) -> dict[str, str]:
        """The page's, by step; none where the account takes no uploads from browsers, which
        AZURE_DIRECT_UPLOAD = False says. Raises ImproperlyConfigured if they are not in the
        URLconf."""
        if not getattr(settings, "AZURE_DIRECT_UPLOAD", True):
            return {}
        namespace = f"{self.within}:{self.name}" if self.within else self.name
        try:
            return {step: reverse(f"{namespace}:{step}") for step in _STEPS}
        except NoReverseMatch as error:
            raise ImproperlyConfigured(
                f"The addresses of the upload place {self.name!r} are not in the URLconf: "
                f"path('uploads/', include(place.urls)), and within='…' for an app_name. {error}"
            ) from None

    def described(self) -> dict[str, Any]:
        """What the page may know of the rules."""
        return {
            "max-bytes": self.rules.max_bytes,
            "types": ",".join(self.rules.types) if self.rules.others == "refuse" else "",
        }
