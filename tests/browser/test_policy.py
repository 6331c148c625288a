"""The pages' Content-Security-Policy, and that they work with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobServiceClient, ContentSettings
from playwright.sync_api import Response

from tests.browser.conftest import Site, Visit
from tests.browser.test_site import painted
from tests.site import PASSWORD, USER

ADD_A_SCRIPT = """source => new Promise(done => {
    const script = Object.assign(document.createElement('script'), source);
    script.onload = () => done('loaded');
    script.onerror = () => done('refused');
    document.head.append(script);
    if (source.text) { setTimeout(() => done(window.ran ? 'loaded' : 'refused')); }
})"""


def directives(response: Response | None) -> dict[str, list[str]]:
    assert response is not None
    parts = (response.header_value("content-security-policy") or "").split(";")
    return {name: sources for name, *sources in (part.split() for part in parts if part.strip())}


def login(visit: Visit, site: Site) -> None:
    visit.page.goto(f"{site.origin}/admin/login/?next=/admin/")
    visit.page.fill("#id_username", USER)
    visit.page.fill("#id_password", PASSWORD)
    visit.page.click("input[type=submit]")
    visit.page.wait_for_url(f"{site.origin}/admin/")


@pytest.mark.parametrize("path", ["/", "/admin/login/"])
def test_every_page_names_the_blob_origin_and_no_other(visit: Visit, site: Site, path: str) -> None:
    response = visit.page.goto(f"{site.origin}{path}")
    assert response is not None
    origin = "/".join(site.static.split("/")[:3])
    found = directives(response)
    assert found["default-src"] == ["'none'"]
    assert found["script-src"] == ["'self'", site.static]
    assert found["style-src"] == found["font-src"] == [site.static]
    assert found["img-src"] == found["media-src"] == [origin]
    assert found["connect-src"] == ["'self'", origin]
    assert found["frame-ancestors"] == found["base-uri"] == ["'none'"]
    assert found["form-action"] == ["'self'"]
    assert response.header_value("x-content-type-options") == "nosniff"
    assert response.header_value("referrer-policy") == "same-origin"


def test_the_admin_works_under_the_policy(visit: Visit, site: Site, tmp_path: Path) -> None:
    """Log in, list, add, change, search, pick a date, filter, and delete a picture."""
    login(visit, site)
    page = visit.page
    page.goto(f"{site.origin}/admin/gallery/picture/add/")
    page.set_input_files("input[type=file]", painted(tmp_path, "policy.png", "#334455", "#112233"))
    page.click("input[name=_continue]")
    page.wait_for_url("**/change/")
    page.fill("#id_title", "Under the policy")
    page.click("input[name=_save]")
    page.wait_for_url(f"{site.origin}/admin/gallery/picture/")
    page.fill("#searchbar", "policy")
    page.press("#searchbar", "Enter")
    page.wait_for_url("**?q=policy")
    assert page.locator("#result_list img").count() == 1

    page.goto(f"{site.origin}/admin/auth/user/")
    page.click("#changelist-filter details:first-of-type a >> nth=1")
    page.click("#result_list tbody th a")
    page.wait_for_url("**/change/**")
    page.click(".field-date_joined .date-icon >> nth=0")
    assert page.locator(".calendarbox:visible").count() == 1
    page.click(".calendarbox:visible .calendar td:not(.nonday) a >> nth=9")
    assert page.input_value("#id_date_joined_0").endswith("-10")
    page.click(".field-date_joined .clock-icon >> nth=0")
    assert page.locator(".clockbox:visible").count() == 1
    page.click(".clockbox:visible .timelist a >> nth=1")
    page.click(
        ".field-user_permissions .selector-chooser a, .field-user_permissions button >> nth=0"
    )
    page.click("input[name=_continue]")
    page.wait_for_url("**/change/**")
    assert page.locator(".messagelist .success").count() == 1

    page.goto(f"{site.origin}/admin/gallery/picture/?q=policy")
    page.check("#action-toggle")
    page.select_option("select[name=action]", "delete_selected")
    page.click("button[name=index]")
    page.click("input[type=submit]")
    page.wait_for_url("**/admin/gallery/picture/**")
    assert visit.failures == []


def test_requests_for_pictures_do_not_reveal_the_page(
    visit: Visit, site: Site, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(site.origin)
    page.set_input_files("input[type=file]", painted(tmp_path, "quiet.png", "#554433", "#332211"))
    page.click("[data-submit]")
    page.wait_for_selector(".card img")
    page.wait_for_load_state("networkidle")
    to_blobs = [each for each in visit.responses if not each.url.startswith(site.origin)]
    assert any(each.url.startswith(site.media) for each in to_blobs)
    for response in to_blobs:
        assert not response.request.all_headers().get("referer"), response.url
    assert visit.failures == []


def test_pages_run_neither_uploads_nor_inline_scripts(
    visit: Visit, site: Site, azure_env: dict[str, str]
) -> None:
    """Even an attachment without a type runs on a page that may load scripts from its host. The
    policy prevents it, as it allows the folder of the static files only."""
    name, key = azure_env["AZURE_ACCOUNT_NAME"], azure_env["AZURE_ACCOUNT_KEY"]
    with BlobServiceClient(
        azure_env["AZURE_BLOB_ENDPOINT"].rstrip("/"), AzureNamedKeyCredential(name, key)
    ) as service:
        service.get_blob_client(azure_env["AZURE_MEDIA_CONTAINER"], "policy/cat.bin").upload_blob(
            b"window.ran = true;",
            overwrite=True,
            content_settings=ContentSettings(
                content_type="application/octet-stream", content_disposition="attachment"
            ),
        )
    source = {"src": f"{site.media}policy/cat.bin"}
    page = visit.page
    page.goto(site.origin)
    assert page.evaluate(ADD_A_SCRIPT, source) == "refused"
    assert page.evaluate(ADD_A_SCRIPT, {"text": "window.ran = true"}) == "refused"
    assert page.evaluate("window.ran") is None
    assert len(visit.failures) >= 2
    assert all(
        "Content Security Policy" in each for each in visit.failures if "http" not in each[:4]
    )
    # A document without a policy, on the host of the uploads.
    page.goto(f"{site.static}staticfiles.json")
    assert page.evaluate(ADD_A_SCRIPT, source) == "loaded"
    assert page.evaluate("window.ran") is True
