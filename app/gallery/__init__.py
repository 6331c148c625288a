"""The demo: upload a picture, see it come from blob storage, delete it."""
