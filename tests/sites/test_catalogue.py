"""The packages of `make sites`: each has a pin, and one site can have all that share one."""

from __future__ import annotations

from pathlib import Path

from sites.catalogue import ALL, HERE, combined, djangos, packages

NAMED = {
    "wagtail",
    "django-oscar",
    "django-cms",
    "django-filer",
    "django-jazzmin",
    "django-unfold",
    "django-tinymce",
    "django-ckeditor-5",
    "django-froala-editor",
    "django-leaflet",
    "drf-spectacular-sidecar",
    "django-debug-toolbar",
    "django-fontawesome-5",
    "django-import-export",
    "django-grappelli",
    "django-select2",
    "easy-thumbnails",
    "sorl-thumbnail",
    "django-imagekit",
}


def test_there_are_40_and_those_that_sites_are_made_of() -> None:
    found = packages()
    assert len(found) >= 40
    assert found.keys() >= NAMED


def test_each_is_pinned_and_each_pin_is_used() -> None:
    used = {pin for package in packages().values() for pin in package.pins}
    lines = (HERE / "requirements.txt").read_text().splitlines()
    assert used == {line for line in lines if line and not line.startswith("#")}
    assert all("==" in pin for pin in used)


def test_every_supported_line_of_django_is_run() -> None:
    assert [*djangos()] == ["5.2", "6.0", "6.1"]


def test_one_that_stays_apart_says_why() -> None:
    assert [one.name for one in packages().values() if not one.together and not one.why] == []


def test_all_at_once_have_one_front_page_and_it_is_asked_last() -> None:
    site = combined(packages().values())
    assert site.name == ALL
    assert [prefix for prefix in site.urls if not prefix] == [""]
    assert [*site.urls][-1] == ""
    assert len(set(site.apps)) == len(site.apps)


def test_what_a_package_uses_of_the_project_is_there() -> None:
    project = HERE / "project"
    for package in packages().values():
        for module in package.urls.values():
            if module.startswith("sites.project."):
                assert Path(project, f"{module.removeprefix('sites.project.')}.py").exists()
