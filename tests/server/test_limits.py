"""How much one caller may ask for, and that the others are answered meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.server.limits import Rate
from anew.server.table import API
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
    access = Access("x", identities=accounts, rate=Rate(0.0, 5.0))
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
