"""The site in a real Chromium: its files are served by the blob service, and its pages work."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from localazure.azurite import Azurite
from tests.browser.conftest import Site, Visit
from tests.site import PASSWORD, USER

WIDTHS = (1280, 390)
TYPES = {
    "stylesheet": {"text/css"},
    "script": {"text/javascript"},
    "image": {"image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp"},
    "font": {"font/woff2", "font/woff"},
}


def assert_files_came_from_blobs(visit: Visit, site: Site, *, at_least: set[str]) -> None:
    """Each file's origin, status and type; `at_least` are kinds that must have been requested."""
    kinds = set()
    for response in visit.responses:
        kind = response.request.resource_type
        if kind not in TYPES:
            continue
        kinds.add(kind)
        assert response.url.startswith((site.static, site.media)), response.url
        assert response.status in {200, 304}, response.url
        content_type = response.header_value("content-type").partition(";")[0]
        assert content_type in TYPES[kind], f"{response.url} is {content_type}"
    assert at_least <= kinds
    assert visit.failures == []


def shoot(visit: Visit, folder: Path | None, name: str) -> None:
    if folder is None:
        return
    for width in WIDTHS:
        visit.page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
    visit.page.emulate_media(color_scheme="light")
    visit.page.set_viewport_size({"width": 1280, "height": 900})


def painted(folder: Path, name: str, top: str, bottom: str) -> Path:
    """A small landscape to upload."""
    picture = Image.new("RGB", (900, 640), top)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((620, 90, 740, 210), fill="#fff3c4")
    draw.polygon(
        [(0, 460), (260, 240), (470, 430), (660, 300), (900, 480), (900, 640), (0, 640)], bottom
    )
    path = folder / name
    picture.save(path)
    return path


def test_the_login_page_is_styled_by_blobs_and_the_login_works(
    visit: Visit, site: Site, shots: Path | None
) -> None:
    page = visit.page
    page.goto(f"{site.origin}/admin/login/?next=/admin/")
    header = page.locator("#header").evaluate("node => getComputedStyle(node).backgroundColor")
    assert header not in {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}
    assert_files_came_from_blobs(visit, site, at_least={"stylesheet", "script"})
    shoot(visit, shots, "login")
    page.fill("#id_username", USER)
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_url(f"{site.origin}/admin/")
    assert page.locator("#user-tools").is_visible()
    assert_files_came_from_blobs(visit, site, at_least={"stylesheet", "script"})
    shoot(visit, shots, "admin")


def test_the_admin_loads_its_files_once_and_compressed(
    visit: Visit, site: Site, azurite: Azurite
) -> None:
    page = visit.page

    def asked() -> int:
        """Requests for static files in the service's log."""
        path = site.static.partition("://")[2].partition("/")[2]
        return azurite.log.read_text(errors="replace").count(f'"GET /{path}')

    began = asked()
    page.goto(f"{site.origin}/admin/login/")
    page.wait_for_load_state("networkidle")
    loaded = [one for one in visit.responses if one.url.startswith(site.static)]
    assert {one.request.resource_type for one in loaded} >= {"stylesheet", "script"}
    assert asked() - began == len(loaded)
    for response in loaded:
        # With DEBUG, names are not hashed.
        assert response.header_value("cache-control") == "public, max-age=300"
        assert response.header_value("content-encoding") == "gzip", response.url

    before = asked()
    page.goto(f"{site.origin}/")
    page.wait_for_load_state("networkidle")  # its icon comes last
    page.goto(f"{site.origin}/admin/login/")
    page.wait_for_load_state("networkidle")
    parts = ("/gallery/", "/azureblob/")
    gallery = [one for one in visit.responses if any(part in one.url for part in parts)]
    # A picture that is on the page twice may be requested once.
    assert len({one.url for one in gallery}) <= asked() - before <= len(gallery)
    assert visit.failures == []


def test_a_picture_is_uploaded_shown_from_the_blob_service_and_deleted(
    visit: Visit, site: Site, shots: Path | None, tmp_path: Path
) -> None:
    site.clear()
    page = visit.page
    page.goto(f"{site.origin}/")
    page.get_by_text("No pictures yet").wait_for()
    page.wait_for_load_state("networkidle")
    assert_files_came_from_blobs(visit, site, at_least={"stylesheet", "script", "image"})
    shoot(visit, shots, "empty")

    for name, title, top, bottom in (
        ("dusk.png", "Dusk over the hills", "#6d6fb5", "#2b2f5b"),
        ("northern lights.jpg", "", "#123a4a", "#0b1c26"),
        (
            "morning.webp",
            "A very early morning with a title that is too long for its card",
            "#f3b183",
            "#8a5a44",
        ),
        ("meadow.png", "Meadow", "#9fd3f0", "#4f8f4a"),
    ):
        page.set_input_files("#id_image", painted(tmp_path, name, top, bottom))
        page.locator("canvas.direct-preview").wait_for(state="visible")
        page.fill("#id_title", title)
        if name == "meadow.png":
            shoot(visit, shots, "chosen")
        page.get_by_role("button", name="Upload", exact=True).click()
        shown = title or "northern lights"
        page.locator(f'img[alt="{shown}"]').wait_for()
    picture = page.locator('img[alt="northern lights"]')
    page.wait_for_function(
        "() => [...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
    assert picture.evaluate("image => image.naturalWidth") == 900
    assert (picture.get_attribute("src") or "").startswith(site.media)
    assert_files_came_from_blobs(visit, site, at_least={"stylesheet", "script", "image"})
    shoot(visit, shots, "gallery")

    page.get_by_label("Delete “Dusk over the hills”").click()
    shoot(visit, shots, "delete")
    page.get_by_role("button", name="Delete", exact=True).locator("visible=true").click()
    page.get_by_text("“Dusk over the hills” is deleted.").wait_for()
    assert page.locator('img[alt="Dusk over the hills"]').count() == 0
    assert page.locator(".card").count() == 3
    assert visit.failures == []

    blob = page.locator('img[alt="northern lights"]').get_attribute("src") or ""
    page.route(blob, lambda route: route.fulfill(status=404))
    page.reload()
    gone = page.locator(".frame.gone")
    gone.wait_for()
    assert gone.count() == 1
    shoot(visit, shots, "gone")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(visit: Visit, site: Site, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 800})
    visit.page.goto(f"{site.origin}/")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_the_upload_and_the_focus_is_visible(visit: Visit, site: Site) -> None:
    page = visit.page
    page.goto(f"{site.origin}/")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "id_image":
            break
    assert page.evaluate("document.activeElement.id") == "id_image"
    drop = page.locator("[data-direct-drop]")
    outline = drop.evaluate("node => getComputedStyle(node).outlineStyle")
    assert outline == "solid"


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
    visit: Visit, site: Site, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{site.origin}/")
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(b"\0" * (10 * 1024 * 1024 + 1))
    page.set_input_files("#id_image", huge)
    assert "at most 10,485,760 bytes" in page.locator(".direct-error").inner_text()
    page.get_by_role("button", name="Upload", exact=True).click()
    assert not [r for r in visit.responses if r.request.method == "POST"]
