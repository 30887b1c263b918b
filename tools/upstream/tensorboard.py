"""The tests of tensorboardX: what of them concerns a program that logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

TESTS = (
    "test_writer.py", "test_summary_writer.py", "test_hparams.py", "test_embedding.py", "test_figure.py", "test_pytorch_np.py",
    "test_numpy.py", "test_pr_curve.py", "test_multiprocess_write.py", "test_pytorch_graph.py", "test_chainer_np.py",
    "test_onnx_graph.py",
)  # fmt: skip
INSIDE: dict[str, str] = {}
SOURCE: tuple[tuple[str, str], ...] = ((r"PyRecordReader|compare_proto|EventFileWriter", "reads event files, which the dialect does not write"),)  # fmt: skip
APART: tuple[tuple[str, str], ...] = (
    (r"test_flush|metadata|reads?_event", "reads event files, which the dialect does not write"),
    (r"s3_mock", "event files in a bucket"),
    (r"pr_purve|_raw", "compares bytes of protocol buffers"),
)
"""Which tests do not apply, and what they are about."""
KNOWN: dict[str, str] = {}


def pytest_configure(config: object) -> None:
    """Put the dialect in the place of tensorboardX; what is no writer stays."""
    import moto
    import tensorboardX

    import anew.dialects.tensorboard as ours

    if not hasattr(moto, "mock_s3"):  # as older versions had it
        moto.mock_s3 = moto.mock_aws
    tensorboardX.SummaryWriter = ours.SummaryWriter
    del sys.modules["tensorboardX"]
    stands = ModuleType("tensorboardX")
    stands.__dict__.update(tensorboardX.__dict__)
    sys.modules["tensorboardX"] = stands


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    yield
    import anew

    while anew.current() is not None:
        anew.finish()
