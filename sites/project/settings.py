"""Django's settings of one site: SITE_SETTINGS, JSON in the environment, holds all that differs."""

import json
import os
from importlib import import_module
from pathlib import Path

_given = json.loads(os.environ["SITE_SETTINGS"])
for _module in _given.pop("SETTINGS_FROM", []):
    locals().update(vars(import_module(_module)))

SECRET_KEY = "only-for-these-sites"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = "sites.project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SITE_ID = 1
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOGIN_URL = "/admin/login/"
X_FRAME_OPTIONS = "SAMEORIGIN"
SILENCED_SYSTEM_CHECKS: list[str] = []
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    *_given.pop("MORE_MIDDLEWARE", []),
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.static",
                "django.template.context_processors.media",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                *_given.pop("MORE_CONTEXT_PROCESSORS", []),
            ],
            "loaders": [
                "django.template.loaders.filesystem.Loader",
                "django.template.loaders.app_directories.Loader",
                *_given.pop("MORE_LOADERS", []),
            ],
        },
    }
]
if _given.pop("SITE_GDAL", False):
    # GeoDjango's libraries, from packages that bring them along.
    _folder = Path(import_module("shapely").__file__ or "").parent.parent
    GDAL_LIBRARY_PATH = str(next(_folder.glob("pyogrio.libs/libgdal*")))
    GEOS_LIBRARY_PATH = str(next(_folder.glob("shapely.libs/libgeos_c*")))
if _given.pop("SITE_UNMIGRATED", False):
    # The migrations of sixty apps at once take minutes; their tables are made as they are now.
    class _None(dict):
        def __contains__(self, _: object) -> bool:
            return True

        def __getitem__(self, _: str) -> None:
            return None

    MIGRATION_MODULES = _None()
locals().update(_given)
