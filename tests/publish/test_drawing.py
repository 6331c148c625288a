"""The drawing in docs/architecture.md names modules that a static file passes."""

from __future__ import annotations

import json
import re

from tests.conftest import ROOT
from tests.publish.site import Site

_PAGE = ROOT / "docs" / "architecture.md"
_TITLE = "### From a finder to the PUT request\n"
# Prints the modules of the library whose functions a publish calls.
_TRACE = """
import json, sys, threading
from pathlib import Path
import azureblob
from django.core.management import call_command

library = Path(azureblob.__file__).parent
files = set()
def called(frame, event, _):
    if event == "call":
        files.add(frame.f_code.co_filename)
threading.setprofile(called)
sys.setprofile(called)
call_command("collectstatic", interactive=False, verbosity=0)
sys.setprofile(None)
found = [Path(file) for file in files]
print(json.dumps([str(f.relative_to(library)) for f in found if f.is_relative_to(library)]))
"""


def drawn() -> list[str]:
    block = _PAGE.read_text().partition(_TITLE)[2].partition("```")[2].partition("```")[0]
    return re.findall(r"[\w/]+\.py", block)


def test_a_publish_passes_the_modules_of_the_drawing(site: Site) -> None:
    passed = json.loads(site.run(_TRACE, fresh=True).well().out.splitlines()[-1])
    assert set(drawn()) - set(passed) == set()


def test_the_drawing_has_ten_modules_and_each_once() -> None:
    assert len(drawn()) == len(set(drawn())) == 10
