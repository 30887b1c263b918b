"""The backend of a server keeps every promise of a folder's: in this process, and over a socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.reading.remote.opening import open_server
from anew.testing.backend import BackendContract
from serving import in_process, over_a_socket


class Served(BackendContract):
    @pytest.fixture
    def root(self, tmp_path: Path):
        folder = tmp_path / "store"
        folder.mkdir()
        return str(folder)


class TestInProcess(Served):
    @pytest.fixture
    def backend(self, root: str):
        with in_process(root) as transport:
            yield open_server("http://127.0.0.1:5700", transport).backend


@pytest.mark.slow  # what differs from the one above is held by every test that has a server of its own
class TestOverASocket(Served):
    @pytest.fixture
    def backend(self, root: str):
        with over_a_socket(root) as url:
            opened = open_server(url)
            yield opened.backend
            opened.close()
