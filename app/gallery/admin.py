"""Pictures in the admin, checked by the same rules as on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gallery.forms import PictureForm
from gallery.models import Picture

if TYPE_CHECKING:  # generic for the type checker only
    _PictureModelAdmin = admin.ModelAdmin[Picture]
else:
    _PictureModelAdmin = admin.ModelAdmin


@admin.register(Picture)
class PictureAdmin(_PictureModelAdmin):
    form = PictureForm
    list_display = ("thumbnail", "title", "uploaded_at")
    list_display_links = ("thumbnail", "title")
    search_fields = ("title",)
    date_hierarchy = "uploaded_at"
    readonly_fields = ("thumbnail", "uploaded_at")

    @admin.display(description="Picture")
    def thumbnail(self, picture: Picture) -> SafeString | str:
        if not picture.image:
            return ""
        return format_html(
            '<img src="{}" alt="{}" height="64" loading="lazy">', picture.image.url, picture.title
        )
