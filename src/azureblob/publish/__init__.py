"""Publishing static files: what `manage.py collectstatic` does, step by step."""
