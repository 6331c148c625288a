"""Uploads as the libraries for media make them; each returns what, kind, URL and size of files."""

from __future__ import annotations

import io
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

PAGE = b"<!doctype html><script>document.title = 'mine'</script>"
# Libraries remember by name what they made.
_TOKEN = secrets.token_hex(4)


def _picture(size: int = 300) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (size, size), "#3366cc").save(out, "PNG")
    return out.getvalue()


def _file(what: str, kind: str, url: str, data: bytes | None = None) -> dict[str, Any]:
    return {"what": what, "kind": kind, "url": url, "size": len(data) if data else None}


def filer() -> list[dict[str, Any]]:
    from filer.models import File
    from filer.models import Image as Picture

    owner = get_user_model().objects.first()
    data = _picture()
    found = []
    for public in (True, False):
        level = "public" if public else "with filer's permissions"
        picture = Picture(
            owner=owner,
            original_filename=f"{_TOKEN}.png",
            is_public=public,
            file=ContentFile(data, f"{_TOKEN}.png"),
        )
        picture.save()
        found.append(_file(f"filer picture {level}", "image", picture.file.url, data))
        thumbnails = picture.file.get_thumbnail({"size": (50, 50), "crop": True})
        found.append(_file(f"filer thumbnail {level}", "image", thumbnails.url))
        page = File(
            owner=owner,
            original_filename=f"{_TOKEN}.html",
            is_public=public,
            file=ContentFile(PAGE, f"{_TOKEN}.html"),
        )
        page.save()
        found.append(_file(f"filer HTML {level}", "active", page.file.url, PAGE))
    return [file for file in found if file["url"].startswith("http")]


def wagtail() -> list[dict[str, Any]]:
    from wagtail.documents import get_document_model
    from wagtail.images import get_image_model

    data = _picture()
    picture = get_image_model()(title="a", file=ContentFile(data, f"{_TOKEN}.png"))
    picture.save()
    rendition = picture.get_rendition("fill-60x60")
    document = get_document_model()(title="page", file=ContentFile(PAGE, f"{_TOKEN}.html"))
    document.save()
    return [
        _file("Wagtail picture", "image", picture.file.url, data),
        _file("Wagtail rendition", "image", rendition.file.url),
        _file("Wagtail HTML document", "active", document.file.url, PAGE),
    ]


def _saved() -> tuple[Any, bytes]:
    from sites.project.demo.models import Picture

    data = _picture()
    picture = Picture()
    picture.image.save(f"{_TOKEN}.png", ContentFile(data))
    return picture, data


def easy_thumbnails() -> list[dict[str, Any]]:
    from easy_thumbnails.files import get_thumbnailer

    picture, data = _saved()
    thumbnail = get_thumbnailer(picture.image).get_thumbnail({"size": (50, 50)})
    return [
        _file("picture", "image", picture.image.url, data),
        _file("easy-thumbnails thumbnail", "image", thumbnail.url),
        _page(),
    ]


def sorl() -> list[dict[str, Any]]:
    from sorl.thumbnail import get_thumbnail

    picture, data = _saved()
    thumbnail = get_thumbnail(picture.image, "50x50", crop="center")
    return [
        _file("picture", "image", picture.image.url, data),
        _file("sorl thumbnail", "image", thumbnail.url),
        _page(),
    ]


def imagekit() -> list[dict[str, Any]]:
    from imagekit import ImageSpec
    from imagekit.cachefiles import ImageCacheFile
    from imagekit.processors import ResizeToFill

    class Small(ImageSpec):
        processors = (ResizeToFill(50, 50),)
        format = "PNG"

    picture, data = _saved()
    thumbnail = ImageCacheFile(Small(source=picture.image))
    thumbnail.generate()
    return [
        _file("picture", "image", picture.image.url, data),
        _file("imagekit thumbnail", "image", thumbnail.url),
        _page(),
    ]


def _page() -> dict[str, Any]:
    name = default_storage.save(f"{_TOKEN}.html", ContentFile(PAGE))
    return _file("HTML page", "active", default_storage.url(name), PAGE)
