# What a reader adds to the settings that `startproject` made.
import os

INSTALLED_APPS = ["azureblob", *INSTALLED_APPS, "letters"]  # noqa: F821
MIDDLEWARE = ["azureblob.middleware.BlobMiddleware", *MIDDLEWARE]  # noqa: F821
ROOT_URLCONF = "letters.urls"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
STORAGES = {
    "default": {
        "BACKEND": "azureblob.storage.BlobStorage",
        "OPTIONS": {"azure_container": "media"},
    },
    "staticfiles": {
        "BACKEND": "azureblob.static.StaticBlobStorage",
        "OPTIONS": {"azure_container": "static"},
    },
}
AZURE_ACCOUNT_NAME = os.environ["AZURE_ACCOUNT_NAME"]
AZURE_ACCOUNT_KEY = os.environ["AZURE_ACCOUNT_KEY"]
AZURE_BLOB_ENDPOINT = os.environ["AZURE_BLOB_ENDPOINT"]
AZURE_CUSTOM_DOMAIN = os.environ["AZURE_CUSTOM_DOMAIN"]
STATIC_URL = f"http://{AZURE_CUSTOM_DOMAIN}/static/"
MEDIA_URL = f"http://{AZURE_CUSTOM_DOMAIN}/media/"
MEDIA_ROOT = BASE_DIR / "uploads"  # noqa: F821
