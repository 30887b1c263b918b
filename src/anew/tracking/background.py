"""What one opening does beside the program: recurring work, samples of the machine, a copy of the console's output."""

from __future__ import annotations

import os

from ..record.secrets import LineMask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..monitor.console import ConsoleCapture
    from ..monitor.system import SystemSampler
    from ..monitor.ticker import Handle

__all__ = ["Background", "load_encoder_soon"]

_STOP_WAIT = 0.2
"""Seconds that a sample under way may take when the work is stopped."""

_encoder_comes_in = 0  # the process that has it coming


def load_encoder_soon() -> None:
    """Have the fast encoder loaded, once in a process, and not before its first points: it takes longer than they."""
    global _encoder_comes_in
    if _encoder_comes_in != os.getpid():
        _encoder_comes_in = os.getpid()
        from ..monitor.ticker import process_ticker
        from ..record.encode import load_fast_encoder

        process_ticker().add(load_fast_encoder, None, 0.1, name="the fast encoder")


class Background:
    """The work of one opening that goes on by itself, in the one thread that a process has for such work.

    It is begun piece by piece, and stopped as a whole by the thread that ends the opening. What it calls must not hold
    the opening: one that the program has dropped is to go.
    """

    __slots__ = ("_console", "_handles", "_sampler", "_sampling")

    def __init__(self) -> None:
        self._handles: list[Handle] = []
        self._sampler: SystemSampler | None = None
        self._sampling: Handle | None = None
        self._console: ConsoleCapture | None = None

    def repeat(
        self,
        work: Callable[[], object],
        seconds: float,
        *,
        first_after: float | None = None,
        name: str = "",
    ) -> Handle:
        """Have something done every so many seconds."""
        from ..monitor.ticker import process_ticker

        handle = process_ticker().add(work, seconds, first_after, name=name)
        self._handles.append(handle)
        return handle

    def sample(
        self,
        folder: str,
        seconds: float,
        keep: Callable[[dict[str, float]], object],
        on_note: Callable[[str], None] | None,
    ) -> None:
        """Begin to take samples of the system's metrics, unless that has begun.

        Args:
            folder: Where the experiment lies: the disk whose room is looked at.
            keep: Given each sample.
            on_note: Told what cannot be sampled.
        """
        if self._sampler is not None:
            return
        from ..monitor.system import SystemSampler

        sampler = SystemSampler(
            folder, visible_gpus=os.environ.get("CUDA_VISIBLE_DEVICES"), on_note=on_note
        )
        self._sampler = sampler
        self._sampling = self.repeat(
            lambda: keep(sampler.sample()), seconds, first_after=1.0, name="system metrics"
        )

    def stop_sampling(self) -> None:
        """Take no more samples: another process takes those of this machine."""
        if self._sampling is not None:
            self._sampling.cancel()

    def keep_console(self, path: str, on_trouble: Callable[[int, str], None]) -> None:
        """Begin to keep what the program prints, secrets in it masked.

        Args:
            on_trouble: Told how many lines could not be kept, and why.
        """
        from ..monitor.console import ConsoleCapture

        self._console = ConsoleCapture(path, on_trouble=on_trouble, mask=LineMask())
        self._console.start()

    def leave_console(self) -> None:
        """In a forked process: what it prints is kept by the copy of the process that it came from."""
        self._console = None

    def forget(self) -> None:
        """In a forked process: what was begun is the parent's."""
        self._handles.clear()

    def stop(self) -> None:
        """Stop all of it."""
        for handle in self._handles:
            handle.cancel()
        if (
            self._sampler is not None
            and self._sampling is not None
            and self._sampling.cancel(wait=_STOP_WAIT)
        ):
            self._sampler.close()
        if self._console is not None:
            self._console.stop()
