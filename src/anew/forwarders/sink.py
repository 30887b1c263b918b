"""The journal's sink that sends to another tracker."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from ..forwarding.address import Destination
from ..forwarding.progress import Pending, Progress, key_of, read_progress, save
from ..forwarding.waiting import STREAMS
from ..journal.follow import Cursor, Piece, Position, SealedPart, Stream, read_events
from ..journal.layout import ExperimentLayout
from ..journal.sink import Followed
from ..record.events import PointLine
from ..record.fold import fold
from ..record.secrets import mask_text
from ..record.status import Status
from .reading import Records, records_between, records_of
from .target import Item, Mirror, Refusal, Target

__all__ = ["Connect", "ForwardSink", "connect"]

Connect = Callable[[Destination, Mirror, dict[str, Any]], Target]
TRIES = 5  # of a piece as a whole, before its records are tried one by one
MOST_SET_ASIDE = 20

_TARGETS = {  # the module, from this package on, and the class
    "aim": ("..trackers.aim.forward", "AimTarget"),
    "clearml": ("..trackers.clearml.forward", "ClearMLTarget"),
    "mlflow": ("..trackers.mlflow.forward", "MLflowTarget"),
    "tensorboard": ("..trackers.tensorboard.forward", "TensorBoardTarget"),
    "wandb": ("..trackers.wandb.forward", "WandBTarget"),
}


def connect(address: Destination, mirror: Mirror, memo: dict[str, Any]) -> Target:
    """The target at an address, with the run that mirrors the experiment.

    Raises:
        MissingDependency: The tracker's package is not installed.
        Exception: Whatever its library raises when it cannot be reached.
    """
    module, name = _TARGETS[address.kind]
    made: Target = getattr(import_module(module, __package__), name)(address, mirror, memo)
    return made


class ForwardSink:
    """A `journal.sink.Sink` for one experiment and one place.

    What was offered to the target and not yet settled is noted before it is offered, so that after a crash the
    very same records are offered again, marked as such: the target can tell what it has of them.

    Args:
        folder: The experiment's folder.
        address: Where to send to.
        prefix: The experiment's prefix, as far as it is known.
        connect: Makes the target, where that is not to be found by the address.

    Raises:
        CorruptData: What is kept of earlier forwarding cannot be read.
    """

    streams: frozenset[Stream] = STREAMS

    def __init__(
        self, folder: str, address: Destination, prefix: str = "", connect: Connect = connect
    ) -> None:
        self.folder = folder
        self.address = address
        self.key = key_of(address)
        found = read_progress(folder, self.key)
        self.progress = found or Progress(prefix=prefix, cwd=os.getcwd())
        self.progress.to = address.shown()
        self.prefix = prefix or self.progress.prefix or os.path.basename(folder)
        self._connect = connect
        self._target: Target | None = None
        self._failures = 0
        self._hand: list[Piece] = []

    # -- the protocol of a sink --------------------------------------------------------------------

    def cursors(self, experiments: Sequence[Followed]) -> dict[str, Cursor]:
        """See `Sink.cursors`. What may or may not have arrived the last time is offered again first."""
        pending = self.progress.pending
        if pending is not None:
            start = self.progress.cursor.get(pending.path, Position())
            self._deliver(records_between(self.folder, pending.path, start, pending.end))
        ours = [e.prefix for e in experiments if e.experiment_id is not None]
        return {prefix: dict(self.progress.cursor) for prefix in ours}

    def take(self, experiment: Followed, piece: Piece) -> None:
        """See `Sink.take`. What was sent of a file that is gone stays sent."""
        if isinstance(piece, SealedPart) or piece.data:
            self._hand.append(piece)

    def finish(self, experiment: Followed) -> bool:
        """See `Sink.finish`."""
        return False

    def failed(self, experiment: Followed, error: Exception) -> None:
        """See `Sink.failed`."""
        self._hand.clear()
        self.tell_error(error, time.time())

    def commit(self) -> None:
        """See `Sink.commit`. Of a sealed part, each slice is made good by itself."""
        hand, self._hand = self._hand, []
        for piece in hand:
            start = self.progress.cursor.get(_text_of(piece), Position())
            for records in records_of(self.folder, piece, start):
                self._deliver(records)
            if isinstance(piece, SealedPart):
                self.progress.cursor[piece.path] = piece.end
                self._save()

    def close(self) -> None:
        """See `Sink.close`."""
        target, self._target = self._target, None
        if target is not None:
            target.close()

    # -- sending -----------------------------------------------------------------------------------

    def _deliver(self, piece: Records) -> None:
        """Send some records, and move the cursor past them.

        Raises:
            Exception: Whatever the target raised; the records are to be offered again.
        """
        progress = self.progress
        first = progress.lines - piece.start.lines - 1
        items = [Item(first + line, piece.writer, record) for line, record in piece.records]
        again = progress.pending is not None
        if not again:
            progress.pending = Pending(piece.path, piece.end)
            self._save()
        try:
            refusals = self._send(items, again)
            progress.memo = self.target.settle()
        except BaseException:
            self._failures += 1
            self._let_go()
            raise
        self._failures = 0
        for refusal in refusals:
            progress.refuse(refusal.reason)
        gone = {refusal.number for refusal in refusals}
        taken = [item.record for item in items if item.number not in gone]
        progress.records += len(taken)
        progress.points += sum(len(r.m) for r in taken if isinstance(r, PointLine))
        progress.broken += piece.broken
        progress.cursor[piece.path] = piece.end
        progress.lines += piece.end.lines - piece.start.lines
        progress.pending = progress.error = progress.error_at = None
        progress.url = self.target.url or progress.url
        self._save()

    def _send(self, items: list[Item], again: bool) -> list[Refusal]:
        if not items:
            return []
        if self._failures < TRIES:
            return self.target.send(items, again)
        return self._send_one_by_one(items)

    def _send_one_by_one(self, items: list[Item]) -> list[Refusal]:
        """Set aside the records that a target which is otherwise well fails on."""
        refusals: list[Refusal] = []
        in_a_row = 0
        for item in items:
            error = self._fails_on(item, refusals)
            in_a_row = in_a_row + 1 if error is not None else 0
            if error is None:
                continue
            if in_a_row > MOST_SET_ASIDE:
                raise error  # not the records, but the target
            refusals.append(Refusal(item.number, f"the target reported an error: {error}"))
        return refusals

    def _fails_on(self, item: Item, refusals: list[Refusal]) -> Exception | None:
        """Send one record; the error if it fails twice on a target that can be reached."""
        error: Exception | None = None
        for _ in range(2):
            target = self.target  # what cannot be reached has not failed on this record
            try:
                refusals += target.send([item], True)
                # The next failure begins with another target: what this one settled counts for it.
                self.progress.memo = target.settle()
                return None
            except Exception as failure:  # noqa: BLE001  (of the record or of the target: the next lines tell)
                error = failure
                self._let_go()
                self.target.settle()
        return error

    def _let_go(self) -> None:
        try:
            self.close()
        except Exception:  # noqa: BLE001  (it has failed already, and says so)
            self._target = None

    def tell_end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """Mark the run at the target as ended."""
        try:
            self.target.end(status, reason, ended_at)
            self.progress.memo = self.target.settle()
        except BaseException:
            self._let_go()
            raise
        self.progress.told = status.value
        self.progress.error = self.progress.error_at = None
        self._save()

    def tell_error(self, error: BaseException, now: float) -> None:
        """Note why nothing goes on, for people to see."""
        text = f"{type(error).__name__}: {error}" if not _is_ours(error) else str(error)
        self.progress.error = mask_text(text.strip().splitlines()[0][:500])
        self.progress.error_at = self.progress.error_at or now
        self._save()

    @property
    def target(self) -> Target:
        """The target, connected to by its first use."""
        if self._target is None:
            self._target = self._connect(self.address, self._mirror(), dict(self.progress.memo))
            self.progress.url = self._target.url or self.progress.url
        return self._target

    def _mirror(self) -> Mirror:
        state = fold(read_events(self.folder))
        segments = self.prefix.split("/")
        return Mirror(
            state.experiment_id,
            self.prefix,
            state.name or segments[-1],
            segments[-2] if len(segments) > 1 else None,
            ExperimentLayout(self.folder).folder,
            state.created_at,
            next((w.opened.user for w in state.writers.values() if w.opened.user), ""),
            state.captured,
        )

    def _save(self) -> None:
        save(self.folder, self.key, self.progress)


def _text_of(piece: Piece) -> str:
    return piece.text if isinstance(piece, SealedPart) else piece.path


def _is_ours(error: BaseException) -> bool:
    from ..errors import AnewError

    return isinstance(error, AnewError)
