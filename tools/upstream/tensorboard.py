"""The tests of tensorboardX: what of them concerns a program that logs."""

from __future__ import annotations

import sys
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
    (r"test_flush|metadata", "reads event files, which the dialect does not write"),
    (
        r"_write_to_disk_false|GlobalSummaryWriter|multiprocess",
        "event files of several processes, or of none",
    ),
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
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a store of its own."""
    monkeypatch.setenv("ANEW_ROOT", str(tmp_path / "store"))
