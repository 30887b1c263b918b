"""What each request of MLflow's client does to artifacts."""

from __future__ import annotations

import msgspec

from ....record.facts import FileFact
from ...records import Records
from ..translate.groups import id_of
from . import answers, artifacts, requests
from .asking import Asker
from .checks import run_id_of
from .models import Holder, Models
from .parts import BlobUploads, DraftUploads, Part, Uploads
from .problems import invalid, missing

__all__ = ["Stored"]


class Stored:
    """The store of artifacts. Any thread may call it.

    Args:
        records: What is served.
        models: The logged models, which have artifacts too.
        holder: Knows the runs that keep them.
    """

    def __init__(self, records: Records, models: Models, holder: Holder) -> None:
        self._records = records
        self._models = models
        self._holder = holder
        self._uploads: Uploads = (
            DraftUploads(records.drafts) if records.blobs is None else BlobUploads(records.blobs)
        )

    def of_run(self, who: Asker, asked: requests.ArtifactsRequest) -> answers.FilesAnswer:
        """What lies in a folder of a run's artifacts."""
        facts = who.reader.facts(run_id_of(asked), "state", "files")
        folder = artifacts.plain(asked.path)
        entries = [(path, one.size) for path, one in artifacts.contents(facts).items()]
        files = artifacts.listed(entries, folder, whole=True)
        if len(files) == 1 and files[0].path == folder:
            files = []
        root = artifacts.uri_of(self._holder.group_of(facts), facts.id)
        return answers.FilesAnswer(root, tuple(files))

    def in_folder(self, who: Asker, asked: requests.ArtifactsRequest) -> answers.FilesAnswer:
        """What lies in a folder of the store of artifacts."""
        place = self._place(who, asked.path or "")
        return answers.FilesAnswer(files=tuple(self._listed(who, place)))

    def _listed(self, who: Asker, place: artifacts.Place) -> list[answers.FileAnswer]:
        facts = who.reader.facts(place.run_id, "state", "files")
        there = artifacts.contents(facts, models=bool(place.model_id))
        entries = [(path, one.size) for path, one in there.items()]
        return artifacts.listed(entries, place.path, whole=False)

    def of_model(self, who: Asker, asked: requests.ModelArtifactsRequest) -> answers.FilesAnswer:
        """What lies in a folder of a logged model's files."""
        model = self._models.of(who, asked.model_id)
        folder = artifacts.plain(asked.artifact_directory_path)
        base = artifacts.model_folder(model.id)
        place = artifacts.Place(model.holder, f"{base}/{folder}" if folder else base, model.id)
        files = [
            msgspec.structs.replace(one, path=f"{folder}/{one.path}" if folder else one.path)
            for one in self._listed(who, place)
        ]
        return answers.FilesAnswer(
            artifacts.model_uri(id_of(model.experiment), model.id), tuple(files)
        )

    def _place(self, who: Asker, path: str) -> artifacts.Place:
        """Where a path in the store of artifacts leads: into the run that keeps it, also for a logged model."""
        place = artifacts.place_of(path)
        if not place.model_id:
            return place
        model = self._models.of(who, place.model_id)
        base = artifacts.model_folder(model.id)
        return artifacts.Place(
            model.holder, f"{base}/{place.path}" if place.path else base, model.id
        )

    def file(self, who: Asker, path: str) -> tuple[str, str]:
        """The run and the path in its folder of a file in the store of artifacts."""
        run_id, found = self._found(who, path)
        return run_id, found.path

    def link(self, who: Asker, path: str) -> tuple[str | None, int]:
        """The address from which a file can be fetched without this server, if there is one; and its bytes."""
        _, found = self._found(who, path)
        return self._records.link(found.hash.removeprefix("blake3:"), found.size), found.size

    def _found(self, who: Asker, path: str) -> tuple[str, FileFact]:
        place = self._place(who, path)
        facts = who.reader.facts(place.run_id, "state", "files")
        found = artifacts.contents(facts, models=bool(place.model_id)).get(place.path)
        if found is None:
            raise missing(f"No such artifact: {place.path!r:.200}")
        return facts.id, found

    def arriving(self, who: Asker, path: str) -> artifacts.Arriving:
        """A file that a client sends."""
        place = self._place(who, path)
        if not place.path or place.path == artifacts.model_folder(place.model_id):
            raise invalid("An artifact needs a name.")
        known = self._holder.writable(who, place.run_id, adds=True)
        return artifacts.Arriving(known.writing, place.path)

    def keep(self, who: Asker, path: str, arriving: artifacts.Arriving) -> None:
        """Keep a file that has arrived."""
        place = self._place(who, path)
        known = self._holder.writable(who, place.run_id)
        arriving.lay()
        with known.alone():
            facts = who.reader.facts(place.run_id, "state", "files")
            arriving.keep(artifacts.contents(facts, models=True))

    # -- files in parts ----------------------------------------------------------------------------

    def begin_upload(self, who: Asker, asked: requests.UploadRequest) -> str:
        """Begin a file that arrives in parts; the id of the upload."""
        place = self._place(who, _in(asked.folder, asked.path))
        self._holder.writable(who, place.run_id, adds=True)
        return self._uploads.begin(who.name, _in(asked.folder, asked.path), asked.num_parts)

    def part(self, who: Asker, asked: requests.PartRequest, length: int) -> Part:
        """A part that a client sends."""
        upload = self._uploads.of(who.name, asked.upload_id)
        self._holder.writable(who, self._place(who, upload.path).run_id, adds=True)
        return upload.part(asked.number, length)

    def complete_upload(self, who: Asker, asked: requests.UploadCompleted) -> answers.Done:
        """Put the parts together, and keep the file."""
        upload = self._uploads.of(who.name, asked.upload_id)
        path = _in(asked.folder, asked.path)
        if path != upload.path:
            raise invalid("The upload was begun for another path.")
        arriving = self.arriving(who, path)
        try:
            for piece in upload.read({one.part_number: one.etag for one in asked.parts}):
                arriving.write(piece)
            self.keep(who, path, arriving)
        finally:
            arriving.close()
        self._uploads.end(who.name, asked.upload_id)
        return answers.Done()

    def abort_upload(self, who: Asker, asked: requests.UploadEnded) -> answers.Done:
        """Forget a file that does not arrive after all."""
        self._uploads.end(who.name, asked.upload_id)
        return answers.Done()

    def delete(self, who: Asker, asked: requests.ArtifactRequest) -> answers.Done:
        """Take artifacts out of what a run shows."""
        place = self._place(who, asked.path)
        known = self._holder.writable(who, place.run_id)
        who.check_deleting(known.writing.prefix)
        with known.alone():
            facts = who.reader.facts(place.run_id, "state", "files")
            ids = artifacts.deleted_with(facts, place.path)
            if ids is not None:
                known.writing.event("captured", what=artifacts.DELETED, data={"ids": ids})
        return answers.Done()


def _in(folder: str, path: str) -> str:
    """Where a file goes: a client tells its whole path on its own disk, whose last part is the name."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return f"{folder.rstrip('/')}/{name}"
