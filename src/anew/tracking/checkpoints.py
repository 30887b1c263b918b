"""The checkpoints of a running experiment: which there are, which is the best, and which ones are freed."""

from __future__ import annotations

import os

from ..blobs.linked import LinkedFiles, remove_empty
from ..errors import InvalidValue
from ..journal.layout import logged_path
from ..record.checkpoints import Candidate, best_of, to_free
from ..record.direction import direction
from .curve import Curve
from .logged import LoggedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .life import Life
    from .recording import Recording

__all__ = ["Retention", "best_file", "saved_files", "whole"]


class Retention:
    """Which checkpoints stay when another one is saved.

    Args:
        last: How many of the newest; all if None and no metric is given.
        metric: The metric whose best checkpoint stays.
        mode: Whether small ("min") or large ("max") values are better; by the metric's name if not given.

    Raises:
        InvalidValue: One of them cannot be.
    """

    def __init__(self, last: int | None, metric: str | None, mode: str | None) -> None:
        if last is not None and (type(last) is not int or last < 1):
            raise InvalidValue(
                f"keep_last is the number of checkpoints to keep, 1 or more, not {last!r}.",
                key="keep_last",
            )
        if metric is not None and (not isinstance(metric, str) or not metric):
            raise InvalidValue(
                f"keep_best is the name of a metric, not {metric!r}.", key="keep_best"
            )
        self.last = last
        self.metric = metric
        self.mode = _mode(metric, mode)

    def __bool__(self) -> bool:
        return self.last is not None or self.metric is not None

    def __str__(self) -> str:
        parts = [f"keep_last={self.last}" if self.last is not None else ""]
        parts.append(f"keep_best={self.metric} ({self.mode})" if self.metric is not None else "")
        return ", ".join(filter(None, parts))

    def scores(self, life: Life, step: int | None) -> dict[str, float]:
        """The value that the metric has now, or at the step if it was logged there."""
        if self.metric is None:
            return {}
        curve = _curve(life, self.metric)
        value = curve.at(step) if step is not None else None
        value = curve.last if value is None else value
        return {} if value is None else {self.metric: value}

    def apply(self, life: Life, recording: Recording, prefix: str) -> None:
        """Free the checkpoints under a prefix that need not stay: the record says so first, then their bytes go."""
        own = [
            one
            for one in saved_files(life, recording.rank.label)
            if one.prefix == prefix and one.checkpoint is not None
        ]
        given = _candidates(life, own, self.metric)
        last = self.last or 1  # the one that was saved just now is always kept
        doomed = to_free(given, last=last, best=self.metric is not None, mode=self.mode)
        if (
            self.metric is not None
            and len(given) > 1
            and not any(g.score is not None for g in given)
        ):
            _tell(life, self.metric)
        if not doomed:
            return
        gone = [own[at] for at in doomed]
        recording.event("freed", file_ids=[one.file_id for one in gone], why=str(self))
        freed = {one.file_id for one in gone}
        life.files = [one for one in life.files if one.file_id not in freed]
        contents = LinkedFiles(recording.root.contents)
        for one in gone:
            try:
                contents.release(one.path, one.hash)
            except FileNotFoundError:
                pass
            except OSError as error:
                life.say(f"the checkpoint {one.name!r} could not be removed: {error}")
            remove_empty(os.path.dirname(one.path), os.path.join(life.folder, "files"))


def saved_files(life: Life, label: str | None = None) -> list[LoggedFile]:
    """The files of the experiment that are there, in the order they were saved: of all its processes, in earlier
    openings too.

    Args:
        label: Only those that processes of this rank saved.
    """
    recording = life.last
    if recording is None:
        return []
    if not recording.continued and not recording.rank.rank:
        return list(life.files)
    from ..journal.follow import read_events
    from ..record.events import FileLogged, FilesFreed
    from ..record.fold import in_order

    freed: set[str] = set()
    found: dict[str, LoggedFile] = {}
    for writer, _, event in in_order(read_events(life.folder)):
        if isinstance(event, FilesFreed):
            freed.update(event.file_ids)
        elif isinstance(event, FileLogged) and (label is None or _label(writer) == label):
            path = logged_path(life.folder, event.path)
            if path is not None:
                found[event.file_id] = LoggedFile(
                    event.file_id, event.prefix, event.name, path, event.size, event.hash,
                    event.step, event.metadata, event.folder, event.checkpoint,
                )  # fmt: skip
    return [one for file_id, one in found.items() if file_id not in freed]


def best_file(
    life: Life, files: Sequence[LoggedFile], metric: str | None, mode: str | None
) -> LoggedFile | None:
    """The file saved when a metric was best, the first of equal ones; None if the metric is not known for any."""
    if metric is None:
        known = {name for one in files for name in one.checkpoint or ()}
        if len(known) != 1:
            raise InvalidValue(
                "Say which metric decides: best('val/acc'). "
                + (
                    f"The checkpoints were saved by {', '.join(sorted(known))}."
                    if known
                    else "No checkpoint was saved with keep_best."
                ),
                key="metric",
            )
        metric = known.pop()
    given = _candidates(life, files, metric)
    winner = best_of(given, _mode(metric, mode))
    return None if winner is None else files[given.index(winner)]


def whole(file: LoggedFile, files: Sequence[LoggedFile]) -> LoggedFile:
    """A file as it was saved: of one that was saved with a folder, that folder."""
    if file.folder is None:
        return file
    save = _save(file)
    together = [one for one in files if one.folder == file.folder and _save(one) == save]
    return LoggedFile(
        file.file_id, file.prefix, file.folder, os.path.join(save, *_stored(file)),
        sum(one.size for one in together), "", file.step, file.metadata, file.folder, file.checkpoint,
    )  # fmt: skip


def _stored(file: LoggedFile) -> list[str]:
    """The folder of a file, as its parts are called on disk."""
    parts = file.path.split(os.sep)
    depth = file.name.count("/") + 1
    return parts[-depth:][: (file.folder or "").count("/") + 1]


def _save(file: LoggedFile) -> str:
    """The folder that one call of `save` put its files into."""
    return os.sep.join(file.path.split(os.sep)[: -(file.name.count("/") + 1)])


def _candidates(life: Life, files: Sequence[LoggedFile], metric: str | None) -> list[Candidate]:
    curve = None if metric is None else _curve(life, metric)
    found = []
    for one in files:
        score = None
        if curve is not None and metric is not None:
            score = curve.at(one.step) if one.step is not None else None
            score = (one.checkpoint or {}).get(metric) if score is None else score
        found.append(Candidate(one.folder or one.name, _save(one), one.step, score))
    return found


def _mode(metric: str | None, mode: str | None) -> str:
    if mode not in (None, "min", "max"):
        raise InvalidValue(f"mode must be 'min' or 'max', not {mode!r}.", key="mode")
    return mode or ("min" if metric is None else direction(metric))


def _curve(life: Life, metric: str) -> Curve:
    curve = life.curves.get(metric)
    if curve is None or curve.folder != life.folder:
        curve = life.curves[metric] = Curve(life.folder, metric)
    curve.read()
    return curve


_told: set[tuple[str, str]] = set()


def _tell(life: Life, metric: str) -> None:
    if (life.folder, metric) not in _told:
        _told.add((life.folder, metric))
        life.say(
            f"keep_best={metric!r}: this metric has no value yet, so every checkpoint is kept until it has one"
        )


def _label(writer: str) -> str:
    """The label in a writer's name, which the same rank has in every opening."""
    return writer.partition("-")[2].rpartition("-")[0]
