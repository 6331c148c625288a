from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

BOT = "github-actions[bot]"


class GitHub:
    """As much of GitHub as the scripts talk to, on this machine; `asked` is what they asked for."""

    def __init__(self) -> None:
        self.pulls: list[dict[str, Any]] = []
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.issues: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self._last = 100

    def pull(self, number: int, repository: str, branch: str, sha: str) -> None:
        owner = repository.partition("/")[0]
        head = {"sha": sha, "repo": {"full_name": repository}, "label": f"{owner}:{branch}"}
        self.pulls.append({"number": number, "head": head})

    def comment(self, number: int, body: str, author: str = BOT) -> dict[str, Any]:
        self._last += 1
        made = {"id": self._last, "body": body, "user": {"login": author}}
        self.comments.setdefault(number, []).append(made)
        return made

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        kind, *rest = path.strip("/").split("/")
        if method == "GET":
            return self._page(self._listed(kind, rest, query), query)
        if method == "POST" and rest:
            return self.comment(int(rest[0]), body["body"])
        if method == "POST":
            made = {"number": len(self.issues) + 1, "state": "open", **body}
            self.issues.append({**made, "user": {"login": BOT}})
            return made
        if rest[0] == "comments":
            changed = next(
                each
                for listed in self.comments.values()
                for each in listed
                if each["id"] == int(rest[1])
            )
        else:
            changed = next(each for each in self.issues if each["number"] == int(rest[0]))
        changed.update(body)
        return changed

    def _listed(self, kind: str, rest: list[str], query: dict[str, str]) -> list[dict[str, Any]]:
        if kind == "pulls":
            return [each for each in self.pulls if each["head"]["label"] == query["head"]]
        if rest:
            return self.comments.get(int(rest[0]), [])
        return [
            each
            for each in self.issues
            if each["state"] == query["state"] and each["user"]["login"] == query["creator"]
        ]

    @staticmethod
    def _page(listed: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
        size, page = int(query["per_page"]), int(query["page"])
        return listed[(page - 1) * size : page * size]


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    cloud = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            cloud.tokens.add(self.headers["Authorization"])
            address = urlsplit(self.path)
            path = address.path.removeprefix("/repos/owner/name/")
            cloud.asked.append(f"{self.command} {path}")
            query = {key: values[0] for key, values in parse_qs(address.query).items()}
            length = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            answer = json.dumps(cloud.answer(self.command, path, query, body)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/name")
    monkeypatch.setenv("GH_TOKEN", "a-token-for-this-run")
    monkeypatch.setenv("RUN_URL", "https://github.example/owner/name/actions/runs/7")
    yield cloud
    server.shutdown()
    server.server_close()
    thread.join()
