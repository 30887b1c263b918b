"""`Store` and the command line on a server give the answers that they give on its folder."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.cli.main import cli
from anew.errors import InvalidSetting, NotFound, QueryError
from serving import over_a_socket


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("served")
    source = folder / "model.bin"
    source.write_bytes(bytes(range(256)) * 9)
    for n in range(3):
        exp = Experiment(
            prefix=f"lab/vision/e{n}", root=str(folder), quiet=True, system_metrics=0,
            params={"lr": n / 10}, tags=["paper"],
        )  # fmt: skip
        with exp:
            for step in range(20):
                exp.log_metrics({"loss": n + 1 / (step + 1), "acc": step / 20}, step=step)
            exp.log("it goes well")
            exp.files("models").save(source)
            print("printed")
    return str(folder)


@pytest.fixture(scope="module")
def url(root: str):
    with over_a_socket(root) as found:
        yield found


@pytest.fixture
def both(root: str, url: str):
    with Store(root) as here, Store(url) as there:
        yield here, there


def test_every_question_has_the_same_answer_on_both_sides(both):
    def asked(store: Store) -> list[object]:
        one = store.get("e1")
        facts = {key: value for key, value in one.to_dict().items() if key != "path"}
        points = store.history(store.list(sort="name"), points=5)
        return [
            len(store), [view.id for view in store], facts, store.summary(),
            store.search("metrics.loss.min < 1.5", sort="-params.lr").ids,
            [(one.experiment.id, one.value) for one in store.best("loss")],
            store.list().to_arrow().to_pylist(),
            [(s.experiment_id, s.metric, s.values.tolist(), s.times.tolist()) for s in points],
            store.first_difference("e0", "e1"), [line.message for line in one.logs()], one.console(),
            [(file.name, file.read_bytes()) for file in one.files],
            one.metrics["loss"].read().values.tolist(), store.du(["e1"]), "e7" in store,
        ]  # fmt: skip

    here, there = map(asked, both)
    assert here == there


def test_what_is_changed_there_is_changed_for_everybody(both):
    here, there = both
    there.tag("e2", ["seen"])
    there.note("e2", "from afar")
    assert (here.get("e2").notes, "seen" in here.get("e2").tags) == ("from afar", True)
    deleted = there.delete("e2")
    assert "e2" not in here
    assert [one.id for one in there.trash()] == list(deleted.ids)
    assert there.restore("e2").notes == "from afar"


def test_errors_are_of_the_same_class_on_both_sides(both):
    for store in both:
        with pytest.raises(NotFound) as raised:
            store.get("lab/vision/e9")
        assert raised.value.nearest
        with pytest.raises(QueryError) as mistake:
            store.list("metrics.loss <")
        assert isinstance(mistake.value.position, int)


def test_what_needs_the_folder_says_so(both, tmp_path: Path):
    _, there = both
    view = there.get("e1")
    assert view.local_path is None
    assert view.files[0].local_path is None
    for call in (lambda: view.path, lambda: view.forwarded):
        with pytest.raises(NotFound):
            call()
    for call in (there.doctor, there.gc, there.seal, there.rebuild):
        with pytest.raises(InvalidSetting):
            call()
    with pytest.raises(InvalidSetting):
        there.delete("e1", permanently=True)


def test_a_zip_file_from_a_server_is_a_store_of_its_own(both, tmp_path: Path):
    import zipfile

    here, there = both
    target = tmp_path / "all.zip"
    assert there.export(None, target) == [str(target)]
    with pytest.raises(FileExistsError):
        there.export(None, target)
    zipfile.ZipFile(target).extractall(tmp_path / "copy")
    with Store(tmp_path / "copy") as copy:
        assert sorted(view.id for view in copy) == sorted(view.id for view in here)
        assert copy.get("e1").metrics["loss"].read().values.tolist() == (
            here.get("e1").metrics["loss"].read().values.tolist()
        )


def test_a_file_is_saved_from_a_server(both, tmp_path: Path):
    _, there = both
    saved = there.get("e1").files[0].save(tmp_path / "copy.bin")
    assert saved.read_bytes() == bytes(range(256)) * 9


@pytest.mark.parametrize(
    "command",
    [
        ["list", "params.lr > 0"], ["show", "e1"], ["compare", "e0", "e1"], ["best", "loss"], ["logs", "e1"],
        ["files", "e1"], ["du"], ["watch", "--once"], ["list", "metrics.acc.max > 0.5"], ["diff", "e0", "e1"],
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_commands_print_the_same_on_both_sides(root, url, capsys, command):
    def printed(where: str) -> object:
        with pytest.raises(SystemExit) as left:
            cli.main([*command, "--json", "--root", where])
        text = capsys.readouterr()
        assert not text.err
        return left.value.code, _without_paths(json.loads(text.out))

    assert printed(root) == printed(url)


def _without_paths(value: object) -> object:
    """What is printed but for what is of one machine or one moment."""
    if isinstance(value, dict):
        own = {"path", "forwarded", "root", "where", "folder"}
        return {key: _without_paths(one) for key, one in value.items() if key not in own}
    return [_without_paths(one) for one in value] if isinstance(value, list) else value


def test_a_place_where_no_server_is_says_so():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionError):
            Store(f"http://127.0.0.1:{unused.getsockname()[1]}")


def test_a_server_of_something_else_is_told_apart():
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(NotFound):
            Store(f"http://127.0.0.1:{other.getsockname()[1]}")
        thread.join(300)
