"""The command keeps Django's flags, wording and closing line."""

from __future__ import annotations

import os
import re

import pytest

from tests.faults import Fault, FaultProxy, Rule
from tests.publish.conftest import MakeSite
from tests.publish.container import HISTORY, MANIFEST, Container
from tests.publish.site import Finished, Site
from tests.publish.terminal import on_a_terminal
from tests.publish.trees import small_tree

# A publish that does not wait for the list of the container before it hashes the files.
_IMPATIENT = """
from azureblob.management.commands import collectstatic
from django.core.management import call_command

collectstatic._LISTING_SECONDS = 0.0
call_command("collectstatic", interactive=False)
"""


def refused(ended: Finished, site: Site) -> str:
    """The text of an error: status 1, no traceback, no key, nothing on standard output."""
    assert ended.code == 1
    assert ended.err.startswith("CommandError: ")
    assert "Traceback" not in ended.err
    assert site.container.key not in ended.err
    assert ended.out == ""
    return ended.err


def sent_nothing(proxy: FaultProxy) -> bool:
    return all(record.method == "GET" for record in proxy.take())


# --- The closing line -----------------------------------------------------------------------------


def test_the_closing_line_counts_as_djangos_does(site: Site) -> None:
    assert site.publish().well().out == "\n24 static files copied, 24 post-processed.\n"
    site.write({**small_tree(), "img/photo7.png": b"another", "notes/new.txt": b"new"})
    again = site.publish().well().out
    assert again == "\n2 static files copied, 23 unmodified, 25 post-processed.\n"


def test_plain_names_are_not_post_processed(site: Site) -> None:
    options = {"hashed_names": False}
    assert site.publish(**options).well().out == "\n24 static files copied.\n"
    assert site.publish(**options).well().out == "\n0 static files copied, 24 unmodified.\n"
    (site.static / "img/photo7.png").write_bytes(b"x")
    assert site.publish(**options).well().out == "\n1 static file copied, 23 unmodified.\n"


def test_a_project_without_static_files_publishes_an_empty_manifest(
    site: Site, container: Container
) -> None:
    site.write({})
    assert site.publish().well().out == "\n0 static files copied.\n"
    assert container.paths() == {}
    assert container.get(MANIFEST).status == 200


# --- Verbosity ------------------------------------------------------------------------------------


def test_verbosity_0_prints_nothing(site: Site) -> None:
    ended = site.publish("-v", "0").well()
    assert (ended.out, ended.err) == ("", "")


def test_verbosity_2_names_each_file_and_why_it_was_sent(site: Site, container: Container) -> None:
    first = site.publish("-v", "2", hashed_names=False).well()
    lines = first.out.strip().splitlines()
    assert sorted(lines[:-2]) == sorted(f"Sent '{name}' (new)" for name in small_tree())
    (site.static / "css/part0.css").write_bytes(b"p { color: blue }")
    with container.client() as client:
        client.delete_blob("js/part0.js")
    headers = {"img/photo1.png": {"Cache-Control": "no-cache"}}
    second = site.publish("-v", "3", hashed_names=False, headers=headers).well()
    lines = [
        line for line in second.out.splitlines() if line.startswith(("Sent", "Set the headers"))
    ]
    assert sorted(lines) == [
        "Sent 'css/part0.css' (changed)",
        "Sent 'js/part0.js' (new)",
        "Set the headers of 'img/photo1.png' (Cache-Control was 'public, max-age=300')",
    ]
    assert second.out.count("Skipping '") == 21
    assert "Skipping 'img/photo0.png' (not modified)\n" in second.out


# --- Flags ----------------------------------------------------------------------------------------


