"""Azure Blob Storage for any Django project: a storage backend and a health check."""
