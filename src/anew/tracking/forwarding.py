"""Forwarding records to other trackers in a separate process."""

from __future__ import annotations

import os
import time

from ..forwarding.launch import Sending, missing, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..forwarding.address import Destination
    from .recording import Recording

__all__ = ["Forwarding", "begin_forwarding", "finish_forwarding"]

# Before this, waiting for what is left needs no explanation.
_SOON = 1.0


class Forwarding:
    """The process that forwards one opening of an experiment. If it fails, recording continues.

    Args:
        recording: What is to be sent.
        addresses: Where to.
    """

    def __init__(self, recording: Recording, addresses: Sequence[Destination]) -> None:
        self._recording = recording
        self.asked = list(addresses)
        self._pid = os.getpid()
        self._sending: Sending | None = None
        known = recording.captured.get("forwarding", {}).get("to", [])
        new = [shown for address in addresses if (shown := address.shown()) not in known]
        recording.captures("forwarding", {"to": [*known, *new]})
        absent = missing(addresses)
        for error in absent.values():
            recording.say(f"{error} Until then, the records are kept in this store.")
        self._addresses = [a for a in addresses if a.kind not in absent]
        if self._addresses:
            try:
                self._sending = start(recording.layout.folder, recording.prefix, self._addresses)
            except OSError as error:
                recording.say(
                    f"forwarding is off, because its process could not be started: {error}. The records are kept in this store. Send them later with: anew forward {recording.experiment_id[:6]}"
                )

    def finish(self, seconds: float, say: Callable[[str], None] | None) -> None:
        """Wait a limited time for records still being sent; the rest is sent after this process has ended.

        Args:
            say: Tells the user how far it came; None tells nothing.
        """
        sending = self._sending
        if sending is None or os.getpid() != self._pid:
            return
        sending.finish()
        try:
            done = sending.wait(min(seconds, _SOON))
            if not done and seconds > _SOON:
                if say is not None:
                    kinds = ", ".join(address.kind for address in self._addresses)
                    say(
                        f"sending the remaining records to {kinds} (press Ctrl-C to continue in the background) …"
                    )
                done = sending.wait(seconds - _SOON)
        except KeyboardInterrupt:
            done = False
        sending.leave()
        if say is not None:
            for line in self._lines(done):
                say(line)

    def _lines(self, done: bool) -> list[str]:
        from ..forwarding.progress import key_of, read_progress
        from ..forwarding.waiting import waiting

        folder = self._recording.layout.folder
        lines = []
        for address in self._addresses:
            progress = read_progress(folder, key_of(address))
            left = waiting(folder, progress.cursor if progress else {})
            where = f" ({progress.url})" if progress and progress.url else ""
            why = f": {progress.error}" if progress and progress.error else ""
            if not any(left):
                lines.append(f"{address.kind}: all sent{where}")
            elif done:
                lines.append(
                    f"{address.kind}: {left} were not sent{why}. Send them with: anew forward "
                    f"{self._recording.experiment_id[:6]}"
                )
            else:
                lines.append(
                    f"{address.kind}: {left} are still to be sent{where}{why}; sending continues in the background"
                )
        return lines


def begin_forwarding(recording: Recording, addresses: Sequence[Destination]) -> None:
    """Forward this opening to these trackers, from its first record on."""
    known = [a for forwarding in recording.forwardings for a in forwarding.asked]
    new = [
        address
        for address in addresses
        if address not in known and address.shown() not in recording.forwarded_outside
    ]
    if new and recording.leads:
        recording.forwardings.append(Forwarding(recording, new))


def finish_forwarding(recording: Recording, say: Callable[[str], None] | None) -> None:
    """Wait for records still being sent to any tracker, for `forward_wait` seconds in total."""
    until = time.monotonic() + recording.settings.forward_wait
    for forwarding in recording.forwardings:
        forwarding.finish(max(0.0, until - time.monotonic()), say)
