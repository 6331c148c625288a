"""Uploads through the form and straight to the account, and prints the URL of each."""

import io
import json
import os
import sys
import urllib.request
from typing import Any

import django

sys.path.insert(0, "")
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()

from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.test import Client  # noqa: E402
from PIL import Image  # noqa: E402

buffer = io.BytesIO()
Image.new("RGB", (40, 30), "teal").save(buffer, "PNG")
picture = buffer.getvalue()
client = Client()

page = client.get("/letter/").content.decode()
print("direct.js" if "direct" in page and ".js" in page else "no script")
upload = SimpleUploadedFile("cat.png", picture, "image/png")
print(client.post("/letter/", {"scan": upload}).content.decode())
refused = SimpleUploadedFile("cat.png", b"<html>", "image/png")
print("refused" if b"errorlist" in client.post("/letter/", {"scan": refused}).content else "taken")


def ask(step: str, **body: object) -> Any:
    answer = client.post(f"/scans/{step}/", json.dumps(body), "application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


grant = ask("begin", files=[{"name": "dog.png", "size": len(picture)}])["files"][0]
headers = {"Content-Type": "application/octet-stream", **grant["headers"]}
request = urllib.request.Request(grant["url"], picture, headers, method="PUT")
urllib.request.urlopen(request, timeout=30).close()
token = ask("finish", id=grant["id"])["token"]
print(client.post("/letter/", {"scan-uploaded": token}).content.decode())
