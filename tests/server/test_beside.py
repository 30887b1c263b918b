"""The JSON beside each page: the link of a page, with `.json` behind its path, is what the commands say of the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew import Experiment, Store
from anew.commands.answers import ANSWERS
from anew.commands.difference import DiffOptions
from anew.commands.questions import (
    CompareOptions,
    ListOptions,
    ReportsListOptions,
    ReportsShowOptions,
    ShowOptions,
)
from anew.server.beside import split_list
from serving import InProcess, in_process


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> str:
    folder = str(tmp_path_factory.mktemp("root"))
    for at in range(4):
        with Experiment(f"alice/a b/run{at}", root=folder, quiet=True, system_metrics=0, params={"lr": at / 10, "k,ey": at % 2}) as exp:  # fmt: skip
            exp.log_metrics({"loss": 1.0 - at / 10}, step=0)
    with Experiment("bob/c/other", root=folder, quiet=True, system_metrics=0):
        pass
    with Store(folder) as store:
        store.tag("alice/a b/run3", ["archived"])
        store.reports.save("drawn", "# Drawn", "alice/a b")
    return folder


@pytest.fixture(scope="module")
def server(root) -> Iterator[InProcess]:
    with in_process(root) as transport:
        yield transport


def ask(server: InProcess, link: str, status: int = 200) -> dict[str, Any]:
    answer = server.send("GET", link, {}, b"")
    assert answer.status == status, answer.body
    found = json.loads(answer.body)
    assert isinstance(found, dict)
    return found


def said(root: str, name: str, question: Any) -> Any:
    """What a command says, but for paths, which are of this machine, and what only its folder knows."""
    with Store(root) as store:
        return json.loads(json.dumps(ANSWERS[name][1](store, question)))


def bare(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: bare(one) for key, one in found.items() if key not in ("path", "forwarded", "synced", "import", "root")}  # fmt: skip
    return [bare(one) for one in found] if isinstance(found, list) else found


def names(found: dict[str, Any]) -> list[str]:
    return [one["name"] for one in found["experiments"]]


def test_a_link_of_the_list_answers_what_the_page_shows(server, root):
    # As the page writes it, with how charts are drawn, which a list has no use for.
    found = ask(server, "/experiments.json?q=params.lr+%3C+0.25&in=alice/a+b&sort=-metrics.loss.last&tab=charts&smooth=0.6&panels=x")  # fmt: skip
    assert names(found) == ["run0", "run1", "run2"]
    alike = ListOptions(filter="params.lr < 0.25 and project == 'a b'", sort=("-metrics.loss.last",), limit=0)  # fmt: skip
    assert bare(found["experiments"]) == bare(said(root, "list", alike)["experiments"])
    assert sorted(names(ask(server, "/experiments.json"))) == ["other", "run0", "run1", "run2"]
    assert len(names(ask(server, "/experiments.json?archived=1"))) == 5
    assert names(ask(server, "/experiments.json?sort=created_at&limit=1&offset=1")) == ["run1"]


def test_selected_ones_and_groups_are_those_of_the_link(server):
    ids = [one["id"] for one in ask(server, "/experiments.json?in=alice/a+b&sort=name")["experiments"]]  # fmt: skip
    chosen = ask(server, f"/experiments.json?selected={ids[0]},{ids[2]}&sort=name")
    assert names(chosen) == ["run0", "run2"]
    groups = ask(server, r"/experiments.json?in=alice/a+b&group=params['k\,ey']&columns=metrics.loss.last")["groups"]  # fmt: skip
    assert sorted(one["n"] for one in groups) == [1, 2]


def test_experiments_and_their_differences_are_said_as_commands_say_them(server, root):
    ids = [one["id"] for one in ask(server, "/experiments.json?in=alice/a+b&sort=name")["experiments"]]  # fmt: skip
    first = ask(server, f"/x/{ids[0]}.json?x=time")
    assert bare(first) == bare(said(root, "show", ShowOptions(experiment=ids[0])))
    assert first == ask(server, "/x/alice/a%20b/run0.json")
    two = ask(server, f"/diff.json?ids={ids[0]},{ids[1]}")
    assert bare(two) == bare(said(root, "diff", DiffOptions(first=ids[0], second=ids[1])))
    three = ask(server, f"/diff.json?ids={','.join(ids)}")
    assert bare(three) == bare(said(root, "compare", CompareOptions(experiments=tuple(ids))))
    assert ask(server, f"/diff.json?ids={ids[0]}", 400)["error"]["code"] == "InvalidValue"
    assert ask(server, "/x/nobody.json", 404)["error"]["code"] == "NotFound"


def test_reports_are_listed_and_read(server, root):
    listed = ask(server, "/reports.json?in=alice/a+b")
    assert bare(listed) == bare(said(root, "reports", ReportsListOptions(project="alice/a b")))
    one = ask(server, "/reports.json?at=alice/a+b:drawn")
    assert one["report"]["text"] == "# Drawn"
    assert bare(one) == bare(said(root, "reports/show", ReportsShowOptions(name="drawn", project="alice/a b")))  # fmt: skip


@given(st.lists(st.text(alphabet="ab,\\ "), min_size=1).filter(lambda one: one != [""]))
def test_lists_are_read_as_the_page_writes_them(texts):
    written = ",".join(one.replace("\\", "\\\\").replace(",", "\\,") for one in texts)
    assert split_list(written) == tuple(texts)
