from __future__ import annotations

from django.urls import path

from gallery import views

app_name = "gallery"
urlpatterns = [
    path("", views.index, name="index"),
    path("pictures/<int:pk>/delete/", views.delete, name="delete"),
]
