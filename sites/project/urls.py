"""The admin, the front page, and what the site's packages bring: SITE_URLS, [[prefix, module]]."""

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from sites.project.demo.views import front


def _included(name: str):
    """`app:NAME` stands for the URLs that an application's configuration makes."""
    if name.startswith("app:"):
        return include(apps.get_app_config(name.removeprefix("app:")).urls[0])
    return include(name)


urlpatterns = [path("admin/", admin.site.urls)]
# Wagtail, Oscar and django-cms make the front page themselves.
if "" not in dict(settings.SITE_URLS):
    urlpatterns.append(path("", front))
else:
    urlpatterns.append(path("widgets/", front))
urlpatterns += [path(prefix, _included(name)) for prefix, name in settings.SITE_URLS]
