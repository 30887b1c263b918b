"""What projects may send and hold, on a folder and in a group."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.errors import InvalidSetting
from anew.query.question import FactsQuestion
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Grant, Role
from anew.server.identity.accounts import Accounts
from anew.server.limits import Limits
from anew.server.meters import Meters
from anew.server.place import Place
from anew.server.quotas import Held, Quotas
from anew.server.running import place_of
from anew.server.table import API
from anew.sync.push import Pushed, push
from server.group.grouped import Group
from serving import InProcess

SERVER = "http://127.0.0.1:5700"


@pytest.fixture(params=["folder", "group"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Limits], Place]:
    """Opens an empty store with some limits."""
    if request.param == "folder":
        (tmp_path / "there").mkdir()
        return lambda limits: place_of(str(tmp_path / "there"), "tester", limits)
    make_group_database: Callable[[], str] = request.getfixturevalue("make_group_database")
    group = Group(tmp_path / "there", make_group_database())
    return lambda limits: place_of(group.address, "tester", limits)


class Served:
    """A store with limits, and what is pushed to it."""

    def __init__(self, place: Place, limits: Limits, here: Path) -> None:
        self.now = [0.0]
        self.place = place
        self.meters = Meters(limits, lambda: self.now[0])
        self.transport = InProcess(make_app(place, Access("tester", meters=self.meters)))
        self.here = here

    def record(self, prefix: str, points: int = 10) -> str:
        with Experiment(prefix, root=str(self.here), quiet=True, system_metrics=0) as exp:
            for step in range(points):
                exp.log_metrics({"loss": 1.0 / (step + 1)}, step=step)
        return exp.id

    def push(self) -> Pushed:
        return push(str(self.here), SERVER, transport=self.transport)

    def points(self) -> dict[str, int]:
        self.place._upkeep.refresh()
        with Store(str(self.here)) as store:
            ids = [view.id for view in store.list()]
        path = f"{API}/experiments?columns=prefix&limit=100"
        found = json.loads(self.transport.send("GET", path).body)
        there = set(found["ids"])
        counts = {}
        for one in ids:
            if one in there:
                body = self.transport.send("GET", f"{API}/experiments/{one}").body
                counts[one] = json.loads(body)["metrics"]["loss"]["count"]
        return counts

    def foreign(self, method: str, path: str, body: Any) -> Any:
        """The answer to a client of another tracker: its status, headers and JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": "Bearer a"}
        headers["Content-Length"] = str(len(raw))
        answer = self.transport.send(method, path, headers, raw)
        return answer.status, answer.headers, json.loads(answer.body)

    def mlflow(self, what: str, body: Any) -> Any:
        return self.foreign("POST", f"/mlflow/api/2.0/mlflow/{what}", body)

    def dash(self, name: str) -> Any:
        body = {"type": "EXPERIMENT", "projectSlug": "full", "name": name}
        return self.foreign("POST", "/dash/api/namespaces/lab/nodes", body)

    def close(self) -> None:
        self.transport.close()
        self.place.close()


@pytest.fixture
def serve(
    opened: Callable[[Limits], Place], tmp_path: Path
) -> Iterator[Callable[[Limits], Served]]:
    made: list[Served] = []

    def start(limits: Limits) -> Served:
        made.append(Served(opened(limits), limits, tmp_path / "here"))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_a_full_project_takes_no_other_experiment_and_other_projects_do(serve):
    served = serve(Limits(project_experiments=2))
    ids = [served.record(f"lab/full/{name}") for name in "abc"]
    other = served.record("lab/other/a")
    done = served.push()
    assert len(done.refused) == 1
    (reason,) = done.refused.values()
    assert "lab/full" in reason
    assert "project.experiments" in reason
    assert set(served.points()) == {*ids, other} - set(done.refused)
    served.place._upkeep.purge([next(iter(set(ids) - set(done.refused)))])
    served.place.quotas.refresh()
    assert not served.push().refused
    assert set(done.refused) <= set(served.points())


def test_what_goes_beyond_the_bytes_of_a_project_waits_on_the_client_and_is_not_lost(serve):
    served = serve(Limits(project_stored=40_000))
    first = served.record("lab/full/a", points=2_000)
    assert not served.push().refused
    assert served.points() == {first: 2_000}
    second, other = served.record("lab/full/b"), served.record("lab/other/a")
    done = served.push()
    assert set(done.refused) == {second}
    assert "project.stored" in done.refused[second]
    assert set(served.points()) == {first, other}
    served.place.limit(Limits(project_stored=1 << 30))
    assert not served.push().refused
    assert served.points() == {first: 2_000, second: 10, other: 10}


