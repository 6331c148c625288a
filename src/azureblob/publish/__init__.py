"""Publishing static files: what the commands collectstatic and prunestatic do, step by step."""

from django.core.exceptions import ImproperlyConfigured


class PublishError(Exception):
    """Publishing or pruning cannot go on; the text is for the user."""


class ManifestError(ImproperlyConfigured):
    """There is no usable manifest, so pages have no URLs of static files; the text says what to
    do."""
