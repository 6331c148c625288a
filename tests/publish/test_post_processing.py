"""With an unknown version of Django, the files are still Django's own, byte for byte."""

from __future__ import annotations

import pytest

from tests.faults import FaultProxy
from tests.publish.conftest import MakeSite
from tests.publish.container import Container
from tests.publish.site import Site
from tests.publish.test_hashing import MODULES, NASTY
from tests.publish.trees import Tree, small_tree

# Each turns the installed Django into a future version whose own collectstatic works.
_SWAP = """
from django.contrib.staticfiles.storage import HashedFilesMixin as Mixin

make, work = Mixin.__init__, Mixin._post_process
def __init__(self, *args, **kwargs):
    make(self, *args, **kwargs)
    self.rules = self.__dict__.pop("_patterns")
    self.after_making()
def _post_process(self, paths, *rest):
    paths = dict(paths)
    self._patterns = self.rules
    yield from work(self, paths, *rest)
Mixin.__init__, Mixin._post_process = __init__, _post_process
# post_process() itself only uses the globs.
Mixin.after_making = lambda self: setattr(self, "_patterns", {MADE})
"""
FUTURES = {
    "the patterns have four parts": _SWAP.replace(
        "{MADE}",
        "{glob: [(*one, None, None) for one in found] for glob, found in self.rules.items()}",
    ),
    "the patterns are texts": _SWAP.replace(
        "{MADE}", "{glob: [str(one) for one in found] for glob, found in self.rules.items()}"
    ),
    "the patterns are a list": _SWAP.replace("{MADE}", "list(self.rules)"),
    "the converter takes other arguments": """
from django.contrib.staticfiles.storage import HashedFilesMixin as Mixin

make, work = Mixin.url_converter, Mixin._post_process
def _post_process(self, *args):
    self.url_converter = lambda *words: make(self, *words)
    yield from work(self, *args)
Mixin.url_converter = lambda self, *, name, hashed_files: None
Mixin._post_process = _post_process
""",
    "imports are left alone": """
from django.contrib.staticfiles.storage import HashedFilesMixin as Mixin

find = Mixin._post_process
def _post_process(self, *args):
    kept = self._patterns
    self._patterns = {**kept, "*.css": kept["*.css"][:1]}
    yield from find(self, *args)
    self._patterns = kept
Mixin._post_process = _post_process
""",
    "the manifest has another shape": """
from django.contrib.staticfiles.storage import ManifestFilesMixin as Mixin

def _post_process(self, *args, work=Mixin._post_process):
    for name, hashed, processed, again in work(self, *args):
        yield name, hashed, processed, again
save = Mixin.save_manifest
def save_manifest(self):
    self.hashed_files = {n: h for n, h in self.hashed_files.items() if self.finished}
    save(self)
work = Mixin.post_process
def post_process(self, *args, **kwargs):
    self.finished = True
    yield from work(self, *args, **kwargs)
Mixin.finished, Mixin.save_manifest, Mixin.post_process = False, save_manifest, post_process
""",
}
OWN = """
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage as Manifest
from django.core.files.base import ContentFile


class Banner(Manifest):
    def post_process(self, paths, **options):
        for name, hashed, processed in super().post_process(paths, **options):
            yield name, hashed, processed
        for name in [name for name in self.hashed_files if name.endswith(".txt")]:
            content = ContentFile(b"banner")
            self.hashed_files[name] = self.save(self.hashed_name(name, content), content)
        self.save_manifest()
"""
TREE: Tree = {name: content for name, content in NASTY.items() if "\\" not in name}


def future(site: Site, code: str) -> None:
    """Let the site run with this future version of Django."""
    (site.folder / "future.py").write_text(code)
    site.settings["INSTALLED_APPS"] = ["azureblob", "django.contrib.staticfiles", "future"]


@pytest.mark.parametrize("name", FUTURES)
def test_a_changed_django_is_noticed_and_its_own_post_processing_is_used(
    site: Site, container: Container, name: str
) -> None:
    future(site, FUTURES[name])
    site.write(TREE)
    ended = site.publish().well()
    assert "does not know how Django" in ended.err
    assert "Traceback" not in ended.err
    container.holds(site.expected())
    again = site.publish().well()
    assert again.counts == (0, ended.counts[0], ended.counts[2])


def test_the_installed_django_is_known(site: Site) -> None:
    site.write(TREE)
    assert site.publish().well().err == ""


def test_a_storage_with_post_processing_of_its_own_has_it_used(make_site: MakeSite) -> None:
    site = make_site(manifest_storage="own_storages.Banner")
    (site.folder / "own_storages.py").write_text(OWN)
    site.write({**MODULES, "a.txt": b"a"})
    ended = site.publish("-v", "2").well()
    assert "own_storages.Banner has a post_process() of its own" in ended.out
    expected = site.expected("own_storages.Banner")
    assert expected.files[expected.paths["a.txt"]] == b"banner"
    site.container.holds(expected)


def test_files_that_django_leaves_unhashed_are_published_under_their_own_names(
    make_site: MakeSite,
) -> None:
    site = make_site(keep_unhashed="needed")
    future(site, FUTURES["the patterns are texts"])
    site.write(MODULES)
    site.publish().well()
    assert MODULES.keys() <= site.container.blobs().keys()


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"a.css": b"a { background: url(none.png) }"}, "'none.png'"),
        ({"a.css": b".\xfc { }"}, "a.css: "),
        ({"a.css": b"@import 'b.css';", "b.css": b"@import 'a.css';"}, "Max post-process passes"),
        ({"a.css": b"a { background: url(../../../x.png) }"}, "leads out of"),
    ],
)
def test_errors_of_django_are_reported_and_nothing_is_sent(
    site: Site, proxy: FaultProxy, tree: Tree, said: str
) -> None:
    future(site, FUTURES["the patterns are texts"])
    site.write(tree)
    ended = site.publish()
    assert ended.code == 1
    assert said in ended.err
    assert "Traceback" not in ended.err
    # The container may have been listed meanwhile.
    assert not [record for record in proxy.take() if record.method != "GET"]


def test_a_reference_that_leads_nowhere_can_be_a_warning(site: Site, container: Container) -> None:
    future(site, FUTURES["the patterns are texts"])
    site.write({**small_tree(), "bad.css": b"a { background: url(none.png) }"})
    ended = site.publish(missing_references="warn").well()
    assert "These references lead to no static file:" in ended.err
    assert "'none.png'" in ended.err
    assert container.paths()["bad.css"] in container.blobs()


def test_a_count_that_a_later_django_adds_is_zero(site: Site) -> None:
    future(
        site,
        """
from django.contrib.staticfiles.management.commands.collectstatic import Command

handle = Command.handle
def counted(self, **options):
    collect = self.collect
    def collected():
        self.made = collect()
        return self.made
    self.collect = collected
    said = handle(self, **options)
    return f"{said} {len(self.made['moved'])} moved."
Command.handle = counted
""",
    )
    assert "0 moved." in site.publish().well().out