def test_a_project_that_sends_too_much_waits_and_goes_on_by_itself(serve, monkeypatch):
    served = serve(Limits(project_bytes=5_000))
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        served.now[0] += seconds

    monkeypatch.setattr("anew.reading.remote.calls.time.sleep", sleep)
    ids = [served.record("lab/busy/a", 5_000), served.record("lab/busy/b", 5_000)]
    for _ in range(20):
        try:
            if served.push().complete:
                break
        except OSError:
            served.now[0] += 60.0  # as the process beside the program: it begins again later
    assert waits
    assert max(waits) > 1.0
    assert served.points() == dict.fromkeys(ids, 5_000)


def test_what_clients_of_other_trackers_write_fills_a_project_and_is_refused_when_it_is_full(serve):
    served = serve(Limits(project_experiments=2, project_stored=1 << 20))
    (_, _, made) = served.mlflow("experiments/create", {"name": "lab/full"})
    group = {"experiment_id": made["experiment_id"]}
    status, _, begun = served.mlflow("runs/create", group)
    assert status == 200
    run = begun["run"]["info"]["run_id"]
    status, _, opened = served.dash("a")
    assert status == 200
    # Experiments: both clients are refused another one, and go on with those that are there.
    assert served.dash("a")[0] == 200
    status, headers, told = served.mlflow("runs/create", group)
    assert (status, told["error_code"]) == (
        507,
        "RESOURCE_EXHAUSTED",
    )  # its client does not try it again
    assert "project.experiments" in told["message"]
    assert "retry-after" not in headers
    status, _, told = served.dash("b")
    assert (status, told["error"]["code"]) == (507, "ProjectFull")
    (_, _, other) = served.mlflow("experiments/create", {"name": "lab/other"})
    assert served.mlflow("runs/create", {"experiment_id": other["experiment_id"]})[0] == 200
    # Bytes: what was written is held, before it is counted.
    file = (
        f"/mlflow/api/2.0/mlflow-artifacts/artifacts/{group['experiment_id']}/{run}/artifacts/w.bin"
    )
    assert served.foreign("PUT", file, bytes(1 << 20))[0] == 200
    point = {"run_id": run, "key": "loss", "value": 1.0, "timestamp": 1, "step": 0}
    row = {"dataPoints": [{"loss": 1.0, "_ts": 1.0}]}
    rows = f"/dash/api/experiments/{opened['experiment']['id']}/metrics/train/append-batch"
    for counted in (False, True):
        status, _, told = served.mlflow("runs/log-metric", point)
        assert (status, told["error_code"]) == (507, "RESOURCE_EXHAUSTED")
        assert "project.stored" in told["message"]
        assert served.foreign("PUT", file + "2", b"more")[0] == 507
        assert served.foreign("POST", rows, row)[0] == 507
        if not counted:
            served.place._upkeep.refresh()
            served.place.quotas.refresh()
    # How it ends is taken all the same, and with more room everything is.
    assert (
        served.mlflow("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 5})[0] == 200
    )
    served.place.limit(Limits(project_stored=1 << 30))
    assert served.mlflow("runs/log-metric", point)[0] == 200
    assert served.foreign("POST", rows, row)[0] == 200
    assert [
        one.status.value for one in served.place._backend.facts(FactsQuestion(ids=(run,), now=0.0))
    ] == ["completed"]


def test_what_clients_of_other_trackers_send_to_a_project_is_counted_and_waited_for(
    serve, monkeypatch
):
    monkeypatch.setattr("anew.reading.remote.calls.time.sleep", lambda _: None)
    served = serve(Limits(project_bytes=1_000))
    (_, _, made) = served.mlflow("experiments/create", {"name": "lab/full"})
    status, _, begun = served.mlflow("runs/create", {"experiment_id": made["experiment_id"]})
    assert status == 200
    run = begun["run"]["info"]["run_id"]
    _, _, opened = served.dash("a")
    points = [{"key": "loss", "value": 1.0, "timestamp": step, "step": step} for step in range(100)]
    batch = {"run_id": run, "metrics": points}
    assert (
        served.mlflow("runs/log-batch", batch)[0] == 200
    )  # what was not owed before is taken as a whole
    for _ in range(2):  # and to wait is owed by all who write there, with whatever client
        status, headers, told = served.mlflow("runs/log-batch", batch)
        assert (status, told["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
        rows = f"/dash/api/experiments/{opened['experiment']['id']}/metrics/train/append-batch"
        status, waits, told = served.foreign("POST", rows, {"dataPoints": [{"loss": 1.0}]})
        assert (status, told["error"]["code"]) == (429, "TooManyBytes")
        assert headers["retry-after"] == waits["retry-after"]
    assert served.record("lab/full/native")
    with pytest.raises(OSError, match=r"project\.bytes"):
        served.push()
    assert served.mlflow("experiments/create", {"name": "lab/other"})[0] == 200
    served.now[0] += int(headers["retry-after"])
    assert served.mlflow("runs/log-batch", batch)[0] == 200


def test_all_tokens_of_a_project_share_what_it_may_ask_for(tmp_path: Path):
    place = place_of(str(tmp_path), "tester", Limits())
    accounts = Accounts(str(tmp_path), trusting=False)
    tokens = [
        {"Authorization": f"Bearer {accounts.create_token(name, Role.READER, project=project)}"}
        for name, project in (("one", "lab/x"), ("two", "lab/x"), ("three", "lab/y"))
    ]
    meters = Meters(Limits(project_requests=1, project_streams=1), lambda: 0.0)
    transport = InProcess(make_app(place, Access("x", identities=accounts, meters=meters)))
    try:
        one, two, three = tokens
        place.live.of_caller["project lab/x"] = 1
        refused = transport.send("GET", f"{API}/events", two)
        assert (refused.status, refused.headers["retry-after"]) == (429, "15")
        told = [transport.send("GET", f"{API}/about", who).status for who in (one, two, one, two)]
        assert told == [200, 200, 200, 429]
        assert transport.send("GET", f"{API}/about", three).status == 200
    finally:
        transport.close()
        accounts.close()
        place.close()


def test_the_time_that_answers_take_is_owed_as_bytes_are():
    now = [0.0]
    meters = Meters(Limits(token_seconds=2.0, project_seconds=1.0), lambda: now[0])
    meters.worked("a", 5.0, "lab/x")
    with pytest.raises(Exception, match=r"project\.seconds") as caught:
        meters.admit("b", "lab/x")
    assert (caught.value.status, caught.value.after) == (429, 1.0)
    meters.admit("a", "lab/y")
    now[0] += 1.0
    meters.admit("b", "lab/x")


def test_a_quota_that_cannot_be_counted_is_counted_later_and_loses_nothing_that_was_noted():
    held, failing = {"p": Held(10, 1)}, [False]

    def count() -> dict[str, Held]:
        if failing[0]:
            raise OSError("away")
        return held

    now = [0.0]
    quotas = Quotas(Limits(project_stored=100), count, lambda: now[0])
    assert not quotas.full("p")
    quotas.add("p", bytes=95)
    assert quotas.full("p")
    failing[0] = True
    with pytest.raises(OSError, match="away"):
        quotas.refresh()
    assert quotas.full("p")
    failing[0] = False
    quotas.refresh()
    assert not quotas.full("p")


def test_a_project_named_by_a_token_is_a_pattern_that_is_not_everything():
    from anew.server.callers import Caller

    assert Caller.of("t", [Grant("lab/x", Role.WRITER)]).project == "lab/x"
    assert Caller.of("t", [Grant("*", Role.WRITER)]).project == ""
    assert Caller.of("a", [Grant("lab/x", Role.WRITER)], user="a").project == ""
    limited = Caller.of("a", [Grant("*", Role.OWNER)], user="a", limit=Grant("lab/x", Role.READER))
    assert limited.project == "lab/x"


@pytest.mark.parametrize(
    ("text", "value"),
    [("500", 500), ("1.5k", 1500), ("100GB", 10**11), ("2 M", 2_000_000), ("none", None)],
)
def test_limits_are_written_with_units(text: str, value: int | None):
    assert Limits.of([f"project.stored={text}"]).project_stored == value


@pytest.mark.parametrize(
    "text", ["project.stored", "project.stored=", "project.stored=0", "project.stored=-1", "no.such=1",
             "project.stored=1.5", "answer.points=none", "project.experiments=1e3"],
)  # fmt: skip
def test_what_is_no_limit_is_refused(text: str):
    with pytest.raises(InvalidSetting):
        Limits.of([text])


def test_a_later_limit_counts_before_an_earlier_one():
    assert Limits.of(["token.streams=2", "token.streams=none"]).token_streams is None
