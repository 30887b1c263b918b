"""Eight processes at once register versions and move aliases of one model, of a folder, of a server, and of two servers of a group."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from anew import Store
from anew.server.group.address import GroupAddress
from anew.server.group.opening import open_group
from anew.server.place import Place
from serving import over_a_socket, place_over_a_socket

PROGRAM = """
import sys
from anew import Store
from anew.models.registry import Target

who, times = sys.argv[2], int(sys.argv[3])
with Store(sys.argv[1]) as store:
    for n in range(times):
        target = Target(points_to="address", ref=f"file:///{who}/{n}")
        made = store.models.registry.register("vit", target, why=f"{who} {n}")
        store.models.registry.edit_version(f"vit:{made.number}", add={"by": who})
        store.models.registry.tag("vit", {f"{who}.{n}": str(made.number)})
        store.models.registry.point("vit", "best", made.number, why=who)
"""
PROCESSES = 8


def race(times: int, *addresses: str) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, addresses[n % len(addresses)], f"p{n}", str(times)]
        )
        for n in range(PROCESSES)
    ]
    assert [one.wait(300) for one in running] == [0] * PROCESSES


def check(store: Store, times: int) -> None:
    """Each number was given once, and nothing that anybody wrote is lost."""
    (model,) = store.models.registry.models(history=True)
    total = PROCESSES * times
    assert [one.number for one in model.versions] == list(range(1, total + 1))
    wanted = {f"file:///p{who}/{n}" for who in range(PROCESSES) for n in range(times)}
    assert {one.ref for one in model.versions} == wanted
    assert all(one.ref.split("/")[3] == one.tags["by"] for one in model.versions)
    assert {tag: int(number) for tag, number in model.tags.items()} == {
        f"{one.tags['by']}.{one.ref.rsplit('/', 1)[1]}": one.number for one in model.versions
    }
    moves = [one for one in model.history if one.what == "alias"]
    assert len(moves) == total
    (alias,) = model.aliases
    assert (alias.number, alias.why) == (moves[-1].number, moves[-1].why)
    assert all(after.before == before.number for before, after in itertools.pairwise(moves))


@pytest.mark.slow
def test_eight_processes_on_one_folder(tmp_path: Path):
    (tmp_path / "store").mkdir()
    race(5, str(tmp_path / "store"))
    with Store(tmp_path / "store") as store:
        check(store, 5)


@pytest.mark.slow
def test_eight_processes_at_a_server(tmp_path: Path):
    (tmp_path / "store").mkdir()
    with over_a_socket(str(tmp_path / "store")) as url:
        race(3, url)
        with Store(url) as store:
            check(store, 3)


@pytest.mark.slow
def test_eight_processes_at_two_servers_of_a_group(
    tmp_path: Path, make_database: Callable[[], str]
):
    address = GroupAddress(make_database(), str(tmp_path / "bucket"), str(tmp_path / "cache"))
    with ExitStack() as open_:
        urls = []
        for _ in range(2):
            group = open_group(address, user="tester")
            place = Place(group.backend, group.upkeep, group.close, group.intake, group.within)
            urls.append(open_.enter_context(place_over_a_socket(place)))
        race(3, *urls)
        for url in urls:
            with Store(url) as store:
                check(store, 3)
