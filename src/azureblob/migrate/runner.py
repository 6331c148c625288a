"""The three things that can be done with a media folder and a container: send, fetch, verify."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from azureblob.migrate.downloading import Download, Refused, Target
from azureblob.migrate.journal import account
from azureblob.migrate.local_tree import Folder, SourceFile, walk
from azureblob.migrate.names import (
    Unfit,
    blob_path,
    composed,
    file_name,
    folders_of,
    is_below,
    twins,
)
from azureblob.migrate.reader import Item
from azureblob.migrate.report import Kind, Report
from azureblob.migrate.uploading import Upload
from azureblob.migrate.verify import Comparison, compare, mending
from azureblob.progress import Progress
from azureblob.rest.errors import is_fatal, service_error
from azureblob.rest.listing import list_blobs
from azureblob.rest.models import RemoteBlob, Request, quoted
from azureblob.rest.transport import Transport
from azureblob.storage import BlobStorage


@dataclass(frozen=True)
class Migration:
    """What is to be done, and how. `say(text, level)` gets, at level 1, what all should know; all
    that is found goes to the `report`."""

    root: Path
    storage: BlobStorage
    transport: Transport
    report: Report
    say: Callable[[str, int], None]
    dry_run: bool = False
    overwrite: bool = False
    mend: bool = False
    nfc: bool = False
    hidden: bool = False
    quick: bool = False
    quiet: bool = False
    follow: bool = False
    prefix: str = ""

    @property
    def _base(self) -> str:
        """Where the folder is in the container: the storage's location, and `prefix` below it."""
        return "/".join(part for part in (self.storage.location, self.prefix) if part)

    # --- The three --------------------------------------------------------------------------------

    def send(self) -> None:
        """From the folder into the container. Raises BlobServiceError."""
        folder, items = self._found()
        remote = list_blobs(self.transport)
        new = [item for item in items if item.path not in remote]
        known = [item for item in items if item.path in remote]
        mends: list[tuple[Comparison, RemoteBlob]] = []
        for found in self._compared(known, remote):
            item = found.item
            there = remote[item.path]
            if found.failed:
                self._add(Kind.FAILED, item, found.failed)
            elif found.differs and self.overwrite:
                new.append(Item(item.file, item.path, quoted(there.etag)))
            elif found.differs:
                self._add(Kind.CONFLICT, item, found.differs)
            elif found.headers and self.mend:
                mends.append((found, there))
            else:
                self._add(Kind.SAME, item)
        there_then: Iterable[str] = remote.keys() | {item.path for item in new}
        if self.dry_run:
            self._pretend("send", new)
            self._pretend("mend the headers of", [found.item for found, _ in mends])
        else:
            del remote
            self._mend(mends)
            if new:
                with self._progress("Sending", new) as progress:
                    upload = Upload(self.storage, self.transport, self.report, progress)
                    there_then = upload.run(new).keys()
        self._account(there_then, items, folder.hidden)

    def fetch(self) -> None:
        """From the container into the folder. Raises BlobServiceError."""
        remote = list_blobs(self.transport)
        target = Target(self.root)
        missing: list[Item] = []
        present: list[Item] = []
        for item in self._wanted(remote, target):
            try:
                found = os.lstat(target.path(item.file.name))
            except (FileNotFoundError, NotADirectoryError):
                missing.append(item)
                continue
            except (OSError, Refused) as reason:
                self._add(Kind.FAILED, item, getattr(reason, "strerror", None) or str(reason))
                continue
            if stat.S_ISREG(found.st_mode):
                file = SourceFile(item.file.name, item.file.path, found.st_size)
                present.append(Item(file, item.path))
            else:
                self._add(Kind.FAILED, item, "a folder, or no file at all, is in its place")
        for compared in self._compared(present, remote):
            item = compared.item
            if compared.failed:
                self._add(Kind.FAILED, item, compared.failed)
            elif compared.differs and self.overwrite:
                there = remote[item.path]
                file = SourceFile(item.file.name, item.file.path, there.size)
                missing.append(Item(file, item.path, quoted(there.etag)))
            elif compared.differs:
                self._add(Kind.CONFLICT, item, compared.differs)
            else:
                self._add(Kind.SAME, item)
        if self.dry_run:
            self._pretend("fetch", missing)
        elif missing:
            with self._progress("Fetching", missing) as progress:
                Download(target, self.transport, remote, self.report, progress).run(missing)
        self._account(remote, present + missing, ())

    def verify(self) -> None:
        """Whether the container holds what the folder does; changes nothing. Raises
        BlobServiceError."""
        folder, items = self._found()
        remote = list_blobs(self.transport)
        known = [item for item in items if item.path in remote]
        for item in items:
            if item.path not in remote:
                self._add(Kind.DIFFERS, item, "it is not in the container")
        for found in self._compared(known, remote):
            if found.failed:
                self._add(Kind.FAILED, found.item, found.failed)
            elif found.differs:
                self._add(Kind.DIFFERS, found.item, found.differs)
            else:
                self._add(Kind.UNPROVEN if found.unproven else Kind.SAME, found.item)
                if found.headers:
                    self._add(Kind.HEADERS, found.item, found.headers)
        paths = {item.path for item in items}
        for path in remote.keys() - paths:
            if is_below(self._base, path):
                self.report.add(Kind.EXTRA, path, size=remote[path].size)
        self._account(remote, items, folder.hidden)

    # --- Their parts ------------------------------------------------------------------------------

    def _found(self) -> tuple[Folder, list[Item]]:
        """The folder, and of its files those that can be blobs."""
        folder = walk(self.root, hidden=self.hidden, follow=self.follow)
        for name in folder.hidden:
            self.report.add(Kind.HIDDEN, name)
        for name, why in folder.left_out:
            self.report.add(Kind.LEFT_OUT, name, why)
        items: dict[str, Item] = {}
        for file in folder.files:
            name = composed(file.name) if self.nfc else file.name
            try:
                path = blob_path(self._base, name)
            except Unfit as rule:
                self.report.add(Kind.UNFIT, file.name, str(rule), file.size)
                continue
            if path in items:
                why = "another file has this name with its accents written otherwise"
                self.report.add(Kind.UNFIT, file.name, why, file.size)
            else:
                items[path] = Item(file, path)
        self._tell_twins(items)
        return folder, list(items.values())

    def _wanted(self, remote: Mapping[str, RemoteBlob], target: Target) -> list[Item]:
        """The storage's blobs as files of the folder."""
        items: dict[str, Item] = {}
        for path, blob in remote.items():
            if not is_below(self._base, path):
                continue
            try:
                name = file_name(self._base, path)
            except Unfit as rule:
                self.report.add(Kind.UNFIT, path, str(rule), blob.size)
            else:
                items[name] = Item(SourceFile(name, str(self.root / name), blob.size), path)
        for name in folders_of(items) & items.keys():
            item = items.pop(name)
            why = "it is the folder of other blobs, and cannot be a file beside"
            self.report.add(Kind.UNFIT, item.path, why, item.file.size)
        groups = self._tell_twins(items)
        if groups and target.folds_case:
            for first, *others in groups:
                for name in others:
                    why = f"it has the name of {first} to this disk"
                    self._add(Kind.FAILED, items.pop(name), why)
        return list(items.values())

    def _tell_twins(self, names: Iterable[str]) -> list[list[str]]:
        groups = twins(names)
        for group in groups:
            self.report.add(Kind.TWINS, " and ".join(group))
        return groups

    def _compared(
        self, items: list[Item], remote: Mapping[str, RemoteBlob]
    ) -> Iterable[Comparison]:
        with (
            self._progress("Comparing", items) as progress,
            closing(
                compare(items, remote, self.storage, self.transport, progress.add, quick=self.quick)
            ) as found,
        ):
            yield from found

    def _progress(self, verb: str, items: list[Item]) -> Progress:
        size = sum(item.file.size for item in items)
        return Progress(len(items), size, quiet=self.quiet, verb=verb)

    def _mend(self, mends: list[tuple[Comparison, RemoteBlob]]) -> None:
        """Set the headers that the storage would have set, if the blob is still what it was."""
        requests = [
            Request(
                "PUT",
                found.item.path,
                query={"comp": "properties"},
                headers=mending(found, there),
                tag=found,
            )
            for found, there in mends
        ]
        for request, answer in self.transport.run(requests):
            if is_fatal(answer):
                raise service_error(answer)
            if answer.ok:
                self._add(Kind.MENDED, request.tag.item, request.tag.headers)
            else:
                why = f"its headers could not be mended: {answer.reason}"
                self._add(Kind.FAILED, request.tag.item, why)

    def _pretend(self, verb: str, items: list[Item]) -> None:
        for item in items:
            self.say(f"Pretending to {verb} '{item.file.name}'", 1)
            self._add(Kind.PRETENDED, item)

    def _account(self, there: Iterable[str], items: list[Item], hidden: Iterable[str]) -> None:
        files = {item.path: item.file.name for item in items}
        within = f"{self.prefix}/" if self.prefix else ""
        unwanted = [f"{within}{name}" for name in hidden]
        account(self.storage, there, files, self.report, hidden=unwanted)

    def _add(self, kind: Kind, item: Item, why: str = "") -> None:
        self.report.add(kind, item.file.name, why, item.file.size)
