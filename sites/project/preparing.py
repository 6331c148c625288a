"""What a package's front page needs in the database before anything can be opened."""

from __future__ import annotations


def cms() -> None:
    """A page of django-cms that is published as the front page."""
    from cms.api import create_page
    from django.contrib.auth import get_user_model

    owner = get_user_model().objects.first()
    page = create_page("Home", "cms-page.html", "en", created_by=owner)
    page.set_as_homepage()
