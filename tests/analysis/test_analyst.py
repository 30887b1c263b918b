"""An analyst answers the same from a folder and from a server, and a server sends nothing but the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from anew import Experiment, Histogram, Store, Table
from anew.analysis.analyst import Analyst
from anew.analysis.face import Analysis
from anew.analysis.here import AnalystHere
from anew.analysis.questions import TableQuestion, TableRef
from anew.errors import InvalidValue, NotFound
from anew.reading.remote.connection import Connections, Reply
from anew.reading.remote.opening import open_server
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.server.place import Place
from anew.testing.analyst import AnalystContract, write_experiments
from later import later
from serving import InProcess, in_process, over_a_socket, place_of

np, pa = later("numpy"), later("pyarrow")
MANY = 200_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = str(tmp_path_factory.mktemp("root"))
    write_experiments(root)
    with Experiment("lab/large", root=root, quiet=True, system_metrics=0) as exp:
        for step in (0, 1):
            noise = np.random.default_rng(step).normal(size=MANY)
            exp.log_value("scores", Table(pa.table({"id": np.arange(MANY), "score": noise})), step=step)  # fmt: skip
        for step in range(50):
            exp.log_value("grads", Histogram(np.arange(1000.0) + step, bins=200), step=step)
    return root


@pytest.fixture(scope="module")
def here(root: str) -> Iterator[Analyst]:
    with Store(root) as store:
        yield AnalystHere(store.backend, store.get)


@pytest.fixture(scope="module")
def url(root: str) -> Iterator[str]:
    with over_a_socket(root) as url:
        yield url


class TestHere(AnalystContract):
    @pytest.fixture
    def analyst(self, here: Analyst) -> Analyst:
        return here


class TestInProcess(AnalystContract):
    @pytest.fixture
    def analyst(self, root: str) -> Iterator[Analyst]:
        with in_process(root) as transport:
            yield open_server("http://127.0.0.1:5700", transport).analyst


class TestOverASocket(AnalystContract):
    @pytest.fixture
    def analyst(self, url: str) -> Iterator[Analyst]:
        opened = open_server(url)
        yield opened.analyst
        opened.close()


class Counted:
    """An answer, and what counts its bytes."""

    def __init__(self, reply: Reply, wire: Wire) -> None:
        self._reply, self._wire = reply, wire

    def read(self, size: int = -1) -> bytes:
        data = self._reply.read(size)
        self._wire.bytes += len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reply, name)


class Wire(Connections):
    """A connection that knows what was asked, and how many bytes came back."""

    asked: list[str]
    bytes = 0

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes, **how: Any) -> Any:  # fmt: skip
        self.asked.append(path.removeprefix("/api/v1"))
        return Counted(super().send(method, path, headers, body, **how), self)


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    made = Wire(url)
    made.asked = []
    yield made
    made.close()


@pytest.fixture
def store(wire: Wire) -> Store:
    """The store of the server, asked over a wire whose bytes are counted from now on."""
    opened = open_server("http://127.0.0.1", wire)
    made = Store(opened.backend, analyst=opened.analyst)
    wire.asked, wire.bytes = [], 0
    return made


def test_what_is_asked_of_a_server_is_one_request_and_its_answer(store: Store, wire: Wire, root):
    ask = store.analysis
    with Store(root) as folder:
        sizes = [one.path.stat().st_size for one in folder.get("lab/large").values("scores")]
    assert sum(sizes) > 3_000_000
    page = ask.table("lab/large", "scores", filter="score > 2", sort=["-score"], limit=5)
    assert (page.total, len(page.rows)) == (MANY, 5)
    found = ask.table_difference("lab/large", "scores", step=0, other_step=1, limit=5)
    assert found.counts["changed"] == MANY
    told = ask.histograms("lab/large", "grads", columns=10, bins=20)
    assert told.series[0].counts.sum() == 50 * 1000
    ask.compare("metrics.acc.last", "params.lr == 0.1", "params.lr == 0.01", pair="params.seed")
    ask.importance("metrics.acc.last", ["params.lr", "params.seed"])
    ask.machine("lab/runs/0", "acc", 0, 0)
    ask.values(["params.lr"])
    assert wire.asked == [f"/analysis/{one}" for one in ("table", "table-difference", "histograms", "compare", "importance", "machine", "values")]  # fmt: skip
    assert wire.bytes < 20_000


def test_numbers_of_numpy_can_be_asked_with_everywhere(store: Store, root: str):
    with Store(root) as folder:
        for place in (store, folder):
            page = place.analysis.table("lab/tables", "small", step=np.int64(3), limit=np.int64(1), sort="name")  # fmt: skip
            assert (page.table.steps[page.table.at], len(page.rows)) == (0, 1)
            assert place.analysis.machine("lab/runs/0", "acc", np.float64(0), np.int64(0)).begin


def test_what_cannot_be_meant_is_refused_before_it_is_sent(store: Store, wire: Wire):
    with pytest.raises(InvalidValue) as told:
        store.analysis.table_difference("lab/tables", "small", kinds=["more"])
    assert told.value.key == "kinds"
    with pytest.raises(InvalidValue) as told:
        store.analysis.machine("lab/runs/0", "acc", 0, 1, x="epoch")
    assert told.value.key == "x"
    with pytest.raises(TypeError):
        store.analysis.table("lab/tables", "small", step=1.5)
    assert wire.asked == []


def test_a_view_names_its_experiment(store: Store):
    view = store.get("lab/tables")
    assert store.analysis.table(view, "small").table.id == view.id
    with pytest.raises(NotFound):
        store.analysis.table("half a \ud800 character", "small")


def test_who_asks_is_told_of_the_projects_that_they_may_read_and_of_no_others(root: str, tmp_path):
    place, accounts = place_of(root), Accounts(str(tmp_path), trusting=False)
    app = InProcess(make_app(place, Access("tester", identities=accounts, audit=accounts.audit)))

    def analysis(project: str) -> Analysis:
        token = accounts.create_token(project, Role.READER, project=project)
        opened = open_server("http://127.0.0.1:5700", app, token=token)
        return Store(opened.backend, analyst=opened.analyst).analysis

    reader, stranger = analysis("lab/*"), analysis("other/*")
    asked: list[Callable[[Analysis], Any]] = [
        lambda ask: ask.table("lab/tables", "small"),
        lambda ask: ask.table_difference("lab/tables", "small", step=0, other_step=10),
        lambda ask: ask.histograms("lab/tables", "weights"),
        lambda ask: ask.machine("lab/runs/0"),
    ]
    for question in asked:
        assert question(reader)
        with pytest.raises(NotFound) as told:
            question(stranger)
        assert not told.value.nearest
    of_all = {"metrics.acc.last": 10, "name": 13}
    assert {field: reader.values([field]).count - reader.values([field]).columns[0].missing for field in of_all} == of_all  # fmt: skip
    assert stranger.values(["name"]).count == 0
    app.close()
    place.close()
    accounts.close()


def test_a_page_here_hands_on_to_the_server_what_is_asked_of_its_store(wire: Wire):
    there = open_server("http://127.0.0.1", wire)
    place = Place(there.backend, there.upkeep, analyst=there.analyst)
    page = InProcess(make_app(place, Access("tester")))
    here = open_server("http://127.0.0.1:5700", page)
    wire.asked, wire.bytes = [], 0
    asked = TableQuestion(table=TableRef(id="lab/large", name="scores"), limit=2)
    assert here.analyst.table(asked).total == MANY
    assert wire.asked == ["/analysis/table"]
    assert wire.bytes < 2000
    page.close()
