"""Sending what was recorded before, or what could not be sent then; and telling how far it has come."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import CorruptData, InvalidSetting, NotFound, StillRunning
from ..forwarding.address import Destination, as_address, as_addresses
from ..forwarding.launch import missing, start
from ..forwarding.progress import Progress, discard, key_of, lock_of, read_all, read_progress, save
from ..journal.lock import locked
from ..record.secrets import MASK
from .reading import backlog

__all__ = ["Forwarded", "forwarded", "send_later"]

LOCK_WAIT = 5.0
Report = Callable[[int, int], object]


@dataclass(frozen=True)
class Forwarded:
    """How far an experiment has come to one other tracker.

    Attributes:
        to: The place, as `forward_to` takes it, without passwords.
        url: Where its run is to be seen, if there is such a place.
        records: How many records arrived there, of which `points` values of metrics were sent.
        waiting: Records that were not sent yet.
        refused: How many the tracker has no place for, by reason.
        status: The status that the run there was last given, once the experiment had ended.
        error: Why nothing went on since `error_at` (seconds since the epoch); None when all is well.
    """

    to: str
    url: str | None = None
    records: int = 0
    points: int = 0
    waiting: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    status: str | None = None
    error: str | None = None
    error_at: float | None = None

    @property
    def complete(self) -> bool:
        """Whether all there is has been sent."""
        return not self.waiting and self.error is None


def forwarded(folder: str, asked: Sequence[dict[str, Any]] = ()) -> list[Forwarded]:
    """How far an experiment has come to every place it was forwarded to.

    Args:
        asked: Addresses it was to be forwarded to, as plain JSON: there may be nothing of them on disk yet.
    """
    found = read_all(folder)
    for plain in asked:
        try:
            found.setdefault(key_of(as_address(plain)), Progress(to=dict(plain)))
        except InvalidSetting:
            continue  # a kind of place that a newer version knows
    return [_told(folder, progress) for progress in found.values()]


def _told(folder: str, progress: Progress, error: str | None = None) -> Forwarded:
    return Forwarded(
        to=str(as_address(progress.to)),
        url=progress.url,
        records=progress.records,
        points=progress.points,
        waiting=backlog(folder, progress.cursor),
        refused=dict(progress.refused),
        status=progress.told,
        error=error or progress.error,
        error_at=progress.error_at,
    )


def send_later(
    folder: str,
    prefix: str,
    to: Any = None,
    *,
    asked: Sequence[dict[str, Any]] = (),
    patience: float = 20.0,
    afresh: bool = False,
    report: Report | None = None,
) -> list[Forwarded]:
    """Send what is left of an experiment, each place in a process of its own.

    Args:
        to: Where to, as `forward_to` takes it; everywhere it was to be sent before if None.
        asked: Addresses it was to be forwarded to before.
        patience: Seconds to keep trying a place without success.
        afresh: Send everything, as if nothing had arrived: for a place whose run was deleted there.
        report: Told how many records of how many were sent.

    Raises:
        InvalidSetting: `to` is no place, or a place is known without its password only.
        MissingDependency: A tracker's package is not installed.
        NotFound: Nothing says where to send it.
        StillRunning: Afresh, while another process is sending to such a place.
    """
    known = read_all(folder)
    for plain in asked:
        known.setdefault(key_of(as_address(plain)), Progress(to=dict(plain)))
    addresses = _addresses(known, to)
    if not addresses:
        raise NotFound(
            f"{prefix} has not been forwarded before. Give a target, such as --to mlflow:http://127.0.0.1:5000."
        )
    for error in missing(addresses).values():
        raise error
    if afresh:
        for address in addresses:
            _forget(folder, prefix, address)
    return [_send(folder, prefix, address, patience, report) for address in addresses]


def _addresses(known: dict[str, Progress], to: Any) -> list[Destination]:
    if to is None:
        return [_whole(progress) for progress in known.values()]
    found = []
    for address in as_addresses(to):
        same = [p for p in known.values() if p.to.get("to") == address.kind]
        if address == type(address)() and key_of(address) not in known and len(same) == 1:
            address = _whole(same[0])  # "mlflow" means the MLflow it was sent to, not a second one
        found.append(address)
    return found


def _whole(progress: Progress) -> Destination:
    address = as_address(progress.to)
    if any(isinstance(v, str) and MASK in v for v in progress.to.values()):
        raise InvalidSetting(
            f"The address {address} was recorded without its password. Give the whole address with --to.",
            setting="forward_to",
        )
    return address


def _forget(folder: str, prefix: str, address: Destination) -> None:
    """Have all be sent from the start again."""
    key = key_of(address)
    with locked(lock_of(folder, key), LOCK_WAIT) as held:
        if not held:
            raise StillRunning(
                f"Another process is sending {prefix} to {address}; try again when that process has ended."
            )
        try:
            before = read_progress(folder, key)
            rounds = before.round + 1 if before else 0
        except CorruptData:
            discard(folder, key)
            rounds = 0
        save(
            folder, key, Progress(to=address.shown(), prefix=prefix, cwd=os.getcwd(), round=rounds)
        )


def _send(
    folder: str, prefix: str, address: Destination, patience: float, report: Report | None
) -> Forwarded:
    key = key_of(address)
    before = read_progress(folder, key) or Progress(to=address.shown())
    total = backlog(folder, before.cursor)
    sending = start(
        folder,
        prefix,
        [address],
        patience=patience,
        lock_wait=LOCK_WAIT,
        cwd=before.cwd or os.getcwd(),
        later=True,
    )
    try:
        sending.finish()
        while not sending.wait(0.2):
            now = read_progress(folder, key)
            if report is not None and now is not None:
                report(min(total, now.lines - before.lines), total)
    except BaseException:
        sending.stop()
        raise
    now = read_progress(folder, key) or before
    if report is not None:
        report(min(total, now.lines - before.lines), total)
    answer = next(iter(sending.answers()), {"done": False, "error": "its process ended early"})
    error = None if answer["done"] else str(answer.get("error"))
    if error is not None and now.error is None and not answer.get("busy"):
        now.error_at = time.time()
    return _told(
        folder, now, error if error and (now.error is None or answer.get("busy")) else None
    )
