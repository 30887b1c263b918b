"""Alerts find what happened, say it once, and tell people by real mail and real requests."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.server
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.alerts.face import Alerts
from anew.alerts.places import is_public
from anew.alerts.rules import ALERT
from anew.alerts.sending import SIGNATURE, Sender
from anew.alerts.watching import PAUSES, Watch
from anew.errors import InvalidValue, NotFound
from anew.query.edits import AppendQuestion
from anew.record.edits import DocumentEdit

SECRET = "a secret of the tests"


class Receiver(http.server.ThreadingHTTPServer):
    """Takes requests, and answers as it is told."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.slowly = False
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook/token"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.url)
        with contextlib.suppress(OSError):  # whoever asked has gone
            while self.server.slowly and not self.server.over.wait(0.02):
                self.wfile.write(b"X: y\r\n")
            self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


class Sink(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP to take mails."""

    daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"


class _Smtp(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(text)
                self.server.mails.append(b"".join(lines).decode())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from _serving(Receiver())


@pytest.fixture
def sink() -> Iterator[Sink]:
    yield from _serving(Sink())


def _serving(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    root = tmp_path / "root"
    root.mkdir()
    with Store(root) as opened:
        yield opened


def record(store: Store, prefix: str, **metrics: float) -> str:
    with Experiment(prefix, root=store.root, quiet=True, console="off", system_metrics=0) as exp:
        exp.log_metrics(metrics, step=0)
    return exp.id


def watch(store: Store, **environ: str) -> Watch:
    return Watch(store.backend, Sender({"secret": SECRET, "private": "1", **environ}))


def found(store: Store) -> set[tuple[str, str]]:
    return {(one.alert, one.prefix) for one in store.alerts.fired()}


def test_each_condition_finds_its_experiments_once(store):
    store.alerts.add("nan", when="nan")
    store.alerts.add("high", when="metrics.loss.last > 10", filter="metrics.acc exists")
    store.alerts.add("over", when="ended completed", project="lab/a")
    store.alerts.add("judged", when="verdict diverged")
    watching = watch(store)
    assert watching.step().fired == 0
    record(store, "lab/a/nan", loss=float("nan"), acc=0.0)
    record(store, "lab/a/high", loss=11.0, acc=0.0)
    record(store, "lab/b/high", loss=11.0)
    other = record(store, "lab/b/low", loss=1.0, acc=0.0)
    watching.step()
    expected = {
        ("nan", "lab/a/nan"),
        ("high", "lab/a/high"),
        ("over", "lab/a/nan"),
        ("over", "lab/a/high"),
    }
    assert found(store) == expected
    store.capture(other, "reproduction", {"verdict": "DIVERGED"})
    watching.step()
    assert found(store) == expected | {("judged", "lab/b/low")}
    assert watching.step().fired == watch(store).step().fired == 0


def test_what_had_ended_before_an_alert_was_made_is_not_told(store):
    record(store, "lab/a/old", loss=float("nan"))
    store.alerts.add("nan", when="nan")
    assert watch(store).step().fired == 0


def test_a_run_without_points_is_found_when_its_time_has_come(store):
    now = [0.0]
    store.alerts.add("idle", when="stalled 30m")
    with Experiment(
        "lab/a/one", root=store.root, quiet=True, console="off", system_metrics=0
    ) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
        began = store[exp.id].facts.created_at
        watching = Watch(store.backend, Sender({}), clock=lambda: began + now[0])
        assert watching.step().fired == 0
        now[0] = 1700.0
        assert watching.step().fired == 0
        now[0] = 1900.0
        assert watching.step().fired == 1
    assert found(store) == {("idle", "lab/a/one")}


def test_people_are_told_once_by_mail_by_signed_request_and_as_slack_takes_it(
    store, receiver, sink
):
    slack = f"slack:{receiver.url}"
    store.alerts.add("nan", when="nan", to=["me@example.org", receiver.url, "@ops"])
    record(store, "lab/a/one", loss=float("nan"))
    settings = {"smtp": sink.url, "places": f"ops={slack}"}
    assert watch(store, **settings).step().sent == 3
    assert watch(store, **settings).step().sent == 0
    assert store.alerts.fired()[0].told == "sent"
    assert len(sink.mails) == 1
    assert "Subject: nan: lab/a/one" in sink.mails[0]
    (headers, body), (_, as_slack) = receiver.taken
    then, _, given = headers[SIGNATURE].removeprefix("t=").partition(",v1=")
    assert (
        given == hmac.new(SECRET.encode(), f"{then}.".encode() + body, hashlib.sha256).hexdigest()
    )
    assert json.loads(body)["experiment"]["prefix"] == "lab/a/one"
    assert "lab/a/one" in json.loads(as_slack)["text"]


def test_who_is_named_in_a_comment_is_told_once_where_a_destination_is_called_so(store, sink):
    record(store, "lab/a/one", loss=1.0)
    settings = {"smtp": sink.url, "places": "bo=bo@example.org"}
    assert watch(store, **settings).step() == (0, 0, 0)
    said = store.comments.add("lab/a/one", "why, @Bo and @ana?", metric="loss", step=0)
    store.comments.add(None, "me@bo.org is no mention", reply_to=said.id)
    watching = watch(store, **settings)
    assert watching.step() == (1, 1, 0)
    assert watch(store, **settings).step() == (0, 0, 0)
    store.comments.edit(said.id, "why, @bo?")  # it was told
    assert watch(store, **settings).step() == (0, 0, 0)
    (mail,) = sink.mails
    assert "To: bo@example.org" in mail
    assert "why, @Bo and @ana?" in mail
    assert store.alerts.fired() == []  # no alert found that


def test_one_alert_is_asked_for_and_what_it_found_is_counted(store):
    for name, project in (("nan", None), ("nan", "lab/a"), ("other", None)):
        store.alerts.add(name, when="nan", project=project)
    for name in ("lab/a/one", "lab/b/two"):
        record(store, name, loss=float("nan"))
    Watch(store.backend, Sender({})).step()
    told = Heard(store.backend)
    alerts = Alerts(told)
    assert alerts.get("nan", project="lab/a").project == "lab/a"
    assert (alerts.count("nan"), alerts.count("nan", project="lab/a"), alerts.count("x")) == (2, 1, 0)  # fmt: skip
    assert told.documents_given == 1  # the alert, and nothing that was found
    with pytest.raises(NotFound) as lacking:
        alerts.remove("nan", project="lab/b")
    assert sorted(lacking.value.nearest) == ["nan", "nan", "other"]
    assert alerts.remove("nan").project is None
    assert [one.project for one in alerts.list() if one.name == "nan"] == ["lab/a"]


class Heard:
    """A backend that counts the documents in its answers."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.documents_given = 0

    def documents(self, question: Any) -> Any:
        found = self._backend.documents(question)
        self.documents_given += len(found.documents)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def test_telling_is_tried_again_after_pauses_and_then_said_to_have_failed(store, receiver):
    now, said = [1e9], []
    receiver.status = 302  # it is not followed
    store.alerts.add("nan", when="nan", to=[receiver.url])
    record(store, "lab/a/one", loss=float("nan"))
    sender = Sender({"private": "1"})
    watching = Watch(store.backend, sender, say=said.append, clock=lambda: now[0])
    watching.step()
    for tried, pause in enumerate(PAUSES, start=1):
        assert len(receiver.taken) == tried
        now[0] += pause - 1
        watching.step()
        assert len(receiver.taken) == tried
        now[0] += 1
        watching.step()
    fired = store.alerts.fired()[0]
    assert (fired.told, len(receiver.taken), len(said)) == ("failed", len(PAUSES) + 1, 1)
    assert "302" in fired.to[receiver.url].error


def test_nothing_is_sent_to_a_private_address_that_nobody_allowed(store, receiver):
    store.alerts.add(
        "nan", when="nan", to=[receiver.url, f"http://localhost:{receiver.server_address[1]}/"]
    )
    record(store, "lab/a/one", loss=float("nan"))
    assert Watch(store.backend, Sender({})).step().failed == 2
    assert receiver.taken == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1",
     "fec0::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "255.255.255.255"],
)  # fmt: skip
def test_addresses_that_lead_inside_are_not_public(address):
    assert not is_public(address)


