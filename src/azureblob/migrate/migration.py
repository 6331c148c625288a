"""The three actions of `migratemedia`: send a folder, fetch it back, verify it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from azureblob.migrate.database import compare_with_database
from azureblob.migrate.journal import FileProblem, Journal, Outcome
from azureblob.migrate.local_tree import Destination, Item, LocalFile, LocalTree, walk
from azureblob.migrate.name_mapping import (
    InvalidName,
    blob_path,
    composed,
    file_name,
    folders_of,
    is_below,
    same_names,
)
from azureblob.migrate.transfer import Download, Upload
from azureblob.migrate.verify import Comparison, Match, compare, fix_headers
from azureblob.progress import Progress
from azureblob.rest.errors import is_fatal, service_error
from azureblob.rest.listing import list_blobs
from azureblob.rest.models import RemoteBlob, quoted
from azureblob.rest.transport import Transport
from azureblob.storage import BlobStorage


@dataclass(frozen=True)
class Migration:
    """What to do, and how. `say(text, level)` prints a line at that verbosity; outcomes go to the
    `journal`."""

    root: Path
    storage: BlobStorage
    transport: Transport
    journal: Journal
    say: Callable[[str, int], None]
    dry_run: bool = False
    overwrite: bool = False
    fix_headers: bool = False
    nfc: bool = False
    hidden: bool = False
    quick: bool = False
    quiet: bool = False
    follow: bool = False
    prefix: str = ""

    @property
    def _location(self) -> str:
        """Where the folder is in the container: the storage's location, and `prefix` below it."""
        return "/".join(part for part in (self.storage.location, self.prefix) if part)

    # --- Actions ----------------------------------------------------------------------------------

    def send(self) -> None:
        """Copy the folder to the container. Raises BlobServiceError."""
        tree, items = self._local_items()
        remote = list_blobs(self.transport)
        new = [item for item in items if item.path not in remote]
        existing = [item for item in items if item.path in remote]
        to_fix: list[tuple[Comparison, RemoteBlob]] = []
        for comparison in self._compare(existing, remote):
            item = comparison.item
            blob = remote[item.path]
            if comparison.match is Match.FAILED:
                self._add(Outcome.FAILED, item, comparison.detail)
            elif comparison.match is Match.DIFFERENT and self.overwrite:
                new.append(replace(item, etag=quoted(blob.etag)))
            elif comparison.match is Match.DIFFERENT:
                self._add(Outcome.CONFLICT, item, comparison.detail)
            elif comparison.other_headers and self.fix_headers:
                to_fix.append((comparison, blob))
            else:
                self._add(Outcome.SAME, item)
        blobs: Iterable[str] = remote.keys() | {item.path for item in new}
        if self.dry_run:
            self._pretend("send", new)
            self._pretend("fix the headers of", [comparison.item for comparison, _ in to_fix])
        else:
            del remote
            self._fix_headers(to_fix)
            if new:
                with self._progress("Sending", new) as progress:
                    upload = Upload(self.storage, self.transport, self.journal, progress)
                    blobs = upload.run(new).keys()
        self._compare_with_database(blobs, items, tree.hidden)

    def fetch(self) -> None:
        """Copy the container to the folder. Raises BlobServiceError."""
        remote = list_blobs(self.transport)
        destination = Destination(self.root)
        missing: list[Item] = []
        existing: list[Item] = []
        for item in self._remote_items(remote, destination):
            try:
                status = os.lstat(destination.path(item.file.name))
            except (FileNotFoundError, NotADirectoryError):
                missing.append(item)
                continue
            except FileProblem as problem:
                self._add(problem.outcome, item, str(problem))
                continue
            except OSError as error:
                self._add(Outcome.FAILED, item, error.strerror or str(error))
                continue
            if stat.S_ISREG(status.st_mode):
                existing.append(replace(item, file=replace(item.file, size=status.st_size)))
            else:
                self._add(Outcome.FAILED, item, "a folder or a special file is in its place")
        for comparison in self._compare(existing, remote):
            item = comparison.item
            if comparison.match is Match.FAILED:
                self._add(Outcome.FAILED, item, comparison.detail)
            elif comparison.match is Match.DIFFERENT and self.overwrite:
                blob = remote[item.path]
                file = replace(item.file, size=blob.size)
                missing.append(Item(file, item.path, quoted(blob.etag)))
            elif comparison.match is Match.DIFFERENT:
                self._add(Outcome.CONFLICT, item, comparison.detail)
            else:
                self._add(Outcome.SAME, item)
        if self.dry_run:
            self._pretend("fetch", missing)
        elif missing:
            with self._progress("Fetching", missing) as progress:
                download = Download(destination, self.transport, remote, self.journal, progress)
                download.run(missing)
        self._compare_with_database(remote, existing + missing, ())

    def verify(self) -> None:
        """Check that the container has every file of the folder, and change nothing. Raises
        BlobServiceError."""
        tree, items = self._local_items()
        remote = list_blobs(self.transport)
        existing = [item for item in items if item.path in remote]
        for item in items:
            if item.path not in remote:
                self._add(Outcome.DIFFERS, item, "it is not in the container")
        for comparison in self._compare(existing, remote):
            item = comparison.item
            if comparison.match is Match.FAILED:
                self._add(Outcome.FAILED, item, comparison.detail)
            elif comparison.match is Match.DIFFERENT:
                self._add(Outcome.DIFFERS, item, comparison.detail)
            else:
                unproven = comparison.match is Match.UNPROVEN
                self._add(Outcome.UNPROVEN if unproven else Outcome.SAME, item)
                if comparison.other_headers:
                    self._add(Outcome.HEADERS_DIFFER, item, comparison.other_headers)
        paths = {item.path for item in items}
        for path in remote.keys() - paths:
            if is_below(self._location, path):
                self.journal.add(Outcome.EXTRA, path, size=remote[path].size)
        self._compare_with_database(remote, items, tree.hidden)

    # --- Both sides -------------------------------------------------------------------------------

    def _local_items(self) -> tuple[LocalTree, list[Item]]:
        """The folder, and those of its files whose names are valid blob names."""
        tree = walk(self.root, hidden=self.hidden, follow=self.follow)
        for name in tree.hidden:
            self.journal.add(Outcome.HIDDEN, name)
        for name, problem in tree.problems:
            self.journal.add_problem(problem, name)
        items: dict[str, Item] = {}
        for file in tree.files:
            name = composed(file.name) if self.nfc else file.name
            try:
                path = blob_path(self._location, name)
                if path in items:
                    raise InvalidName("another file has the same name in another Unicode form")
            except InvalidName as problem:
                self.journal.add_problem(problem, file.name, file.size)
            else:
                items[path] = Item(file, path)
        self._add_same_names(items)
        return tree, list(items.values())

    def _remote_items(
        self, remote: Mapping[str, RemoteBlob], destination: Destination
    ) -> list[Item]:
        """The blobs of the storage, as files of the folder."""
        items: dict[str, Item] = {}
        for path, blob in remote.items():
            if not is_below(self._location, path):
                continue
            try:
                name = file_name(self._location, path)
            except InvalidName as problem:
                self.journal.add_problem(problem, path, blob.size)
            else:
                items[name] = Item(LocalFile(name, str(self.root / name), blob.size), path)
        for name in folders_of(items) & items.keys():
            item = items.pop(name)
            taken = InvalidName("other blobs use its name as a folder, so it cannot be a file")
            self.journal.add_problem(taken, item.path, item.file.size)
        groups = self._add_same_names(items)
        if groups and destination.ignores_case:
            for first, *others in groups:
                for name in others:
                    detail = f"this disk treats its name and {first} as one"
                    self._add(Outcome.FAILED, items.pop(name), detail)
        return list(items.values())

    def _add_same_names(self, names: Iterable[str]) -> list[list[str]]:
        groups = same_names(names)
        for group in groups:
            self.journal.add(Outcome.SAME_NAME, " and ".join(group))
        return groups

    def _compare(self, items: list[Item], remote: Mapping[str, RemoteBlob]) -> Iterable[Comparison]:
        with (
            self._progress("Comparing", items) as progress,
            closing(
                compare(items, remote, self.storage, self.transport, progress.add, quick=self.quick)
            ) as comparisons,
        ):
            yield from comparisons

    def _compare_with_database(
        self, blobs: Iterable[str], items: list[Item], hidden: Iterable[str]
    ) -> None:
        files = {item.path: item.file.name for item in items}
        prefix = f"{self.prefix}/" if self.prefix else ""
        left_out = [f"{prefix}{name}" for name in hidden]
        compare_with_database(self.storage, blobs, files, self.journal, hidden=left_out)

    # --- Helpers ----------------------------------------------------------------------------------

    def _fix_headers(self, to_fix: list[tuple[Comparison, RemoteBlob]]) -> None:
        requests = [fix_headers(comparison, blob) for comparison, blob in to_fix]
        for request, response in self.transport.run(requests):
            if is_fatal(response):
                raise service_error(response)
            if response.ok:
                self._add(Outcome.HEADERS_FIXED, request.tag.item, request.tag.other_headers)
            else:
                detail = f"its headers could not be set: {response.reason}"
                self._add(Outcome.FAILED, request.tag.item, detail)

    def _pretend(self, action: str, items: list[Item]) -> None:
        for item in items:
            self.say(f"Pretending to {action} '{item.file.name}'", 1)
            self._add(Outcome.PRETENDED, item)

    def _progress(self, verb: str, items: list[Item]) -> Progress:
        size = sum(item.file.size for item in items)
        return Progress(len(items), size, quiet=self.quiet, verb=verb)

    def _add(self, outcome: Outcome, item: Item, detail: str = "") -> None:
        self.journal.add(outcome, item.file.name, detail, item.file.size)