def test_a_dry_run_sends_nothing_and_names_what_it_would_send(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    ended = site.publish("--dry-run").well()
    assert ended.counts == (24, 0, 24)
    assert len(re.findall(r"^Pretending to send '.*' \(new\)$", ended.out, re.M)) == 24
    assert [record.method for record in proxy.take()] == ["GET"]
    assert container.blobs() == {}
    site.publish().well()
    site.write(small_tree(1))
    before = container.blobs()
    proxy.take()
    again = site.publish("-n", "--clear", immutable="public, immutable").well()
    assert "Pretending to send 'img/photo4." in again.out
    assert sent_nothing(proxy)
    assert {name: blob.etag for name, blob in container.blobs().items()} == {
        name: blob.etag for name, blob in before.items()
    }


def test_a_dry_run_of_headers_says_so(site: Site, proxy: FaultProxy) -> None:
    site.publish(hashed_names=False).well()
    proxy.take()
    ended = site.publish("-n", hashed_names=False, cache_control="no-cache").well()
    assert ended.out.count("Pretending to set the headers of '") == 24
    assert sent_nothing(proxy)


def test_clear_sends_all_anew_and_deletes_plain_names_that_are_no_static_files(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    old = set(container.paths().values())
    site.write(small_tree(1))
    container.put("gone/old.css", b"old")
    container.put("odd.0123456789ab.css", b"only looks hashed")
    with container.client() as client:
        client.get_blob_client("gone/old.css").create_snapshot()
    proxy.take()
    ended = site.publish("--clear").well()
    assert ended.counts == (24, 0, 24)
    assert "Deleting 'gone/old.css'\n" in ended.out
    records = proxy.take()
    assert len([r for r in records if r.method == "PUT" and not r.comp]) == 24 + 3
    deleted = {record.path.split("/", 3)[3] for record in records if record.method == "DELETE"}
    assert deleted == {"gone/old.css", "odd.0123456789ab.css"}
    # Neither files that an open page may use, nor the history that prunestatic needs.
    names = container.blobs().keys()
    assert old <= names
    assert len([name for name in names if name.startswith(HISTORY + MANIFEST + "/20")]) == 2
    container.holds(site.expected())


def test_ignored_files_are_not_published(site: Site, container: Container) -> None:
    site.write({**small_tree(), ".hidden": b"1", "css/back~": b"2", "CVS/x": b"3"})
    assert site.publish("-i", "notes", "--ignore", "part*.js*").well().counts == (16, 0, 16)
    assert not [name for name in container.paths() if name.startswith(("notes/", "js/", "."))]
    assert site.publish("--no-default-ignore").well().counts[2] == 27


def test_without_post_processing_names_stay_plain_and_the_manifest_as_it_was(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    before = container.get(MANIFEST).raw
    site.write(small_tree(1))
    proxy.take()
    ended = site.publish("--no-post-process").well()
    assert ended.out == "\n24 static files copied.\n"
    for name, content in small_tree(1).items():
        answer = container.get(name)
        assert answer.body == content
        assert answer.headers["cache-control"] == "public, max-age=300"
    assert container.get(MANIFEST).raw == before
    assert not [record for record in proxy.take() if record.path.endswith(MANIFEST)]


def test_links_are_refused_as_by_django(site: Site, proxy: FaultProxy) -> None:
    message = refused(site.publish("--link"), site)
    assert message == "CommandError: Can't symlink to a remote destination.\n"
    assert proxy.take() == []


def test_all_of_djangos_flags_are_there(site: Site) -> None:
    ours, theirs = (
        site.run(
            "from django.core.management import load_command_class as load\n"
            f"command = load('{app}', 'collectstatic')\n"
            "parser = command.create_parser('manage.py', 'collectstatic')\n"
            "print(sorted(o for a in parser._actions for o in a.option_strings))\n"
        ).well()
        for app in ("azureblob", "django.contrib.staticfiles")
    )
    own = "'--no-cache', "
    assert own in ours.out and own not in theirs.out
    assert ours.out.replace(own, "") == theirs.out
    assert "--no-post-process" in ours.out


# --- The question ---------------------------------------------------------------------------------


def test_without_the_answer_yes_nothing_is_published(site: Site, proxy: FaultProxy) -> None:
    seen = on_a_terminal(site, "collectstatic", answer="no\n")
    assert seen.code == 1
    assert "You have requested to collect static files at the destination" in seen.left
    assert "This will overwrite existing files!" in seen.left
    assert "Collecting static files cancelled." in seen.raw
    assert "Traceback" not in seen.raw
    assert proxy.take() == []


def test_with_the_answer_yes_the_files_are_published(site: Site, container: Container) -> None:
    seen = on_a_terminal(site, "collectstatic", answer="yes\n")
    assert seen.code == 0
    assert seen.left[-1] == "24 static files copied, 24 post-processed."
    container.holds(site.expected())


def test_where_nobody_can_be_asked_it_says_which_flag_is_missing(
    site: Site, proxy: FaultProxy
) -> None:
    ended = site.manage("collectstatic")
    assert ended.code == 1
    assert "--noinput" in ended.err
    assert "Traceback" not in ended.err
    assert proxy.take() == []


# --- Discovery ------------------------------------------------------------------------------------


def test_the_first_of_two_files_of_one_name_counts_and_the_other_is_reported(
    site: Site, container: Container
) -> None:
    other = site.folder / "other"
    for name in ("css/part1.css", "only.txt"):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_bytes(b"of the other folder")
    third = site.folder / "third"
    third.mkdir()
    (third / "part1.css").write_bytes(b"of the third folder")
    site.settings["STATICFILES_DIRS"] = [str(site.static), str(other), ["pre/fix", str(third)]]
    ended = site.publish("-v", "1").well()
    assert ended.counts[0] == 26
    assert "Found another file with the destination path 'css/part1.css'." in ended.out
    assert site.publish("-v", "0").well().out == ""
    paths = container.paths()
    assert container.get(paths["css/part1.css"]).body != b"of the other folder"
    assert container.get(paths["pre/fix/part1.css"]).body == b"of the third folder"


def test_files_that_cannot_be_read_are_all_named_and_nothing_is_sent(
    site: Site, proxy: FaultProxy
) -> None:
    for name in ("broken.css", "img/broken.png"):
        (site.static / name).symlink_to(site.folder / "nowhere")
    message = refused(site.publish(), site)
    assert f"    {site.static}/broken.css: No such file or directory\n" in message
    assert f"    {site.static}/img/broken.png: No such file or directory\n" in message
    assert sent_nothing(proxy)


def test_a_service_that_hangs_does_not_delay_what_is_wrong_with_the_files(
    site: Site, proxy: FaultProxy
) -> None:
    """The container is listed meanwhile, and would be tried again for two minutes."""
    proxy.rules = [Rule(comp="list", fault=Fault.HANG)]
    link = site.static / "broken.css"
    link.symlink_to(site.folder / "nowhere")
    assert "broken.css: No such file" in refused(site.publish(), site)
    link.unlink()
    site.write({"a.css": b".a { background: url(none.png) }"})
    assert "there is no static file none.png" in refused(site.publish(), site)


def test_files_that_are_hashed_before_the_container_is_listed_are_published_the_same(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    site.write({**small_tree(), "css/new.css": b".a { background: url(../img/photo0.png) }"})
    proxy.rules = [Rule(comp="list", delay=1000)]
    assert site.run(_IMPATIENT).well().counts[0] > 0
    container.holds(site.expected())
    assert site.run(_IMPATIENT).well().counts[0] == 0
    assert site.publish().well().counts[0] == 0


def test_what_is_wrong_with_the_files_comes_before_what_is_wrong_with_the_service(
    site: Site, proxy: FaultProxy
) -> None:
    proxy.rules = [Rule(comp="list", status=403)]
    site.write({"a.css": b".a { background: url(none.png) }"})
    assert "there is no static file none.png" in refused(site.publish(), site)
    site.write({"a.css": b".a { }"})
    assert "Storage Blob Data Contributor" in refused(site.publish(), site)


# --- Mistakes -------------------------------------------------------------------------------------


def test_a_wrong_key_is_reported_and_shown_nowhere(site: Site) -> None:
    for key, message in (
        ("not base64!", "The account key is not base64. Set AZURE_ACCOUNT_KEY to"),
        ("d3Jvbmc=", "the key is not its own"),
    ):
        site.settings["AZURE_ACCOUNT_KEY"] = key
        err = refused(site.publish(), site)
        assert message in err
        assert key not in err
        assert "Signature" not in err
        assert "sig=" not in err


def test_a_missing_container_is_reported_with_what_to_do(site: Site) -> None:
    err = refused(site.publish(azure_container="nowhere"), site)
    assert (
        "ContainerNotFound: there is no such container. Create it (az storage container create "
        f"--blob-endpoint http://127.0.0.1:{site.port}/publishing/ --account-name publishing "
        "--name nowhere), then try again."
    ) in err
    (site.folder / "own.py").write_text(
        "from azureblob.advice import Advice\n\n\n"
        "class Own(Advice):\n"
        "    def create_container(self, container=''):\n"
        "        return f'Ask the platform team for {container}'\n"
    )
    site.settings["AZUREBLOB_ADVICE"] = "own.Own"
    err = refused(site.publish(azure_container="nowhere"), site)
    assert "there is no such container. Ask the platform team for nowhere, then try again." in err


def test_a_publish_that_works_loads_neither_advice_nor_azures_sdk(site: Site) -> None:
    """Loading them would only delay the start."""
    site.settings["AZUREBLOB_ADVICE"] = "own.Missing"
    done = site.run(
        "import sys\n"
        "from django.core.management import call_command\n"
        "call_command('collectstatic', interactive=False)\n"
        "print([m for m in sys.modules if m.startswith(('azureblob.advice', 'azure.'))])",
        fresh=True,
    ).well()
    assert done.err == ""
    assert done.out.splitlines()[-1] == "[]"


def test_a_wrong_advice_class_is_reported_and_does_not_hide_the_failure(site: Site) -> None:
    site.settings["AZUREBLOB_ADVICE"] = "own.Missing"
    ended = site.publish(azure_container="nowhere")
    logged, failure = ended.err.splitlines()
    assert logged.startswith("AZUREBLOB_ADVICE is 'own.Missing'. It must be the dotted path of ")
    assert failure.startswith("CommandError: ")
    assert "there is no such container. Create it (az storage container create" in failure


def test_a_service_that_does_not_answer_is_reported_with_what_to_check(
    site: Site, proxy: FaultProxy
) -> None:
    proxy.cut()
    err = refused(site.publish(attempts=2), site)
    assert "Blob storage does not answer" in err
    assert "AZURE_BLOB_ENDPOINT" in err


# --- With another storage -------------------------------------------------------------------------


def test_with_another_storage_it_is_djangos_own(make_site: MakeSite) -> None:
    storage = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    results: list[list[tuple[int, str, str]]] = []
    trees = []
    for apps in (["azureblob", "django.contrib.staticfiles"], ["django.contrib.staticfiles"]):
        site = make_site()
        site.settings |= {
            "INSTALLED_APPS": apps,
            "STATIC_ROOT": str(site.folder / "root"),
            "STORAGES": {"staticfiles": {"BACKEND": storage}},
            "STATIC_URL": "/static/",
        }
        runs = [site.publish(*flags) for flags in (["-v", "2"], ["-n"], ["--clear", "-i", "*.txt"])]
        results.append(
            [(run.code, run.out.replace(str(site.folder), "DIR"), run.err) for run in runs]
        )
        root = site.folder / "root"
        trees.append(
            {str(p.relative_to(root)): p.is_dir() or p.read_bytes() for p in root.rglob("*")}
        )
        assert site.container.blobs() == {}
    assert results[0] == results[1]
    assert trees[0] == trees[1]
    assert results[0][0][0] == 0


# --- Other things in static folders than files ----------------------------------------------------


def listed_in_one_sentence(site: Site, proxy: FaultProxy) -> str:
    ended = site.publish()
    assert ended.code == 1
    assert sent_nothing(proxy)
    assert "Traceback" not in ended.err
    assert ended.err.startswith("CommandError: ")
    return ended.err


@pytest.mark.parametrize(
    ("links", "named"),
    [
        ({"loop": "loop"}, "loop"),
        ({"css/a": "b", "css/b": "a"}, "css/"),
        ({"css/up": ".."}, "css/up"),
        ({"css/up": "..", "css/up2": ".."}, "css/up"),
    ],
)
def test_links_that_lead_in_a_circle_are_named(
    site: Site, proxy: FaultProxy, links: dict[str, str], named: str
) -> None:
    for name, target in links.items():
        (site.static / name).symlink_to(target)
    said = listed_in_one_sentence(site, proxy)
    assert said.startswith(
        f"CommandError: The static files cannot be listed: {site.static}/{named}"
    )
    assert "it is a symbolic link that leads back to itself or to a folder that it is in." in said
    assert len(said) < 400
    # As with Django, a link whose name is ignored is not followed; one to a folder is.
    ignored = [flag for name in links for flag in ("--ignore", name.rpartition("/")[2])]
    if named != "loop" and named != "css/":
        site.publish(*ignored).well()


def test_a_link_to_a_folder_elsewhere_is_followed_as_by_django(
    site: Site, container: Container
) -> None:
    (site.folder / "elsewhere").mkdir()
    (site.folder / "elsewhere/far.css").write_text("p{}")
    (site.static / "linked").symlink_to("../elsewhere")
    site.publish().well()
    assert "linked/far.css" in container.paths()
    container.holds(site.expected())


def test_pipes_sockets_and_dangling_links_are_named_and_not_opened(
    site: Site, proxy: FaultProxy
) -> None:
    os.mkfifo(site.static / "pipe.css")
    (site.static / "gone.css").symlink_to("nowhere.css")
    (site.static / "zero.css").symlink_to("/dev/zero")
    said = listed_in_one_sentence(site, proxy)
    assert f"    {site.static}/pipe.css: it is no file, but a device, a pipe or a socket\n" in said
    assert f"    {site.static}/zero.css: it is no file, but a device, a pipe or a socket\n" in said
    assert f"    {site.static}/gone.css: No such file or directory\n" in said


def test_names_that_no_blob_can_have_are_named_with_the_rule(site: Site, proxy: FaultProxy) -> None:
    (site.static / os.fsdecode(b"latin\xe9.css")).write_text("p{}")
    (site.static / "bell\x07.css").write_text("p{}")
    deep = site.static / "/".join(["d" * 200] * 5 + ["e" * 60])
    deep.parent.mkdir(parents=True)
    deep.write_text("x")
    said = listed_in_one_sentence(site, proxy)
    assert "latin\\udce9.css: Azure does not allow U+DCE9 in a name\n" in said
    assert "bell\\x07.css: Azure does not allow U+0007 in a name\n" in said
    assert ": it has 1065 characters, and a blob's name has at most 1024\n" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_named(site: Site, proxy: FaultProxy) -> None:
    (site.static / "css").chmod(0)
    try:
        said = listed_in_one_sentence(site, proxy)
    finally:
        (site.static / "css").chmod(0o700)
    assert f"{site.static}/css: Permission denied." in said
