"""What a publish learned is used by the next one, and the result is the same without it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestStaticFilesStorage
from django.test import override_settings
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from azureblob.publish import reuse
from azureblob.publish.discovery import LocalFile, content, read_local
from azureblob.publish.hashing import HashedTree, HashingError, _Hashing, hash_names
from azureblob.publish.learned import Known, Learned, Scan, StaleCache, serialized
from azureblob.publish.render_cache import decode, encode
from azureblob.publish.reuse import tree_digest
from azureblob.rest.models import md5
from tests.publish.in_process import Rules, static_url
from tests.publish.test_hashing import NASTY
from tests.publish.trees import Tree, write

KEY = "the account's key"


@pytest.fixture(scope="module", autouse=True)
def _django() -> Iterator[None]:
    with static_url():
        yield


class Project:
    """Static files that are hashed again and again, each time with what was learned before, which
    is stored and read in between."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self.known: Known | None = None
        self.rewritten: set[str] = set()

    def hashed(
        self,
        tree: Tree,
        *,
        rules: Rules = ManifestStaticFilesStorage,
        known: Known | None = None,
        find_needed: bool = True,
    ) -> HashedTree:
        self._number += 1
        source, scratch = (self._folder / f"{part}{self._number}" for part in ("source", "made"))
        source.mkdir()
        scratch.mkdir()
        write(tree, source)
        sources = {name: read_local(str(source / name)) for name in tree}
        self.rewritten = set()
        name_rewritten = _Hashing._name_rewritten

        def noted(hashing: _Hashing, names: Iterable[str]) -> dict[str, set[str]]:
            names = list(names)
            self.rewritten.update(names)
            return name_rewritten(hashing, names)

        with patch.object(_Hashing, "_name_rewritten", noted):
            return hash_names(sources, rules, scratch, find_needed=find_needed, known=known)

    def again(self, tree: Tree, **options: Any) -> set[str]:
        """Hash the files with what is known. Assert that the result is the same without it, and
        return the names of the files that were rewritten."""
        made = self.hashed(tree, known=self.known, **options)
        again = self.rewritten
        fresh = self.hashed(tree, **options)
        assert outcome(made) == outcome(fresh)
        assert fresh.learned
        if made.learned:
            assert serialized(made.learned) == serialized(fresh.learned)
            self.store(made.learned)
        return again

    def store(self, learned: Learned) -> None:
        self.known = Known(decode(encode(serialized(learned), KEY), KEY))

    def change(self, change: Callable[[Learned], Learned]) -> None:
        """Change what is stored."""
        assert self.known
        details = self.known.details()
        assert details
        self.store(change(Learned(self.known.summary, details)))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def outcome(tree: HashedTree) -> dict[str, Any]:
    """All that a publish uses of it, with the content of each file."""
    unread = {name for name, hashed in tree.names.items() if not tree.files[hashed].path}
    assert tree.render is not None
    files = {**tree.files, **{tree.names[n]: file for n, file in tree.render(unread).items()}}
    assert {hashed: file.md5 for hashed, file in files.items()} == {
        hashed: file.md5 for hashed, file in tree.files.items()
    }
    return {
        "manifest": tree.manifest,
        "paths": list(tree.paths.items()),
        "names": tree.names,
        "aliases": tree.aliases,
        "missing": [str(one) for one in tree.missing],
        "needed": tree.needed,
        "content": {hashed: content(file) for hashed, file in files.items()},
    }


SITE: Tree = {
    "css/site.css": b'@import "base.css";\n.a { background: url(../img/a.png) }\n',
    "css/base.css": b".b { background: url(../img/b.png?v=1) }\n",
    "css/alone.css": b".c { background: url(../img/b.png) }\n",
    "css/print.css": b'@import "site.css";\n',
    "js/app.js": b'import "./lib.js";\n//# sourceMappingURL=app.js.map\n',
    "js/lib.js": b"export const a = 1;\n",
    "js/app.js.map": b"{}",
    "page.html": b'<img src="img/b.png"><script src="js/late.js"></script>',
    "img/a.png": b"a",
    "img/b.png": b"b",
}
EVERYTHING = {name for name in SITE if name.endswith((".css", ".js"))}


