"""What becomes of a question when the connection breaks, and of answers that cannot be."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Iterator

import msgspec
import pytest

from anew.errors import Conflict, InvalidSetting, NotFound, UnknownFormat
from anew.query.about import About
from anew.query.changes import Changes, ChangesQuestion
from anew.query.edits import AppendQuestion
from anew.query.points import Points, PointsQuestion
from anew.reading.problems import Problem, Refusal
from anew.reading.remote import calls
from anew.reading.remote.opening import open_server
from anew.reading.wire import encode
from anew.record.edits import FieldEdit

ABOUT = encode(About(format=1, where="there", user="me", root="/data"))


def answer(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    told = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*told, "", ""]).encode() + body


@contextlib.contextmanager
def scripted(*answers: bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these answers in turn (None closes the connection instead); the URL, and what it was asked."""
    asked: list[bytes] = []
    script = list(answers)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while script:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    while script:
                        request = b""
                        while b"\r\n\r\n" not in request and (piece := connection.recv(65536)):
                            request += piece
                        if not request:
                            break
                        asked.append(request)
                        said = script.pop(0)
                        if said is None:
                            break
                        connection.sendall(said)
                        if b"Content-Length: 9999" in said:
                            break

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        script.clear()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(300)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_WAITS", (0.0, 0.0, 0.0))


def opened(url: str) -> contextlib.closing:
    class Closing:
        def __init__(self) -> None:
            self.backend, self.upkeep, self.close, *_ = open_server(url)

    return contextlib.closing(Closing())


def refused(problem: Problem, status: str) -> bytes:
    return answer(msgspec.json.encode(Refusal(problem)), status)


def test_a_question_is_asked_again_when_its_connection_breaks():
    broken = (None, answer(ABOUT[:3], length=9999), answer(b"", "503 Service Unavailable"))
    with scripted(*broken, answer(ABOUT)) as (url, asked), opened(url) as there:
        about = there.backend.about()
    assert (about.where, about.root) == (url, None)
    assert len(asked) == 4


@pytest.mark.parametrize("cut", [20, 30, 45])
def test_an_answer_that_is_cut_off_in_its_head_is_asked_for_again(cut: int):
    whole = answer(ABOUT, "200 OK", "Content-Type: application/msgpack")
    broken = whole[:cut] + b"\r\nX: Content-Length: 9999"
    with scripted(broken, whole) as (url, asked), opened(url) as there:
        assert there.backend.about().where == url
        assert len(asked) == 2


def test_a_web_page_in_the_place_of_the_server_may_pass_by_itself():
    page = answer(b"<html>Log in</html>", "200 OK", "Content-Type: text/html; charset=utf-8")
    with scripted(page) as (url, _), opened(url) as there:
        with pytest.raises(OSError) as raised:
            there.backend.about()
        assert not isinstance(raised.value, UnknownFormat)


def test_a_connection_is_used_again_and_replaced_when_the_server_closed_it():
    moved = answer(encode(Changes("1")))
    with scripted(answer(ABOUT), moved, None, moved) as (url, asked), opened(url) as there:
        there.backend.about()
        for _ in range(2):
            assert there.backend.changes(ChangesQuestion()) == Changes("1")
    assert len(asked) == 4


def test_an_edit_is_sent_once_whatever_becomes_of_its_answer():
    edit = AppendQuestion((FieldEdit(id="x", field="notes", value="once"),))
    with scripted(None, answer(b"late")) as (url, asked), opened(url) as there:
        with pytest.raises(ConnectionError):
            there.backend.append(edit)
        assert len(asked) == 1


def test_a_server_that_stays_away_is_given_up():
    with scripted(None, None, None, None, None) as (url, asked), opened(url) as there:
        with pytest.raises(ConnectionError):
            there.backend.about()
        assert len(asked) == 4


def test_pieces_of_an_answer_that_stop_in_the_middle_are_an_error_and_no_answer():
    piece = encode(Points(()))
    body = len(piece).to_bytes(8, "little") + piece  # and no end
    frames = f"Content-Type: {calls.FRAMES}"
    for said in (
        answer(body, "200 OK", frames),
        answer(body, "200 OK", frames, length=9999),
        answer((1 << 62).to_bytes(8, "little"), "200 OK", frames),
    ):
        with scripted(said) as (url, _), opened(url) as there, pytest.raises(ConnectionError):
            there.backend.points(PointsQuestion(ids=("x",)))
    with scripted(answer(body + bytes(8), "200 OK", frames)) as (url, _), opened(url) as there:
        assert there.backend.points(PointsQuestion(ids=("x",))).series == ()


@pytest.mark.parametrize("body", [b"", b"\xc1", b"<html>", encode([1, 2]), encode({"format": "x"})])
def test_an_answer_of_another_version_is_said_to_be_one(body):
    with scripted(answer(body)) as (url, _), opened(url) as there, pytest.raises(UnknownFormat):
        there.backend.about()


def test_errors_of_the_server_are_raised_as_what_they_are():
    for problem, status, kind in (
        (Problem(code="Conflict", message="x"), "409 Conflict", Conflict),
        (Problem(code="NotFound", message="x", nearest=("y",)), "404 Not Found", NotFound),
        (
            Problem(code="MisdirectedRequest", message="x"),
            "421 Misdirected Request",
            InvalidSetting,
        ),
        (Problem(code="NoSuchRoute", message="x"), "404 Not Found", UnknownFormat),
        (Problem(code="OSError", message="x"), "500 Internal Server Error", OSError),
    ):
        said = refused(problem, status)
        with scripted(said) as (url, _), opened(url) as there, pytest.raises(kind):
            there.backend.about()


def test_a_compressed_answer_is_read_and_a_damaged_one_is_asked_for_again():
    packed = gzip.compress(ABOUT)
    damaged = answer(packed[:-9], "200 OK", "Content-Encoding: gzip")
    whole = answer(packed, "200 OK", "Content-Encoding: gzip")
    with scripted(damaged, whole) as (url, _), opened(url) as there:
        assert there.backend.about().user == "me"


def test_a_path_in_the_address_comes_before_every_route():
    with scripted(answer(ABOUT)) as (url, asked), opened(f"{url}/lab/anew") as there:
        there.backend.about()
    assert asked[0].startswith(b"POST /lab/anew/api/v1/ask/about HTTP/1.1")
