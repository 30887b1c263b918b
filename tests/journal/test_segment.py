"""Segments: whole lines, kept through failing disks, forks and deletions."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from anew.journal.segment import PENDING_BYTES, Segment


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_an_appended_line_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    segment = Segment(str(tmp_path / "a" / "x.jsonl"))
    assert segment.append(b"one\n")
    assert lines(tmp_path / "a" / "x.jsonl") == ["one"]


def test_an_exclusive_segment_refuses_a_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(FileExistsError):
        Segment(str(tmp_path / "x"), exclusive=True)


def test_threads_append_whole_lines_without_a_lock(tmp_path: Path) -> None:
    segment = Segment(str(tmp_path / "x"))

    def work(name: int) -> None:
        for i in range(2000):
            segment.append(b"%d:%d:%s\n" % (name, i, b"x" * 50))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [tuple(line.split(":")[:2]) for line in lines(tmp_path / "x")]
    for name in range(4):
        assert [int(i) for n, i in found if n == str(name)] == list(range(2000))


FULL_DISK = """
import resource, sys
from anew.journal.segment import Segment
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
troubles = []
segment = Segment(sys.argv[1], on_trouble=troubles.append)
for i in range(300):
    segment.append(b"%04d-%s\\n" % (i, b"x" * 20))
assert segment.trouble is not None and len(troubles) == 1, troubles
assert segment.pending and not segment.lost
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert segment.recover()
segment.append(b"after-" + b"x" * 20 + b"\\n")
segment.close()
assert segment.lost == 0 and segment.trouble is None
"""


def test_lines_refused_by_a_full_disk_are_written_when_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "x"
    subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], check=True)
    whole = [line for line in lines(path) if len(line) in (25, 26)]
    # The line that was cut short is there again, whole; its first part ends in a newline of its own.
    assert whole == [f"{i:04d}-{'x' * 20}" for i in range(300)] + ["after-" + "x" * 20]
    assert len(lines(path)) - len(whole) <= 1


LOSING = """
import resource, sys
from anew.journal.segment import Segment
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
segment = Segment(sys.argv[1])
line = b"y" * 9999 + b"\\n"
for i in range(300):
    segment.append(line)
segment.close()
print(segment.lost)
"""


def test_what_memory_does_not_hold_is_counted_as_lost(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOSING, str(tmp_path / "x")], check=True, capture_output=True
    )
    assert int(done.stdout) == 300
    assert PENDING_BYTES < 300 * 10_000


def test_a_deleted_file_is_noticed_and_its_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x"
    segment = Segment(str(path))
    for _ in range(5):
        segment.append(b"line\n")
    assert not segment.is_gone()
    path.unlink()
    assert segment.append(
        b"into nowhere\n"
    )  # the system says nothing, which is why one has to look
    assert segment.is_gone()
    assert segment.abandon(FileNotFoundError()) == 6
    assert not segment.append(b"refused\n")
    segment.close()
    assert segment.lost == 7
    assert not path.exists()


def test_a_segment_whose_folder_cannot_be_made_is_in_trouble_and_recovers(tmp_path: Path) -> None:
    blocked = tmp_path / "folder"
    blocked.write_text("a file where the folder should be")
    segment = Segment(str(blocked / "x"))
    assert not segment.append(b"kept\n")
    assert segment.trouble is not None
    blocked.unlink()
    assert segment.recover()
    assert lines(blocked / "x") == ["kept"]


def test_rotation_goes_on_in_the_new_file_behind_the_same_descriptor(tmp_path: Path) -> None:
    segment = Segment(str(tmp_path / "1"))
    fd = segment.fd
    segment.append(b"first\n")
    segment.rotate(str(tmp_path / "2"))
    os.write(fd, b"second\n")
    assert (lines(tmp_path / "1"), lines(tmp_path / "2")) == (["first"], ["second"])
    assert segment.path == str(tmp_path / "2")


def test_a_closed_segment_refuses_writes_to_its_old_descriptor(tmp_path: Path) -> None:
    segment = Segment(str(tmp_path / "x"))
    segment.close()
    other = os.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(segment.fd, b"late\n")
    os.close(other)
    assert lines(tmp_path / "x") == []


FORGETTING = """
import os, sys
from anew.journal.segment import Segment
segment = Segment(sys.argv[1])
pid = os.fork()
if pid == 0:
    segment.forget()
    try:
        os.write(segment.fd, b"child\\n")
    except OSError:
        os._exit(0)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert segment.append(b"parent\\n")
"""


def test_a_forked_child_that_forgets_leaves_the_parents_file_alone(tmp_path: Path) -> None:
    # In a process of its own: libraries loaded by other tests have threads that no fork survives.
    subprocess.run([sys.executable, "-c", FORGETTING, str(tmp_path / "x")], check=True)
    assert lines(tmp_path / "x") == ["parent"]


def test_a_line_that_comes_after_the_end_is_refused_without_a_word(tmp_path: Path) -> None:
    troubles: list[OSError] = []
    segment = Segment(str(tmp_path / "x"), on_trouble=troubles.append)
    segment.append(b"one\n")
    segment.close()
    assert not segment.append(b"late\n")
    assert (troubles, segment.lost, segment.pending) == ([], 0, 0)


def test_the_limit_used_here_raises_instead_of_killing(tmp_path: Path) -> None:
    # The proofs above rest on it: Python ignores SIGXFSZ.
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
