"""A server whose disk is full: it says so, loses nothing that it confirmed, and goes on once there is room."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew import Store
from anew.sync.push import push
from faults.site import pushed, quick_folder, serving
from sync.recorded import Root, files, segments

from .test_full_disk import fill

pytestmark = [pytest.mark.privileged, pytest.mark.slow]


def test_a_server_whose_disk_is_full_takes_the_rest_when_there_is_room(small_disk: Path):
    with quick_folder() as folder, serving(small_disk / "there") as server:
        root = Root(folder / "here", 1)
        id, writer = root.open("lab/x/a")
        root.points(id, writer, 200)
        pushed(root.path, server.url)
        for round_ in range(3):
            ballast = fill(small_disk)
            root.points(id, writer, 400)
            root.file(id, writer, "a.bin", bytes([round_]) * 300_000)
            other, beside = root.open(f"lab/x/b{round_}")
            root.points(other, beside, 100)
            root.close(other, beside)
            with pytest.raises(OSError):
                push(root.path, server.url)
            with Store(server.url) as store:  # reading needs no room
                assert store[id].metrics["loss"].count >= 200
            ballast.unlink()
            pushed(root.path, server.url)
        root.close(id, writer)
        pushed(root.path, server.url)
        with Store(server.url) as store:
            assert store[id].metrics["loss"].count == 1400
        for prefix in root.prefixes.values():
            assert segments(root.path / prefix) == segments(server.root / prefix)
            assert files(root.path / prefix) == files(server.root / prefix)