def without(tree: Tree, *names: str) -> Tree:
    return {name: content for name, content in tree.items() if name not in names}


def test_an_unchanged_tree_is_not_rewritten_and_not_stored_again(project: Project) -> None:
    assert project.again(SITE) == EVERYTHING
    assert project.hashed(SITE, known=project.known).learned is None
    assert project.again(SITE) == set()


def test_of_an_unchanged_tree_only_the_summary_is_read(project: Project) -> None:
    project.again(SITE)
    assert project.known
    with patch.object(project.known, "details", side_effect=AssertionError):
        project.again(SITE)


def test_a_file_that_is_moved_counts_as_changed(project: Project) -> None:
    project.again(SITE)
    moved = {"css/a/base.css" if n == "css/base.css" else n: c for n, c in SITE.items()}
    assert project.again(moved) == {"css/a/base.css", "css/site.css", "css/print.css"}


def test_files_without_a_path_are_rendered_when_asked_for(project: Project) -> None:
    project.again(SITE)
    made = project.hashed(SITE, known=project.known)
    hashed = made.names["css/site.css"]
    assert made.files[hashed].path == ""
    assert made.render is not None
    [(name, file)] = made.render(["css/site.css"]).items()
    assert name == "css/site.css"
    assert made.names["css/base.css"].removeprefix("css/") in content(file).decode()


@pytest.mark.parametrize(
    ("changes", "rewritten"),
    [
        ({"css/base.css": b"p { }\n"}, {"css/base.css", "css/site.css", "css/print.css"}),
        ({"css/print.css": b"p { }\n"}, {"css/print.css"}),
        ({"img/a.png": b"new"}, {"css/site.css", "css/print.css"}),
        # It is looked up with a query too, and named by its content before rewriting.
        (
            {"img/b.png": b"new"},
            {"css/base.css", "css/alone.css", "css/site.css", "css/print.css"},
        ),
        ({"js/app.js.map": b"[]"}, {"js/app.js"}),
        ({"page.html": b"<p>"}, set()),
        ({"new/file.css": b"p { }\n"}, {"new/file.css"}),
        ({"new/image.png": b"new"}, set()),
        ({"js/late.js": b"late()\n"}, {"js/late.js"}),
        # Without an extension, the scans did not note it as absent.
        ({"js/LICENSE": b"free"}, EVERYTHING),
    ],
)
def test_a_changed_file_and_those_that_depend_on_it_are_rewritten_and_no_other(
    project: Project, changes: Tree, rewritten: set[str]
) -> None:
    project.again(SITE)
    assert project.again({**SITE, **changes}) == rewritten
    assert project.again({**SITE, **changes}) == set()


def test_a_target_that_is_deleted_or_appears_has_its_users_rewritten(project: Project) -> None:
    project.again(SITE)
    gone = without(SITE, "img/a.png", "css/base.css")
    assert project.again(gone) == {"css/site.css", "css/print.css"}
    assert project.again(without(gone, "css/print.css")) == set()
    assert project.again(SITE) == {"css/base.css", "css/site.css", "css/print.css"}


def test_a_plain_target_that_appears_is_needed(project: Project) -> None:
    tree = {**SITE, "js/app.js": b'import "./late.js"; new Worker("other.js");\n'}
    project.again(tree)
    assert project.again({**tree, "js/late.js": b"x\n"}) == {"js/app.js", "js/late.js"}
    made = project.hashed({**tree, "js/late.js": b"x\n"}, known=project.known)
    assert "js/late.js" in made.needed


