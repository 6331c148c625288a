"""Django's settings. What differs from place to place comes from the environment."""

from __future__ import annotations

import django

from azureblob.csp import content_security_policy
from backend import environment

# Django 5.2 cannot send a Content-Security-Policy by itself; django-csp does it there.
_DJANGO_SENDS_CSP = django.VERSION >= (6, 0)

BASE_DIR = environment.APP_DIR
_env = environment.load()

SECRET_KEY = _env.secret_key
DEBUG = _env.debug
ALLOWED_HOSTS = _env.allowed_hosts
CSRF_TRUSTED_ORIGINS = _env.csrf_trusted_origins

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    *([] if _DJANGO_SENDS_CSP else ["csp"]),
    "storages",
    # Before staticfiles: the first app with a command of a name has it.
    "azureblob",
    "django.contrib.staticfiles",
    "gallery",
]

MIDDLEWARE = [
    # First: the platform's probes come by any host name, and without TLS.
    "azureblob.health.HealthMiddleware",
    # Bounds what a request waits for storage, and keeps pages with signed URLs out of caches.
    "azureblob.middleware.BlobMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Compresses pages, as static files are. Django masks its CSRF tokens and pads the result.
    "django.middleware.gzip.GZipMiddleware",
    (
        "django.middleware.csp.ContentSecurityPolicyMiddleware"
        if _DJANGO_SENDS_CSP
        else "csp.middleware.CSPMiddleware"
    ),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "backend.urls"
WSGI_APPLICATION = "backend.wsgi.application"
ASGI_APPLICATION = "backend.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": _env.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator"},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- Blob storage ---------------------------------------------------------------------------------
AZURE_AUTH_MODE = _env.auth_mode
AZURE_ACCOUNT_NAME = _env.account_name
AZURE_ACCOUNT_KEY = _env.account_key
AZURE_BLOB_ENDPOINT = _env.blob_endpoint
AZURE_CUSTOM_DOMAIN = _env.custom_domain
AZURE_MEDIA_ACCESS = _env.media_access
# For how long a private upload keeps the same URL, which is valid for up to twice as long.
AZURE_MEDIA_URL_SECONDS = _env.media_url_seconds
# Whether browsers can upload to the account (CORS, network); otherwise uploads go through the site.
AZURE_DIRECT_UPLOAD = _env.direct_upload
# How many seconds a request may wait for storage in total.
AZURE_REQUEST_SECONDS = _env.request_seconds
# How many requests of a process may wait while storage stalls. Must be less than the server's
# threads, so that one is free for /healthz.
AZURE_WAITING_REQUESTS = _env.waiting_requests

STATIC_LOCATION = _env.static_container
MEDIA_LOCATION = _env.media_container
# For apps that create a BlobStorage themselves.
AZURE_MEDIA_CONTAINER = MEDIA_LOCATION
# For uploads that are not inspected yet; private regardless of AZURE_MEDIA_ACCESS.
AZURE_QUARANTINE_CONTAINER = _env.quarantine_container
# Plain http is only for a service on this machine, which has no https.
_SCHEME = "http" if AZURE_BLOB_ENDPOINT.startswith("http://") else "https"
STATIC_URL = f"{_SCHEME}://{AZURE_CUSTOM_DOMAIN}/{STATIC_LOCATION}/"
MEDIA_URL = (
    f"{_SCHEME}://{AZURE_CUSTOM_DOMAIN}/{MEDIA_LOCATION}/"
    if AZURE_MEDIA_ACCESS == "public"
    # The account itself checks signatures, so private media bypass the custom domain.
    else f"{AZURE_BLOB_ENDPOINT}{MEDIA_LOCATION}/"
)

STORAGES = {
    "default": {"BACKEND": "backend.custom_azure.AzureMediaStorage"},
    "staticfiles": {"BACKEND": "backend.custom_azure.AzureStaticStorage"},
}
# The commit that a release was built from (scripts/release.py), which /healthz shows.
_RELEASE = BASE_DIR / "RELEASE"
AZUREBLOB_RELEASE = _RELEASE.read_text("utf-8").strip() if _RELEASE.exists() else ""
# The library's error messages name the commands of this repository.
AZUREBLOB_ADVICE = "backend.advice.StackAdvice"

# --- The gallery ----------------------------------------------------------------------------------
# Whether anyone may add and delete pictures, or only users with the permission.
GALLERY_OPEN = DEBUG

# --- Security: enabled unless DEBUG is ------------------------------------------------------------
SECURE_SSL_REDIRECT = not DEBUG
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
SECURE_HSTS_SECONDS = 0 if DEBUG else 30 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
# Browsers' preload lists require one year, so 30 days remain revocable.
SECURE_HSTS_PRELOAD = not DEBUG
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = content_security_policy(
    static_url=STATIC_URL, media_url=MEDIA_URL, endpoint=AZURE_BLOB_ENDPOINT
)
if not _DJANGO_SENDS_CSP:
    CONTENT_SECURITY_POLICY = {"DIRECTIVES": SECURE_CSP}
SECURE_CONTENT_TYPE_NOSNIFF = True
# Other sites, including the blob service, do not see a page's address. `no-referrer` would also
# remove the Origin from the site's own forms, and Django would refuse them.
SECURE_REFERRER_POLICY = "same-origin"
# Only if a proxy that terminates TLS sets this header; otherwise clients could forge it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _env.behind_proxy else None

DEFAULT_EXCEPTION_REPORTER_FILTER = "backend.debugging.ExceptionReporterFilter"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Django's default handlers would print the records again, or email them.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # At INFO it logs each request with all headers.
        "azure": {"level": "WARNING"},
    },
}
