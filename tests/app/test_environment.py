"""What the site reports about its environment: everything at once, by name, and never a secret."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import envfile, environment
from backend.environment import EnvironmentProblem
from scripts import envfile as envfile_writer

APP = Path(environment.__file__).resolve().parent.parent
KEY = "c2VjcmV0LWtleS1vZi10aGUtYWNjb3VudC10aGF0LW1heS1ub3QtYmUtc2hvd24="
GOOD = {
    "AZURE_ACCOUNT_NAME": "djangoaccountstorage",
    "AZURE_ACCOUNT_KEY": KEY,
    "AZURE_BLOB_ENDPOINT": "https://djangoaccountstorage.blob.core.windows.net/",
    "AZURE_CUSTOM_DOMAIN": "djangoaccountstorage.blob.core.windows.net",
    "AZURE_STATIC_CONTAINER": "static",
    "AZURE_MEDIA_CONTAINER": "media",
    "AZURE_QUARANTINE_CONTAINER": "quarantine",
    "AZURE_MEDIA_ACCESS": "public",
    "AZURE_DIRECT_UPLOAD": "true",
    "DJANGO_SECRET_KEY": "abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJKLMN",
    "DJANGO_ALLOWED_HOSTS": "www.example.com, example.com",
    "DJANGO_ENV_FILE": "/nonexistent/.env",
}


def problem_of(**changes: str | None) -> str:
    variables = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
    with pytest.raises(EnvironmentProblem) as caught:
        environment.load(variables)
    return str(caught.value)


def test_a_good_environment_is_read_with_secure_defaults() -> None:
    env = environment.load(GOOD)
    assert env.account_key == KEY
    assert env.allowed_hosts == ["www.example.com", "example.com"]
    assert not env.debug
    assert not env.behind_proxy
    assert env.database == {"ENGINE": "django.db.backends.sqlite3", "NAME": APP / "db.sqlite3"}


def test_how_long_requests_wait_for_storage_comes_from_the_environment() -> None:
    env = environment.load(GOOD)
    assert (env.request_seconds, env.waiting_requests) == (8, 3)
    more = {"AZURE_REQUEST_SECONDS": "2.5", "AZURE_WAITING_REQUESTS": "15"}
    env = environment.load({**GOOD, **more})
    assert (env.request_seconds, env.waiting_requests) == (2.5, 15)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("AZURE_REQUEST_SECONDS", value) for value in ("0", "0.0", "-1", "inf", "1e3", "8 s")),
        *(("AZURE_WAITING_REQUESTS", value) for value in ("0", "-1", "2.5", "many")),
    ],
)
def test_a_wait_that_means_nothing_is_refused_with_an_example(name: str, value: str) -> None:
    assert f"{name} is {value!r}; it has to be: a " in problem_of(**{name: value})


@pytest.mark.parametrize("name", [*environment.CONTRACT, "DJANGO_SECRET_KEY"])
def test_each_name_that_is_missing_or_empty_is_named(name: str) -> None:
    assert f"{name} is missing." in problem_of(**{name: None})
    assert f"{name} is empty." in problem_of(**{name: ""})
    assert f"{name} is empty." in problem_of(**{name: "  "})


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("AZURE_ACCOUNT_NAME", "Django_Account", "3 to 24 lower-case letters and digits"),
        ("AZURE_ACCOUNT_NAME", "ab", "3 to 24 lower-case letters and digits"),
        ("AZURE_ACCOUNT_NAME", "a" * 25, "3 to 24 lower-case letters and digits"),
        ("AZURE_ACCOUNT_KEY", "not base64!", "base64"),
        ("AZURE_ACCOUNT_KEY", "abcde", "base64"),
        ("AZURE_BLOB_ENDPOINT", "djangoaccountstorage.blob.core.windows.net", "http or https URL"),
        ("AZURE_BLOB_ENDPOINT", "ftp://host/", "http or https URL"),
        ("AZURE_BLOB_ENDPOINT", "https://host:99999/", "http or https URL"),
        ("AZURE_BLOB_ENDPOINT", "https://host/?comp=list", "http or https URL"),
        ("AZURE_BLOB_ENDPOINT", "https://[::1/", "http or https URL"),
        ("AZURE_CUSTOM_DOMAIN", "https://cdn.example.com", "without https://"),
        ("AZURE_CUSTOM_DOMAIN", "cdn.example.com/", "without a slash at the end"),
        ("AZURE_CUSTOM_DOMAIN", "cdn.example.com?x", "a host"),
        ("AZURE_STATIC_CONTAINER", "Static", "3 to 63"),
        ("AZURE_STATIC_CONTAINER", "sta--tic", "3 to 63"),
        ("AZURE_MEDIA_CONTAINER", "-media", "3 to 63"),
        ("AZURE_MEDIA_CONTAINER", "m" * 64, "3 to 63"),
        ("AZURE_MEDIA_CONTAINER", "media\n", "3 to 63"),
        ("AZURE_QUARANTINE_CONTAINER", "Quarantine", "3 to 63"),
        ("AZURE_MEDIA_ACCESS", "blob", "public or private"),
        ("AZURE_DIRECT_UPLOAD", "on?", "true or false"),
        ("DJANGO_DEBUG", "maybe", "true or false"),
        ("DJANGO_BEHIND_PROXY", "2", "true or false"),
        ("DJANGO_ALLOWED_HOSTS", "https://www.example.com", "host names without scheme"),
        ("DJANGO_ALLOWED_HOSTS", "a.example.com,,b.example.com", "host names without scheme"),
        ("DJANGO_CSRF_TRUSTED_ORIGINS", "www.example.com", "scheme and host"),
        ("DATABASE_URL", "db.sqlite3", "it has to be: a URL"),
        ("DATABASE_URL", "oops://user:hunter2@host/db", "it has to be: a URL"),
        ("DJANGO_SECRET_KEY", "short", "at least 50"),
    ],
)
def test_a_malformed_value_is_named_with_its_rule(name: str, value: str, rule: str) -> None:
    text = problem_of(**{name: value})
    (line,) = [line for line in text.splitlines() if line.startswith("  - ")]
    assert line.startswith(f"  - {name} ")
    assert rule in line


def test_all_problems_come_at_once_with_the_commands_that_fix_them() -> None:
    text = problem_of(
        AZURE_ACCOUNT_NAME="X", AZURE_MEDIA_ACCESS=None, DJANGO_SECRET_KEY=None, DJANGO_DEBUG="y?"
    )
    for name in ("AZURE_ACCOUNT_NAME", "AZURE_MEDIA_ACCESS", "DJANGO_SECRET_KEY", "DJANGO_DEBUG"):
        assert f"  - {name} " in text
    assert "pulumi stack output --shell --show-secrets > app/.env" in text
    assert "make env" in text
    assert "secrets.token_urlsafe" in text


@pytest.mark.parametrize("printed", ["[secret]", r"\[secret]"])
def test_a_key_that_was_printed_as_secret_has_a_sentence_of_its_own(printed: str) -> None:
    text = problem_of(AZURE_ACCOUNT_KEY=printed)
    assert "AZURE_ACCOUNT_KEY is the text '[secret]'" in text
    assert "without --show-secrets" in text


def test_a_variable_with_the_name_of_a_parameter_of_the_library_changes_nothing() -> None:
    odd = {"_env_file": "/nonexistent", "_cli_parse_args": "true", "_": "x", "secret_key": "x"}
    assert environment.load({**GOOD, **odd}) == environment.load(GOOD)


def test_an_empty_optional_value_means_the_default() -> None:
    names = ("AZURE_AUTH_MODE", "AZURE_REQUEST_SECONDS", "DJANGO_DEBUG", "DATABASE_URL")
    env = environment.load({**GOOD, **dict.fromkeys(names, "")})
    assert env == environment.load(GOOD)


@pytest.mark.parametrize("value", ["true", "True", "1", "yes", "on", "false", "0", "No", "OFF"])
def test_a_boolean_is_read_in_every_usual_spelling(value: str) -> None:
    env = environment.load({**GOOD, "DJANGO_BEHIND_PROXY": value})
    assert env.behind_proxy == (value.lower() in {"true", "1", "yes", "on"})


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("AZURE_ACCOUNT_KEY", "hunter2-not-base64", "hunter2"),
        ("AZURE_ACCOUNT_NAME", KEY, KEY),
        ("AZURE_BLOB_ENDPOINT", "AccountName=x;AccountKey=aHVudGVyMg==", "aHVudGVyMg"),
        ("DATABASE_URL", "oops://user:hunter2@host/db", "hunter2"),
        ("DATABASE_URL", "//user:hunter2@host/db", "hunter2"),
        ("DJANGO_SECRET_KEY", "hunter2", "hunter2"),
    ],
)
def test_no_secret_is_shown_not_even_in_the_wrong_place(
    name: str, value: str, hidden: str, recwarn: pytest.WarningsRecorder
) -> None:
    assert hidden not in problem_of(**{name: value})
    assert hidden not in "".join(str(warning.message) for warning in recwarn)


def test_hosts_are_only_required_while_debug_is_off() -> None:
    assert "DJANGO_ALLOWED_HOSTS is missing" in problem_of(DJANGO_ALLOWED_HOSTS=None)
    debugging = {**GOOD, "DJANGO_DEBUG": "True"}
    del debugging["DJANGO_ALLOWED_HOSTS"]
    assert environment.load(debugging).allowed_hosts == []


def test_a_dollar_sign_in_a_secret_is_no_reference_to_another_name() -> None:
    secret = "$AZURE_ACCOUNT_NAME" + r"\$a$" + "x" * 50
    assert environment.load({**GOOD, "DJANGO_SECRET_KEY": secret}).secret_key == secret


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=plain", "plain"),
        ("NAME='in single quotes'", "in single quotes"),
        ('NAME="in double \\"quotes\\""', 'in double "quotes"'),
        ("NAME='it\\'s'", "it's"),
        ('NAME="it\'s"', "it's"),
        ("NAME=\\[secret]", "\\[secret]"),
        ("NAME=abc+/def==", "abc+/def=="),
        ("export NAME=x", "x"),
        ("NAME='a#b' # why", "a#b"),
        ("NAME=a#b", "a#b"),
        ("NAME=", ""),
        ("NAME=it's", "it's"),
        ("NAME=two words", "two words"),
        ("NAME=first\nNAME=second", "second"),
        ("\ufeffNAME=from Windows\r", "from Windows"),
        ("NAME=plain  # why", "plain"),
        ("NAME=plain\t# it's why", "plain"),
        ("NAME=two words # why", "two words"),
        ("NAME=it's # why", "it's"),
        ("NAME= # why", ""),
        ("NAME=#1", "#1"),
        ("NAME='a # b'", "a # b"),
        ("NAME='a # b' # 'c'", "a # b"),
        ('NAME="a # b"', "a # b"),
        ("NAME=a\\$b", "a\\$b"),
        ("NAME='a\\b'", "a\\b"),
        ("NAME=$HOME/${HOME}$$", "$HOME/${HOME}$$"),
        ('NAME="${HOME:-x}"', "${HOME:-x}"),
        ("NAME = spaced", "spaced"),
        ("NAME=a\u2028b", "a\u2028b"),
        ("$NAME = 'of ''PowerShell'' # 1'", "of 'PowerShell' # 1"),
        ("$NAME = 'a\\$b'  # why", "a\\$b"),
        ("$NAME = 'ends in \\'", "ends in \\"),
    ],
)
def test_a_line_of_the_file_is_read_by_python_dotenv_without_expanding_anything(
    tmp_path: Path, line: str, value: str
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{line}\n# NAME=comment\n", encoding="utf-8")
    assert envfile.read(file) == {"NAME": value}


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30))
@settings(max_examples=300, deadline=None, database=None)
def test_every_value_that_make_env_or_pulumi_on_windows_writes_is_read_back(value: str) -> None:
    lines = [envfile_writer.merged("", {"NAME": value}, {})]
    lines.append("$NAME = '" + value.replace("'", "''") + "'")
    with tempfile.TemporaryDirectory() as folder:
        for line in lines:
            file = Path(folder) / ".env"
            file.write_text(f"{line}\n", encoding="utf-8")
            assert envfile.read(file) == {"NAME": value}, line


@given(st.text(st.sampled_from('abcXYZ019+/=:.,_-@~#${}[]()&;|<>*?! "'), min_size=1))
@settings(max_examples=200, deadline=None, database=None)
def test_a_value_without_backslash_or_quote_is_read_as_a_shell_quotes_it(value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ".env"
        file.write_text(f"NAME={shlex.quote(value)}\n")
        assert envfile.read(file) == {"NAME": value}


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell to compare with")
@pytest.mark.parametrize(
    "assigned", ["plain # why", "a#b", "#1", r"'a\b'", '"a b"', "''", " # why", "x#y  #z"]
)
def test_a_value_is_what_a_shell_makes_of_it(tmp_path: Path, assigned: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"NAME={assigned}\n")
    shell = ["sh", "-c", '. "$1"; printf %s "$NAME"', "sh", str(file)]
    assert envfile.read(file)["NAME"] == subprocess.check_output(shell, text=True)


def test_a_line_that_cannot_be_read_is_logged_by_its_number_and_not_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / ".env"
    file.write_text("FIRST=1\nNAME='hunter2' and more'\nLAST=3\n")
    assert envfile.read(file) == {"FIRST": "1", "LAST": "3"}
    assert "line 2" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_file_that_windows_powershell_wrote_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes("$NAME = 'größe'\r\n$OTHER = 'x'\r\n".encode("utf-16"))
    assert envfile.read(file) == {"NAME": "größe", "OTHER": "x"}


@pytest.mark.parametrize("part", ["'", '"', "\\", " ", "a", " #", " a", "'\"", "''", '"\\'])
def test_a_long_line_is_read_in_linear_time(tmp_path: Path, part: str) -> None:
    file = tmp_path / ".env"
    line = part * (500_000 // len(part))
    file.write_text(f"NAME={line}\n$OTHER={line}\n{line}\n")
    begun = time.process_time()
    envfile.read(file)
    # Quadratic work would take minutes; the bound leaves room for a slow machine.
    assert time.process_time() - begun < 20


def test_the_block_of_the_readme_is_taken_as_it_stands(tmp_path: Path) -> None:
    readme = (APP.parent / "README.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "DATABASE_URL" in b]
    values = {"DJANGO_SECRET_KEY=…": "k" * 60, "postgres://…": "postgres://u:p@h/site"}
    for shown, value in values.items():
        assert shown in block
        name = "DJANGO_SECRET_KEY=" if shown.startswith("DJANGO") else ""
        block = block.replace(shown, f"{name}{value}")
    file = tmp_path / ".env"
    file.write_text(block, encoding="utf-8")
    stack = {name: value for name, value in GOOD.items() if name.startswith("AZURE_")}
    env = environment.load({**stack, "DJANGO_ENV_FILE": str(file)})
    assert env.secret_key == "k" * 60
    assert env.behind_proxy
    assert env.media_url_seconds == 3600
    assert env.database["NAME"] == "site"


def test_a_comment_that_reached_the_environment_does_not_name_a_database() -> None:
    # `docker run --env-file` passes on everything behind the equals sign.
    commented = "postgres://user:hunter2@host/site  # our db"
    assert "DATABASE_URL is malformed" in problem_of(DATABASE_URL=commented)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "site.env"
    file.write_text("AZURE_STATIC_CONTAINER=of-the-file\nAZURE_MEDIA_CONTAINER='of-the-file'\n")
    variables = {**GOOD, "DJANGO_ENV_FILE": str(file)}
    del variables["AZURE_MEDIA_CONTAINER"]
    env = environment.load(variables)
    assert (env.static_container, env.media_container) == ("static", "of-the-file")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert str(tmp_path) in problem_of(DJANGO_ENV_FILE=str(tmp_path))
    (tmp_path / "latin").write_bytes(b"NAME=\xff")
    assert "not UTF-8" in problem_of(DJANGO_ENV_FILE=str(tmp_path / "latin"))


def run_manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, APP / "manage.py", *arguments],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [["check"], ["migrate"], ["runserver", "--noreload"]])
def test_manage_py_shows_the_problem_without_a_traceback(command: list[str]) -> None:
    done = run_manage(*command, DJANGO_ENV_FILE="/nonexistent/.env")
    assert done.returncode == 1
    assert done.stderr.startswith("The site's settings are not complete:")
    assert "Traceback" not in done.stderr


def test_the_deployment_check_has_nothing_to_say_while_debug_is_off() -> None:
    nobody = {"AZURE_BLOB_ENDPOINT": "http://127.0.0.1:9/djangoaccountstorage/"}
    done = run_manage("check", "--deploy", "--fail-level", "WARNING", **{**GOOD, **nobody})
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("access", "direct", "media"),
    [
        ("public", "true", "https://cdn.example.com/media/"),
        # Front Door does not serve what is private, and a signature is good at the account only.
        ("private", "false", "https://djangoaccountstorage.blob.core.windows.net/media/"),
    ],
)
def test_the_settings_follow_the_stack(access: str, direct: str, media: str) -> None:
    stack = {
        "AZURE_CUSTOM_DOMAIN": "cdn.example.com",
        "AZURE_MEDIA_ACCESS": access,
        "AZURE_DIRECT_UPLOAD": direct,
        "AZURE_QUARANTINE_CONTAINER": "unchecked",
    }
    names = ("AZURE_MEDIA_ACCESS", "MEDIA_URL", "AZURE_QUARANTINE_CONTAINER", "AZURE_DIRECT_UPLOAD")
    shown = f"from backend import settings as s; print(*(getattr(s, n) for n in {names}))"
    loaded = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=APP,
        env={**GOOD, **stack, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.split() == [access, media, "unchecked", direct.capitalize()]