def test_a_plain_target_without_an_extension_that_appears_is_needed(project: Project) -> None:
    """What is stored does not name such targets, so that all files are searched again."""
    tree = {**SITE, "js/app.js": b'import "./late";\n'}
    project.again(tree)
    assert project.again({**tree, "js/late": b"x\n"}) == EVERYTHING
    assert "js/late" in project.hashed({**tree, "js/late": b"x\n"}, known=project.known).needed


def test_a_plain_target_that_is_deleted_is_needed_when_it_is_back(project: Project) -> None:
    project.again(SITE)
    assert project.again(without(SITE, "js/lib.js")) == EVERYTHING - {"js/lib.js"} - {
        name for name in EVERYTHING if name.startswith("css/")
    }
    assert project.again(SITE) == {"js/app.js", "js/lib.js"}


def test_a_folder_that_becomes_a_file_has_its_users_rewritten(project: Project) -> None:
    tree = {"a.css": b".a { background: url(x?v=1) }\n", "x/y.png": b"y"}
    assert project.again(tree) == {"a.css"}
    assert project.again({"a.css": tree["a.css"], "x": b"y"}) == {"a.css"}


def test_a_nasty_tree_is_the_same_with_and_without_what_is_known(project: Project) -> None:
    project.again(NASTY)
    # The names that need more than an MD5 are not used.
    assert project.again(NASTY) == set()
    assert project.again({**NASTY, "img/a.png": b"new"})


def test_odd_names_are_rewritten_each_time(project: Project) -> None:
    odd = {"css/with space.css": b".a { background: url(../img/a.png) }\n"}
    assert project.again({**SITE, **odd}) == {*EVERYTHING, *odd}
    assert project.again({**SITE, **odd}) == {*odd}


# --- Other rules ----------------------------------------------------------------------------------


class Modules(ManifestStaticFilesStorage):
    """It has data only."""

    support_js_module_import_aggregation = True


class Hashes(ManifestStaticFilesStorage):
    def file_hash(self, name: str, content: Any = None) -> Any:
        return "0" * 12


class Keys(Modules):
    def hash_key(self, name: str) -> str:
        return name.lower()


class Blocks(Modules):
    @property
    def base_url(self) -> str:
        return "/x/"


def test_data_of_a_storage_class_is_part_of_the_fingerprint(project: Project) -> None:
    project.again(SITE)
    assert project.again(SITE, rules=Modules) == EVERYTHING
    assert project.again(SITE, rules=Modules) == set()
    assert project.again(SITE) == EVERYTHING


@pytest.mark.parametrize("rules", [Hashes, Keys, Blocks])
def test_a_storage_class_with_methods_of_its_own_learns_nothing(
    project: Project, rules: Rules
) -> None:
    assert project.hashed({"a.css": b"p { }\n"}, rules=rules).learned is None


def test_a_django_with_replaced_methods_learns_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.again(SITE)
    original = HashedFilesMixin.url_converter

    def url_converter(self: Any, *words: Any) -> Any:
        return original(self, *words)

    monkeypatch.setattr(HashedFilesMixin, "url_converter", url_converter)
    assert project.hashed(SITE, known=project.known).learned is None
    assert project.rewritten == EVERYTHING


def test_another_static_url_and_other_options_have_all_files_rewritten(project: Project) -> None:
    project.again(SITE)
    known = project.known
    assert project.again(SITE, find_needed=False) == EVERYTHING
    project.known = known
    with override_settings(STATIC_URL="/elsewhere/"):
        assert project.again(SITE) == EVERYTHING


def test_the_code_that_rewrites_files_is_part_of_the_fingerprint() -> None:
    names = {file.name for file in reuse._code()}
    assert {"hashing.py", "patterns.py", "references.py", "reuse.py", "storage.py"} <= names


