"""Frames that arrive, and the segments that they are appended to."""

from __future__ import annotations

import contextlib
import os

from ...journal.edits import edit_writer
from ...journal.layout import ExperimentLayout
from ...journal.storage import FolderStorage
from ...reading.local.root import OpenRoot
from ...sync.listing import is_edit
from ...sync.sealed import text_of
from ...sync.wire import Accepted, Frame
from .filing import Home
from .identity import belongs
from .names import is_part_text, is_segment, prepare
from .segments import append_at, keep_beside, unpacked

__all__ = ["Frames"]


class Frames:
    """Appends frames to the segments of experiments. Any thread may use it.

    Args:
        root: The root that the experiments lie in.
    """

    def __init__(self, root: OpenRoot) -> None:
        self._root = root
        self._conflicts = root.stores.root.conflicts

    def append(self, home: Home, frame: Frame) -> Accepted:
        """What becomes of a frame of the experiment that lies there."""
        if not is_segment(frame.name) or frame.offset < 0:
            return Accepted(status="refused", reason="this is no segment")
        data = unpacked(frame.data, frame.coding, frame.check)
        if data is None:
            return Accepted(status="damaged")
        if frame.beside:
            return self._beside(home, frame.name, frame.offset, data, 0)
        try:
            path = prepare(home.folder, frame.name)
            if is_part_text(frame.name) and os.path.lexists(f"{path[:-6]}.parquet"):
                return Accepted(status="sealed", size=text_of(f"{path[:-6]}.parquet").size)
            if (
                frame.name.startswith("journal/")
                and frame.offset == 0
                and not os.path.lexists(path)
            ):
                reason = belongs(FolderStorage(home.folder), home.id, frame.name, data)
                if reason is not None:
                    return Accepted(status="refused", reason=reason)
            # A server that was restored gets back its own edits too, and may be writing others now.
            own = is_edit(frame.name) and frame.name == f"journal/{self._own_edits(home)}.jsonl"
            with self._root.guard if own else contextlib.nullcontext():
                status, size = append_at(path, frame.offset, data, frame.before)
        except NotADirectoryError:
            return Accepted(status="refused", reason="a link lies in its place")
        if status == "diverged":
            return self._beside(home, frame.name, frame.offset, data, size)
        if status == "gone":
            return Accepted(status="gap", size=0)
        return Accepted(status="ok" if status == "ok" else "gap", size=size)

    def _beside(self, home: Home, name: str, offset: int, data: bytes, size: int) -> Accepted:
        folder = os.path.join(self._conflicts, home.id)
        kept = keep_beside(folder, name, offset, data)
        reason = "" if kept else "there is no room to keep it beside"
        return Accepted(status="diverged", size=size, reason=reason)

    @staticmethod
    def _own_edits(home: Home) -> str:
        return edit_writer(ExperimentLayout(home.folder), home.id)
