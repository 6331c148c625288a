"""A client of the Blob service's REST API over libcurl. It knows nothing of Django."""
