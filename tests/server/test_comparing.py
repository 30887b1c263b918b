"""The routes behind the pages of a difference and of a reproduction."""

from __future__ import annotations

import json

import pytest

from anew import Experiment, Store
from anew.reproduce.comparison import compare
from anew.reproduce.replay import keep_verdict
from anew.reproduce.verdict import Tolerance
from anew.server.table import API
from serving import InProcess, in_process


def run(root: str, name: str, lr: float, odd: float = 0.0, steps: int = 20, **more: str) -> str:
    exp = Experiment(
        prefix=f"lab/d/{name}", root=root, quiet=True, system_metrics=0, config={"lr": lr, "width": 8}, **more
    )  # fmt: skip
    with exp:
        for step in range(steps):
            exp.log_metrics(
                {"loss": 1 / (step + 1) + (odd if step >= 12 else 0.0), "acc": 0.5}, step=step
            )
    return exp.id


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = str(tmp_path_factory.mktemp("differences"))
    found = {"root": root, "a": run(root, "a", 0.1), "b": run(root, "b", 0.3, odd=0.25)}
    found["c"] = run(root, "c", 0.1, steps=15)
    found["again"] = run(root, "a/again", 0.1, odd=1e-9, parent=found["a"], relation="reproduces")
    with Store(root) as store:
        judgement = compare(
            store, store.get(found["a"]), store.get(found["again"]), tolerance=Tolerance(atol=1e-6)
        )
        keep_verdict(store, judgement)
    return found


@pytest.fixture(scope="module")
def server(ids: dict[str, str]):
    with in_process(ids["root"]) as transport:
        yield transport


def get(server: InProcess, path: str) -> dict:
    answer = server.send("GET", API + path)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_a_difference_has_only_what_differs(server, ids):
    found = get(server, f"/difference?ids={ids['a']}&ids={ids['b']}")
    assert [one["id"] for one in found["experiments"]] == [ids["a"], ids["b"]]
    rows = {(row["kind"], row["what"]): row["values"] for row in found["rows"]}
    assert rows["config", "lr"] == [0.1, 0.3]
    assert ("config", "width") not in rows
    assert found["same"]["config"] == 1
    assert [one["name"] for one in found["metrics"]] == ["acc", "loss"]


def test_a_difference_of_three_marks_the_odd_one(server, ids):
    found = get(server, f"/difference?ids={ids['a']}&ids={ids['b']}&ids={ids['c']}")
    (lr,) = [row for row in found["rows"] if row["what"] == "lr"]
    assert (lr["values"], lr["outliers"]) == ([0.1, 0.3, 0.1], [1])


def test_fewer_than_two_experiments_make_no_difference(server, ids):
    for ids_ in ((ids["a"],), (ids["a"], ids["a"])):
        query = "&".join(f"ids={one}" for one in ids_)
        assert server.send("GET", f"{API}/difference?{query}").status == 400
    assert server.send("GET", f"{API}/difference?ids={ids['a']}&ids=gone").status == 404


def test_curves_say_where_they_part_first(server, ids):
    acc, loss = get(server, f"/difference/curves?ids={ids['a']}&ids={ids['b']}")
    assert (acc["metric"], acc["kind"]) == ("acc", "same")
    assert (loss["kind"], loss["step"], loss["other"]) == ("value", 12, 1)
    assert loss["b"] - loss["a"] == pytest.approx(0.25)
    near = get(server, f"/difference/curves?ids={ids['a']}&ids={ids['b']}&metrics=loss&atol=0.3")
    assert near[0]["kind"] == "same"
    three = f"/difference/curves?ids={ids['a']}&ids={ids['c']}&ids={ids['b']}&metrics=loss"
    (loss,) = get(server, three)
    assert (loss["kind"], loss["step"], loss["other"]) == ("value", 12, 2)
    (loss,) = get(server, f"/difference/curves?ids={ids['a']}&ids={ids['c']}&metrics=loss")
    assert (loss["kind"], loss["step"]) == ("length", 15)


def test_a_gap_is_zero_up_to_where_the_curves_part(server, ids):
    found = get(server, f"/difference/gap?ids={ids['a']}&ids={ids['b']}&metric=loss")
    assert found["steps"] == list(range(20))
    assert found["gap"] == pytest.approx([0.0] * 12 + [0.25] * 8)
    assert (found["matched"], found["exact"]) == (20, True)


@pytest.mark.parametrize("asked", ["a", "again"])
def test_a_reproduction_is_judged_again_with_the_tolerance_that_was_recorded(server, ids, asked):
    found = get(server, f"/experiments/{ids[asked]}/reproduction")
    assert (found["original"]["id"], found["again"]["id"]) == (ids["a"], ids["again"])
    assert (found["verdict"], found["recorded"]) == ("WITHIN TOLERANCE", "WITHIN TOLERANCE")
    loss = next(one for one in found["metrics"] if one["metric"] == "loss")
    assert (loss["verdict"], loss["step"], loss["atol"]) == ("WITHIN TOLERANCE", 12, 1e-6)
    assert [one["id"] for one in found["reruns"]] == [ids["again"]]
    assert {one["what"] for one in found["evidence"]} >= {"code", "packages", "data", "seed"}
    strict = get(server, f"/experiments/{ids[asked]}/reproduction?atol=0")
    assert strict["verdict"] == "DIVERGED"
    assert strict["unknown"]  # what may have decided it, and was not captured


def test_one_that_was_never_run_again_says_what_to_type(server, ids):
    found = get(server, f"/experiments/{ids['b']}/reproduction")
    assert (found["again"], found["verdict"], found["reruns"]) == (None, None, [])
    assert found["command"].split()[-1] == ids["b"][:8]