def test_public_addresses_are_public():
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


@pytest.mark.parametrize(
    "to",
    ["", "nobody", "ftp://example.org/x", "http://", "http://[bad", "http://example.org:99999/", "http://me:x@example.org/",
     "http://example.org/ä b", f"http://{'a' * 70}.example/", "slack:me", "@", "@a b", "Me <me@example.org>",
     "me@example.org,you@example.org", "mailto:me@example.org?cc=you@example.org", "me@example.org\nBcc: you@example.org"],
)  # fmt: skip
def test_what_is_no_destination_is_refused_when_the_alert_is_set(store, to):
    with pytest.raises(InvalidValue):
        store.alerts.add("nan", when="nan", to=[to])


def test_a_destination_that_cannot_be_read_fails_and_the_others_are_told(store, receiver):
    # As it may stand in a record that somebody else wrote.
    to = ["http://[bad", "http://localhost/ä", "http://localhost:99999/", receiver.url]
    body = {"filter": "", "when": "nan", "to": to}
    edit = DocumentEdit(kind=ALERT, name="nan", body=body, scope="root")
    store.backend.append(AppendQuestion((edit,)))
    record(store, "lab/a/one", loss=float("nan"))
    assert watch(store).step() == (1, 1, 3)
    assert len(receiver.taken) == 1


