"""How much one caller may ask for, and that the others are answered meanwhile."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from anew import Experiment, Store
from anew.errors import TookTooLong
from anew.query.panel import PanelQuestion
from anew.query.points import PointsQuestion
from anew.reading.wire import encode
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.asking import FRAMES
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.server.limits import Limits, Rate
from anew.server.meters import Meters
from anew.server.replies import Denied
from anew.server.table import API
from anew.stores.deadline import within
from anew.stores.series.engine import Engine
from anew.sync.push import push
from serving import InProcess, place_of


def test_a_caller_may_ask_so_often_and_others_are_not_counted_with_it():
    now = [0.0]
    rate = Rate(2.0, 3.0, clock=lambda: now[0])
    assert [rate.take("a") for _ in range(4)] == [True, True, True, False]
    assert rate.take("b")
    now[0] += 0.5
    assert [rate.take("a") for _ in range(2)] == [True, False]
    now[0] += 1000.0
    assert [rate.take("a") for _ in range(4)] == [True, True, True, False]


def test_callers_without_number_are_not_remembered_without_end():
    rate = Rate(1.0, 1.0)
    for number in range(11_000):
        rate.take(str(number))
    assert len(rate._left) <= 10_000


@pytest.fixture
def server(tmp_path: Path):
    place = place_of(str(tmp_path))
    accounts = Accounts(str(tmp_path), trusting=False)
    tokens = [accounts.create_token(name, Role.READER) for name in ("one", "two")]
    meters = Meters(Limits(token_requests=1.25), lambda: 0.0)  # five at once
    access = Access("x", identities=accounts, meters=meters)
    transport = InProcess(make_app(place, access))
    transport.place = place
    yield transport, [{"Authorization": f"Bearer {token}"} for token in tokens]
    transport.close()
    accounts.close()
    place.close()


def test_who_asks_too_often_is_told_when_to_go_on_and_the_others_are_answered(server):
    transport, (one, two) = server
    answers = [transport.send("GET", f"{API}/about", one) for _ in range(7)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["retry-after"]
    assert transport.send("GET", f"{API}/about", two).status == 200
    guesses = [
        transport.send("GET", f"{API}/about", {"Authorization": f"Bearer anew_{n}"}).status
        for n in range(7)
    ]
    assert guesses == [401] * 5 + [429] * 2


def test_a_caller_waits_for_changes_in_so_many_streams(server):
    transport, (one, two) = server
    transport.place.live.of_caller["token:1"] = 8
    assert transport.send("GET", f"{API}/events", one).status == 429
    transport.place.live.closed = True  # so that the answer ends
    assert transport.send("GET", f"{API}/events", two).status == 200
    assert transport.place.live.of_caller == {"token:1": 8}


def test_what_a_caller_owes_is_paid_off_by_time_and_not_by_others():
    now = [0.0]
    traffic = Rate(100.0, 400.0, clock=lambda: now[0])
    traffic.charge("a", 1000.0)
    assert traffic.owing("a") == 6.0
    assert traffic.owing("b") == 0.0
    now[0] += 6.0
    assert traffic.owing("a") == 0.0


def test_who_sends_too_many_bytes_waits_and_nobody_else_does(tmp_path: Path):
    now = [0.0]
    place, accounts = place_of(str(tmp_path)), Accounts(str(tmp_path), trusting=False)
    one, two = (
        {"Authorization": f"Bearer {accounts.create_token(name, Role.WRITER)}"}
        for name in ("one", "two")
    )
    access = Access(
        "x", identities=accounts, meters=Meters(Limits(token_bytes=1000), lambda: now[0])
    )
    transport = InProcess(make_app(place, access))
    body = {"content-type": "application/msgpack", "content-length": "10000"}
    try:
        transport.send("POST", f"{API}/ask/points", one | body, bytes(10_000))
        refused = transport.send("GET", f"{API}/about", one)
        assert (refused.status, json.loads(refused.body)["error"]["code"]) == (429, "TooManyBytes")
        assert 6 <= int(refused.headers["retry-after"]) <= 7
        assert transport.send("GET", f"{API}/about", two).status == 200
        now[0] += int(refused.headers["retry-after"])
        assert transport.send("GET", f"{API}/about", one).status == 200
    finally:
        transport.close()
        accounts.close()
        place.close()


def test_what_is_refused_for_a_time_is_sent_again_and_no_point_is_lost(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    with Experiment("lab/x/a", root=str(here), quiet=True, system_metrics=0) as exp:
        for step in range(2_000):
            exp.log_metrics({"loss": 1.0 / (step + 1)}, step=step)
    now, refused = [0.0], []

    class Passing(Meters):
        """Time passes whenever somebody is told to wait."""

        def admit(self, token: str, project: str = "") -> None:
            try:
                super().admit(token, project)
            except Denied as error:
                refused.append(error.after)
                now[0] += error.after
                raise

    place = place_of(str(there))
    access = Access("x", meters=Passing(Limits(token_bytes=2_000), lambda: now[0]))
    transport = InProcess(make_app(place, access))
    try:
        for _ in range(20):
            try:
                push(str(here), "http://127.0.0.1:5700", transport=transport)
                break
            except OSError:
                continue  # as the process beside the program does: it begins again later
    finally:
        transport.close()
        place.close()
    assert refused
    with Store(str(there)) as store:
        assert store.get(exp.id).point_count == 2_000


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A store whose points lie in Parquet, and an experiment of it."""
    root = str(tmp_path_factory.mktemp("sealed"))
    with Experiment("lab/x/a", root=root, quiet=True, system_metrics=0) as exp:
        for step in range(200):
            exp.log_metrics({"loss": 1.0 / (step + 1)}, step=step)
    with Store(root) as store:
        assert store.seal() == 1
    return root, exp.id


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("ask/points", PointsQuestion(ids=("ID",), metrics=("loss",))),
        ("ask/panel", PanelQuestion(ids=("ID",), metrics=("loss",))),
        ("series", None),
    ],
)
@pytest.mark.parametrize("pieces", [False, True])
def test_reading_points_ends_when_the_time_for_a_question_is_over(
    sealed: tuple[str, str], path: str, question: Any, pieces: bool
):
    root, id = sealed
    place = place_of(root)
    transport = InProcess(make_app(place, Access("tester")))

    def asked() -> Any:
        if question is None:
            return transport.send("GET", f"{API}/experiments/{id}/series/loss")
        body = encode(msgspec.structs.replace(question, ids=(id,)))
        headers = {"content-type": "application/msgpack"} | ({"accept": FRAMES} if pieces else {})
        return transport.send("POST", f"{API}/{path}", headers, body)

    try:
        place.seconds = (
            0.0  # before anything is answered: an answer that is still known takes no time
        )
        answer = asked()
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (422, "TookTooLong")
        place.seconds = 30.0
        assert asked().status == 200
    finally:
        transport.close()
        place.close()


