"""Markdown out of a Pulumi preview's text, and out of what others wrote."""

from __future__ import annotations

import re

# GitHub refuses a comment or an issue of more than 65,536 characters.
MOST = 60_000

STEP = re.compile(r"\s*(?P<sign>[-+~]{1,2})\s?(?P<type>[\w.-]+:[\w./-]+:\w+): \((?P<op>[\w-]+)\)")
NAME = re.compile(r"\s*\[urn=.*::(?P<name>.+)\]")
POLICY = re.compile(
    r"\s*\S+@v\S+ \[mandatory\]  (?P<rule>\S+)  \((?P<type>\S+): (?P<name>[^)]+)\)(?P<said>.*)"
)
# What lets strangers read: a level, or the account's switch.
PUBLIC = re.compile(
    r'\s*[~+] (?P<property>publicAccess|allowBlobPublicAccess)\s*: .*("Blob"|"Container"|true)$'
)
LOSSES = {
    "replace": "is replaced: what it holds is lost",
    "create-replacement": "is replaced: what it holds is lost",
    "delete-replaced": "is replaced: what it holds is lost",
    "delete": "is deleted",
}


def risks(text: str) -> list[str]:
    """What a reader should look at twice in the text of `pulumi preview --diff`, worst first."""
    broken, lost, public = [], [], []
    resource, operation = "", ""
    waiting = False
    for line in text.splitlines():
        if policy := POLICY.match(line):
            kind = policy["type"].rpartition(":")[2]
            said = f" ({policy['said'].strip()})" if policy["said"].strip() else ""
            broken.append(
                f"{kind} {code(policy['name'])} breaks the rule {code(policy['rule'])}{said}"
            )
        elif step := STEP.match(line):
            resource, operation, waiting = step["type"].rpartition(":")[2], step["op"], True
        elif waiting and (name := NAME.match(line)):
            resource, waiting = f"{resource} {code(name['name'])}", False
            if operation in LOSSES:
                lost.append(f"{resource} {LOSSES[operation]}")
        elif PUBLIC.match(line) and operation in ("update", "create", "replace"):
            public.append(f"{resource} becomes readable without signing in")
    return list(dict.fromkeys([*broken, *lost, *public]))


def summary(text: str) -> str:
    """The lines under the preview's `Resources:`, in one."""
    _, found, rest = text.rpartition("\nResources:\n")
    lines = rest.split("\n\n")[0].splitlines() if found else []
    counts = [line.strip() for line in lines if re.match(r"\s+[-+~]{0,2}\s?\d+ ", line)]
    return ", ".join(counts)


def fenced(text: str, language: str = "") -> str:
    """A code block that the text cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def code(text: str) -> str:
    """Inline code that the text cannot end."""
    return f"`{text.replace('`', '')}`"


def cut(text: str, note: str, most: int = MOST) -> str:
    """The text, or as many of its lines as fit, with what they opened closed, and a note."""
    if len(text) <= most:
        return text
    kept: list[str] = []
    fence, details, size = "", 0, 0
    for line in text.splitlines():
        # What closes it all has to fit as well.
        size += len(line) + 1
        if size > most - len(note) - 200:
            break
        kept.append(line)
        if opened := re.match(r"(`{3,})", line):
            if not fence:
                fence = opened[1]
            elif line.strip() == fence:
                fence = ""
        elif not fence:
            details += line.count("<details>") - line.count("</details>")
    closing = [fence] if fence else []
    return "\n".join([*kept, *closing, *["", "</details>"] * max(details, 0), "", note])


def harmless(text: str) -> str:
    """Text that notifies nobody: a mention needs its `@` right before the name."""
    return re.sub(r"@(?=\w)", "@\u200b", text)