def test_who_answers_a_little_at_a_time_holds_up_nobody_else(store, receiver):
    receiver.slowly = True
    store.alerts.add("nan", when="nan", to=[receiver.url])
    record(store, "lab/a/one", loss=float("nan"))
    watching = Watch(store.backend, Sender({"private": "1"}, longest=0.2))
    done = []
    thread = threading.Thread(target=lambda: done.append(watching.step()))
    thread.start()
    thread.join(10)
    receiver.over.set()
    thread.join(60)
    assert done == [(1, 0, 0)]  # it is tried again
    assert store.alerts.fired()[0].to[receiver.url].error


def test_what_an_alert_finds_below_its_project_belongs_to_the_project_of_the_experiment(store):
    store.alerts.add("nan", when="nan", project="lab")
    store.alerts.add("nan", when="nan")
    for name in ("lab/one", "lab/a/two", "other/three"):
        record(store, name, loss=float("nan"))
    assert watch(store).step().fired == 5
    scopes = {(one.prefix, one.project): one.scope for one in store.alerts.fired()}
    assert scopes == {
        ("lab/one", "lab"): "project/lab", ("lab/a/two", "lab"): "project/lab/a",
        ("lab/one", None): "root", ("lab/a/two", None): "root", ("other/three", None): "root",
    }  # fmt: skip
    assert (store.alerts.count("nan", project="lab"), store.alerts.count("nan")) == (2, 3)


def test_two_that_watch_at_once_tell_once(store, receiver):
    store.alerts.add("nan", when="nan", to=[receiver.url])
    for number in range(5):
        record(store, f"lab/a/{number}", loss=float("nan"))
    with Store(store.root) as other:
        watching = [watch(store), watch(other)]
        threads = [threading.Thread(target=one.step) for one in watching]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in watching:
            one.step()
    ids = [headers["Anew-Id"] for headers, _ in receiver.taken]
    assert len(ids) == len(set(ids)) == 5


KILLED = """
import os, signal, sys
from anew import Store
from anew.alerts import watching
from anew.alerts.sending import Sender
watching.Watch._send = lambda self: os.kill(os.getpid(), signal.SIGKILL)
with Store(sys.argv[1]) as store:
    watching.Watch(store.backend, Sender({})).step()
"""


def test_what_was_found_before_a_kill_is_sent_after_it(store, receiver):
    store.alerts.add("nan", when="nan", to=[receiver.url])
    record(store, "lab/a/one", loss=float("nan"))
    done = subprocess.run([sys.executable, "-c", KILLED, store.root], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (found(store), receiver.taken) == ({("nan", "lab/a/one")}, [])
    step = watch(store).step()
    assert (step.fired, step.sent, len(receiver.taken)) == (0, 1, 1)


def test_an_alert_that_cannot_be_read_is_refused_and_one_can_be_removed(store):
    for when in ("", "stalled", "ended quietly"):
        with pytest.raises(InvalidValue):
            store.alerts.add("x", when=when)
    store.alerts.add("x", when="nan")
    assert store.alerts.remove("x").name == "x"
    assert store.alerts.list() == []
    with pytest.raises(NotFound):
        store.alerts.remove("x")
