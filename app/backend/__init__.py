"""The Django project: settings, URLs and the two storages."""
