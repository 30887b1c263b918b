"""Where uploads go in the tests of an intake: a folder, and the stores of a group; and what is there afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from anew.blobs.folder import FolderBlobs
from anew.journal.documents import RootJournal
from anew.journal.edits import append_event
from anew.journal.layout import ExperimentLayout, RootLayout
from anew.reading.local.opening import open_folder
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.group.database import Database
from anew.server.group.editing import append_edit
from anew.server.group.intake import GroupIntake
from anew.server.group.truth import Truth
from anew.server.intake.folder import FolderIntake
from anew.server.intake.protocol import Intake
from anew.server.place import Place
from serving import InProcess
from sync.recorded import files, segments


class There(Protocol):
    """A server's side: its intake, how it is asked, and what it keeps."""

    intake: Intake
    transport: InProcess

    def segments(self, id: str) -> dict[str, bytes]: ...
    def files(self, id: str) -> dict[str, bytes]: ...
    def beside(self, id: str) -> list[bytes]: ...
    def edit(self, id: str, kind: str, fields: Mapping[str, Any]) -> None: ...
    def signs(self, id: str, writer: str) -> float: ...
    def close(self) -> None: ...


class FolderThere:
    """A folder's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        opened = open_folder(str(path))
        self._root = opened.root
        self.intake: Intake = FolderIntake(opened.root)
        self._place = Place(opened.backend, opened.upkeep, opened.close, self.intake, opened.within)
        self.transport = InProcess(make_app(self._place, Access("tester")))

    def _folder(self, id: str) -> Path:
        (known,) = self._root.ask(lambda catalog: catalog.known(ids=[id]), fresh=True)
        return Path(self._root.folder(known.prefix))

    def segments(self, id: str) -> dict[str, bytes]:
        return segments(self._folder(id))

    def files(self, id: str) -> dict[str, bytes]:
        return files(self._folder(id))

    def beside(self, id: str) -> list[bytes]:
        return [one.read_bytes() for one in sorted((self.path / ".anew/conflicts" / id).glob("*"))]

    def edit(self, id: str, kind: str, fields: Mapping[str, Any]) -> None:
        layout = ExperimentLayout(str(self._folder(id)))
        append_event(RootLayout(str(self.path)), layout, id, kind, **fields)

    def signs(self, id: str, writer: str) -> float:
        return (self._folder(id) / f"journal/{writer}.jsonl").stat().st_mtime

    def close(self) -> None:
        self.transport.close()
        self._place.close()


class GroupThere:
    """A group's, in a real database and a folder of blobs."""

    def __init__(self, path: Path, url: str) -> None:
        self.blobs = FolderBlobs(str(path / "bucket"), durable=False)
        self.truth = Truth(Database(url), self.blobs)
        journal = RootJournal(self.truth.lines)
        self.intake: Intake = GroupIntake(self.truth, journal)
        opened = open_folder(str(path / "empty"))
        self._place = Place(opened.backend, opened.upkeep, opened.close, self.intake, opened.within)
        self.transport = InProcess(make_app(self._place, Access("tester")))

    def segments(self, id: str) -> dict[str, bytes]:
        listed = self.truth.segments.listed([id])[id]
        storage = self.truth.files.storage(id)
        return {
            name: storage.read(name, 0, blob.size)
            for name, blob in listed
            if blob.size and name.startswith(("journal/", "metrics/", "logs/"))
        }

    def files(self, id: str) -> dict[str, bytes]:
        listed = self.truth.segments.listed([id])[id]
        storage = self.truth.files.storage(id)
        return {n: storage.read(n, 0, b.size) for n, b in listed if n.startswith("files/")}

    def beside(self, id: str) -> list[bytes]:
        return [self.blobs.read(key) for key in sorted(self.blobs.keys(f"conflicts/{id}"))]

    def edit(self, id: str, kind: str, fields: Mapping[str, Any]) -> None:
        with self.truth.database.transaction() as connection:
            append_edit(self.truth, connection, id, kind, fields)

    def signs(self, id: str, writer: str) -> float:
        found = dict(self.truth.segments.listed([id])[id])
        return found[f"journal/{writer}.jsonl"].changed_at

    def close(self) -> None:
        self.transport.close()
        self._place.close()
        self.truth.database.close()
