"""A demo: upload a picture, see it served from blob storage, delete it."""