@pytest.mark.parametrize("what", ["Django", "Python", "the code"])
def test_another_version_has_all_files_rewritten(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    project.again(SITE)
    if what == "the code":
        changed = tmp_path / "changed.py"
        changed.touch()
        code = reuse._code()
        monkeypatch.setattr(reuse, "_code", lambda: [*code, changed])
    elif what == "Django":
        monkeypatch.setattr("django.get_version", lambda: "5.2.999")
    else:
        monkeypatch.setattr("sys.version_info", (3, 11, 999))
    assert project.again(SITE) == EVERYTHING


# --- A wrong cache --------------------------------------------------------------------------------


def test_swapped_results_are_found_when_their_files_are_rendered(project: Project) -> None:
    project.again(SITE)

    def swap(learned: Learned) -> Learned:
        entries = dict(learned.details.rewritten)
        one, other = entries["css/base.css"], entries["css/alone.css"]
        entries["css/base.css"] = one._replace(result=other.result)
        results = {**learned.summary.results, "css/base.css": other.result}
        return Learned(
            learned.summary._replace(results=results),
            learned.details._replace(rewritten=entries),
        )

    project.change(swap)
    # The second time, with the details: the files that import it have another name for it, so they
    # are rewritten.
    for tree, again in (
        (SITE, set()),
        ({**SITE, "new.png": b"new"}, {"css/site.css", "css/print.css"}),
    ):
        made = project.hashed(tree, known=project.known)
        assert project.rewritten == again
        assert made.render
        with pytest.raises(StaleCache):
            made.render(["css/base.css"])


def test_a_result_that_is_left_out_is_found_too(project: Project) -> None:
    """Otherwise the source would be sent under a name with its own hash."""
    project.again(SITE)
    project.change(lambda found: found._replace(summary=found.summary._replace(results={})))
    made = project.hashed(SITE, known=project.known)
    assert made.render
    with pytest.raises(StaleCache):
        made.render(["css/site.css"])


def test_results_of_files_that_are_not_rewritten_are_not_used(project: Project) -> None:
    project.again(SITE)
    results = dict.fromkeys([*SITE, *_NOWHERE], "0" * 32)
    project.change(lambda found: found._replace(summary=found.summary._replace(results=results)))
    made = project.hashed(SITE, known=project.known)
    assert made.names.keys() == SITE.keys()
    assert {name for name, hashed in made.names.items() if ".000000000000." in hashed} == EVERYTHING


_NOWHERE = ("../../etc/passwd", "/etc/passwd", "none.js")


@pytest.mark.parametrize(
    "wrong",
    [
        {"aliased": _NOWHERE},
        {"needed": frozenset(_NOWHERE)},
        {"missing": {"../../etc/passwd": ((1, "url(x)", "x"),)}},
    ],
)
def test_names_in_a_summary_that_are_no_static_files_lead_nowhere(
    project: Project, wrong: dict[str, Any]
) -> None:
    project.again(SITE)
    project.change(lambda found: found._replace(summary=found.summary._replace(**wrong)))
    made = project.hashed(SITE, known=project.known)
    fresh = project.hashed(SITE)
    assert (made.names, made.aliases, made.needed) == (fresh.names, fresh.aliases, fresh.needed)


def test_targets_in_the_details_that_are_no_static_files_are_not_needed(project: Project) -> None:
    project.again(SITE)

    def mislead(learned: Learned) -> Learned:
        entries = {
            name: entry._replace(plain=Scan(_NOWHERE))
            for name, entry in learned.details.rewritten.items()
        }
        return learned._replace(details=learned.details._replace(rewritten=entries))

    project.change(mislead)
    assert project.hashed({**SITE, "new.png": b""}, known=project.known).needed <= SITE.keys()


def test_damaged_details_are_reported_and_not_used(project: Project) -> None:
    project.again(SITE)
    fresh = project.hashed(SITE)
    assert fresh.learned
    summary = serialized(fresh.learned).partition(b"\n")[0]
    said: list[str] = []
    project.known = Known(summary + b"\n[]", said.append)
    assert project.again({**SITE, "new.png": b""}) == EVERYTHING
    assert said == ["it has another shape"]


def test_a_fingerprint_of_nothing_fits_no_storage_without_one(project: Project) -> None:
    project.again(SITE)
    project.change(lambda found: found._replace(summary=found.summary._replace(fingerprint="")))
    assert project.hashed(SITE, rules=Keys, known=project.known).learned is None
    assert project.rewritten == EVERYTHING
    project.change(lambda found: found._replace(summary=found.summary._replace(tree="")))
    project.hashed(SITE, rules=Keys, known=project.known)
    assert project.rewritten == EVERYTHING


def test_a_file_that_cannot_be_rewritten_after_all_is_found(project: Project) -> None:
    """Hashing it without the cache then says what is wrong with it."""
    project.again(SITE)
    broken = {**SITE, "css/latin.css": b".\xfc { }"}
    files = {name: LocalFile("", len(data), md5(data)) for name, data in broken.items()}
    project.change(
        lambda found: found._replace(summary=found.summary._replace(tree=tree_digest(files)))
    )
    made = project.hashed(broken, known=project.known)
    assert made.render
    with pytest.raises(StaleCache):
        made.render(["css/latin.css"])


# --- Any tree and any edits -----------------------------------------------------------------------

_NAMES = ["a.css", "b.css", "x/a.css", "x/b.js", "c.js", "x/d.png", "e.png", "p.html", "x/LICENSE"]
_LINES = [
    '@import "{}";',
    ".a {{ background: url({}) }}",
    ".a {{ background: url('{}?v=1') }}",
    ".a {{ background: url({}?#iefix) }}",
    "/* url({}) */",
    '.a {{ background: image-set("{}" 1x) }}',
    "/*# sourceMappingURL={} */",
    "//# sourceMappingURL={}",
    'import "./{}";',
    'import x from "./{}";',
    'new Worker("{}");',
    '<img src="{}">',
]


@st.composite
def _contents(draw: st.DrawFn, name: str) -> bytes:
    lines = [f"/* {draw(st.integers(0, 2))} */"]
    for target in draw(st.lists(st.sampled_from([*_NAMES, "x", "no.css"]), max_size=3)):
        up = "../" * name.count("/")
        lines.append(draw(st.sampled_from(_LINES)).format(up + target))
    return "\n".join(lines).encode()


@st.composite
def _versions(draw: st.DrawFn) -> list[Tree]:
    """A tree, and versions of it: files are added, changed and deleted from one to the next."""
    tree: Tree = {}
    versions = []
    for number in range(draw(st.integers(2, 4))):
        edited = draw(st.lists(st.sampled_from(_NAMES), max_size=9 if not number else 3))
        tree = {
            **tree,
            **{name: draw(_contents(name)) for name in edited},
        }
        deleted = draw(st.lists(st.sampled_from(_NAMES), max_size=2)) if number else []
        tree = without(tree, *deleted)
        versions.append(tree)
    return versions


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_versions(), st.sampled_from([ManifestStaticFilesStorage, Modules]), st.booleans())
def test_with_what_is_known_any_tree_is_as_without_it(
    versions: list[Tree], rules: Rules, find_needed: bool
) -> None:
    with tempfile.TemporaryDirectory(prefix="reuse-") as folder:
        project = Project(Path(folder))
        for number, tree in enumerate(versions):
            options: dict[str, Any] = {"rules": rules, "find_needed": find_needed}
            try:
                project.hashed(tree, **options)
            except HashingError as error:
                event("a circle")
                with pytest.raises(HashingError) as raised:
                    project.hashed(tree, known=project.known, **options)
                assert str(raised.value) == str(error)
                continue
            had = project.known is not None
            again = project.again(tree, **options)
            texts = {name for name in tree if name.endswith((".css", ".js"))}
            event(f"version {number}: reused {len(texts - again) if had else 'nothing yet'}")
