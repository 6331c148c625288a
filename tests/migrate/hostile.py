"""A blob service whose container has hostile names."""

from __future__ import annotations

import base64
import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self
from urllib.parse import quote

EVIL = b"evil"


class HostileService:
    """Lists `names`, and sends the same bytes for each. A context manager."""

    def __init__(self, names: list[str]) -> None:
        md5 = base64.b64encode(hashlib.md5(EVIL, usedforsecurity=False).digest()).decode()
        listed = "".join(
            f'<Blob><Name Encoded="true">{quote(name, safe="")}</Name><Properties>'
            f"<Etag>0x1</Etag><Content-Length>{len(EVIL)}</Content-Length>"
            f"<Content-MD5>{md5}</Content-MD5></Properties></Blob>"
            for name in names
        )
        page = f"<EnumerationResults><Blobs>{listed}</Blobs><NextMarker/></EnumerationResults>"
        asked = self.asked = list[str]()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = page.encode() if "comp=list" in self.path else EVIL
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
