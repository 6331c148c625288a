"""What Django's error pages hide."""

from __future__ import annotations

import re

from django.views.debug import SafeExceptionReporterFilter


class ExceptionReporterFilter(SafeExceptionReporterFilter):
    """Also hides DATABASE_URL, which holds the database's password: under runserver the page of an
    error lists the environment."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|DATABASE_URL|CONNECTION_STRING",
        re.IGNORECASE,
    )
