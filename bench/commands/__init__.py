"""A Django app with the management commands of the bench."""
