"""A stack's settings file, read and changed by a YAML parser.

Runs in .venv, which has one. `python scripts/stack_file.py FILE` prints the file's content as JSON,
every scalar as a text; with KEY VALUE after it, the file's text with that setting changed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml


def with_setting(text: str, key: str, value: str) -> str:
    """The text with another value for the setting; comments and all other lines stay.

    A setting may have the project's name before its key, as `pulumi config set` writes it.
    """
    root = yaml.compose(text)
    settings = _entry(root, "config")
    if settings is None:
        return f"{text.rstrip()}\nconfig:\n  {key}: {value}\n".lstrip()
    found = _entry(settings, key)
    if found is not None:
        return text[: found.start_mark.index] + value + text[found.end_mark.index :]
    before, after = text[: settings.start_mark.index], text[settings.start_mark.index :]
    if not isinstance(settings, yaml.MappingNode):  # `config:` with nothing after it
        return f"{before.rstrip()}\n  {key}: {value}\n{after.lstrip()}"
    if settings.flow_style:
        return f"{before}{{{key}: {value}, {after[1:]}"
    return f"{before}{key}: {value}\n{' ' * settings.start_mark.column}{after}"


def _entry(node: yaml.Node | None, key: str) -> yaml.Node | None:
    entries = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in entries if name.value.rpartition(":")[2] == key), None)


def main(file: str, *change: str) -> str:
    text = Path(file).read_text(encoding="utf-8")
    if change:
        return with_setting(text, *change)
    return json.dumps(yaml.load(text, yaml.BaseLoader))  # noqa: S506 - it makes texts only


if __name__ == "__main__":
    try:
        sys.stdout.write(main(*sys.argv[1:]))
    except yaml.YAMLError as error:
        sys.exit(f"it is not YAML: {' '.join(str(error).split())}")