def test_a_query_in_the_engine_is_ended_and_the_next_one_is_answered():
    heavy = "SELECT sum(a.range * b.range) AS s FROM range(1000000) a, range(1000000) b"
    with Engine() as engine:
        began = time.monotonic()
        with within(0.2), pytest.raises(TookTooLong):
            engine.columns(heavy)
        assert time.monotonic() - began < 60
        assert engine.columns("SELECT 1 AS one")["one"].tolist() == [1]


def test_more_points_than_one_answer_holds_are_refused(sealed: tuple[str, str]):
    root, id = sealed
    place = place_of(root)
    transport = InProcess(
        make_app(place, Access("tester", meters=Meters(Limits(answer_points=100))))
    )
    try:
        path = f"{API}/experiments/{id}/series/loss"
        assert transport.send("GET", path).status == 400
        assert transport.send("GET", f"{path}?points=50").status == 200
        assert transport.send("GET", f"{path}?start=0&stop=50").status == 200
    finally:
        transport.close()
        place.close()


def test_the_index_is_brought_up_to_date_however_little_time_a_question_has(tmp_path: Path):
    with Store(str(tmp_path)) as store, within(0.0):
        with Experiment("a", root=str(tmp_path), quiet=True, system_metrics=0) as exp:
            exp.log_metrics({"loss": 1.0}, step=0)
        assert [view.id for view in store.list()] == [exp.id]
