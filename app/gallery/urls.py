from __future__ import annotations

from django.urls import include, path

from gallery import views
from gallery.uploads import pictures

app_name = "gallery"
urlpatterns = [
    path("", views.index, name="index"),
    path("pictures/upload/", include(pictures.urls)),
    path("pictures/<int:pk>/delete/", views.delete, name="delete"),
]
