"""A Django app with the bench's own management commands."""
