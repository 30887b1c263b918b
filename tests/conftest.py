"""What every test stands on: a root of its own, no settings from outside, nothing left open."""

from __future__ import annotations

import functools
import gc
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from anew.testing.clickhouse import ClickHouseServer
    from anew.testing.postgres import PostgresServer
    from tests.seaweed import S3

# A slow machine is no failure: no example has a time limit, and none is refused for the time it took to make.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

_LAUNCHERS = ("ANEW_", "SLURM_", "OMPI_", "PMI_", "MV2_", "TORCHELASTIC_")
# What libraries in the tests' own process say to later tests: MLflow keeps where it is in the environment.
_SAID = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")
_RANKS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started as a shell's background job: the programs that tests interrupt would inherit the deafness.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_BEGAN = time.monotonic()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--begin-within",
        type=float,
        metavar="SECONDS",
        help="begin no slow test later than this after the start: it is skipped, and the skip says so",
    )


def _is_quick(config: pytest.Config) -> bool:
    """Whether the slow tests are left out."""
    return "not slow" in config.option.markexpr


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the slow tests, a file that has no others is not imported: its framework alone takes seconds."""
    if collection_path.suffix != ".py" or not _is_quick(config):
        return None
    text = collection_path.read_text(encoding="utf-8")
    return (
        True if re.search(r"^pytestmark = (?:\[[^\]]*)?pytest\.mark\.slow\b", text, re.M) else None
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What the imports make stays: looking for garbage in it took a quarter of the time of collecting the tests."""
    gc.disable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What runs together comes first: nobody waits in the end for the one process that has it."""
    if not _is_quick(config):
        return
    order = [name for name, _ in TOGETHER]

    @functools.cache
    def place(file: str) -> int:
        name = together(file)
        return order.index(name) if name in order else len(order)

    items.sort(key=lambda item: place(item.nodeid.partition("::")[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The tests of a file go to one process, and of the quick tests so do files that need the same slow things."""
    from xdist.scheduler import LoadFileScheduling

    if config.getoption("dist") != "loadfile" or not _is_quick(config):
        return None
    config.option.loadscopereorder = False  # else what runs together, which is few, would come last

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid.partition("::")[0])

    return Together(config, log)


# What several files need and what takes seconds to load, which one process of the suite then does instead of each:
# a browser, and libraries that are imported within tests (see `later.py`).
TOGETHER = (
    ("a browser", r"\bdef test_\w+\((?:\w+, )*opened\b"),
    ("frameworks", r'(?:\blater\("|^ +(?:import|from) )(?:torch|jax|flax|sklearn|scipy)\b'),
    (
        "trackers",
        r'(?:\blater\("|^ +(?:import|from) )(?:mlflow|wandb|clearml|aim|anew\.trackers\.\w+\.forward)\b',
    ),
)


@functools.cache
def together(file: str) -> str:
    """What the tests of a file run with: a name of `TOGETHER`, or the file alone."""
    text = (Path(__file__).parent.parent / file).read_text(encoding="utf-8")
    return next((name for name, sign in TOGETHER if re.search(sign, text, re.M)), file)


_loaded: set[str] = set()
"""The packages that were loaded when all tests were collected."""


@pytest.fixture
def loaded_by_collecting(pytestconfig: pytest.Config) -> set[str]:
    """The packages that each process of the quick suite loads before its first test."""
    if not _is_quick(pytestconfig):
        pytest.skip("the files of slow tests load what they need")
    return _loaded


def pytest_collection_finish() -> None:
    """A full collection of garbage walks no more over what the imports left, which took half a second each.

    The modules of all tests are loaded now. An experiment records which modules its program has loaded, and each of
    hundreds would be looked at and written by each of thousands: a test sees the one of its own file.
    """
    _loaded.update(name.partition(".")[0] for name in sys.modules)
    for name in [name for name in sys.modules if name.startswith("tests.")]:
        if name.rpartition(".")[2].startswith("test_"):
            del sys.modules[name]
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test's own module is loaded while the test runs: what is pickled is found by its name."""
    if isinstance(item, pytest.Function):
        sys.modules[item.module.__name__] = item.module
    result = yield
    if isinstance(item, pytest.Function):
        sys.modules.pop(item.module.__name__, None)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """On a machine that is too slow for all slow proofs, those that do not fit are named instead of run."""
    limit = item.config.getoption("--begin-within")
    if limit is None or item.get_closest_marker("slow") is None:
        return
    if time.monotonic() - _BEGAN > limit:
        pytest.skip(f"not run: {limit:g} s were over before it began")


@pytest.fixture(scope="session", autouse=True)
def _nothing_left_in_the_repository() -> Iterator[None]:
    """No test keeps the project's own commit: what is kept from being collected is the user's to decide."""
    found = subprocess.run(
        ["git", "rev-parse", "--git-common-dir", "HEAD"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    common, _, head = found.stdout.strip().partition("\n")
    kept = Path(__file__).parent / common / "refs" / "anew" / head
    before = kept.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANEW_KEEP_COMMITS", "off")  # also for what a module makes before its tests
        yield
    if found.returncode == 0 and not before:  # else these are sources without a repository
        assert not kept.exists(), f"a test left {kept}"


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(_LAUNCHERS) or name in _RANKS or name in _SAID:
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    monkeypatch.setenv("ANEW_QUIET", "1")
    monkeypatch.setenv("ANEW_KEEP_COMMITS", "off")  # also where a test took it away
    monkeypatch.setenv("ANEW_FORWARD_WAIT", "120")  # a busy machine is no reason to find less sent
    monkeypatch.chdir(tmp_path)
    from anew.monitor import reads

    if (
        reads._reads is not None
    ):  # what other tests opened is not what the programs of this one read
        reads._reads = reads.Reads()
    yield
    from anew.tracking import running
    from anew.tracking.recording import LIVE

    for recording in list(LIVE.values()):
        recording.close("cancelled", "the test ended")
    for name in _SAID:
        os.environ.pop(name, None)
    running._opened.clear()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of an empty store."""
    return tmp_path / "experiments"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In continuous integration, a test that needs the whole machine must run: a skip of it is a failure."""
    report = yield
    if report.skipped and os.environ.get("CI") and item.get_closest_marker("privileged"):
        report.outcome = "failed"
        report.longrepr = f"skipped in continuous integration: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of a real S3 server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A real S3 server that refuses wrong signatures and keeps conditions: one for all processes of the session."""
    from tests.seaweed import shared

    base = tmp_path_factory.getbasetemp()
    with shared((base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "seaweed") as s3:
        yield s3


@pytest.fixture
def make_real_bucket(seaweed: S3, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Makes an empty place in a bucket of the real server, as `make_bucket` does."""
    for name, value in seaweed.environment().items():
        monkeypatch.setenv(name, value)
    return lambda: f"s3://{seaweed.bucket()}/{uuid.uuid4().hex}/some/prefix"


@pytest.fixture
def make_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Makes an empty bucket and gives its URL, with a prefix; what reaches it stands in the environment."""
    import boto3

    from tests.seaweed import S3

    for name, value in S3(s3_server, "test", "test").environment().items():
        monkeypatch.setenv(name, value)

    def make() -> str:
        client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1")
        name = f"b{uuid.uuid4().hex[:12]}"
        client.create_bucket(Bucket=name)
        client.close()
        return f"s3://{name}/some/prefix"

    return make


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server that all processes of the suite share; a test has a database of its own in it."""
    from postgres import shared_postgres

    with shared_postgres(tmp_path_factory) as server:
        yield server


@pytest.fixture
def make_database(postgres_server: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes an empty database and gives its URL; it is gone when the test ends."""
    made: list[str] = []

    def make() -> str:
        made.append(postgres_server.make_database())
        return made[-1]

    yield make
    for url in made:
        postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def empty_group(postgres_server: PostgresServer) -> Iterator[str]:
    """The database of a group that has nothing yet: to make its tables takes longer than to copy them."""
    from anew.server.group.database import Database

    url = postgres_server.make_database()
    Database(url).close()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def make_group_database(
    postgres_server: PostgresServer, empty_group: str
) -> Iterator[Callable[[], str]]:
    """As `make_database`, of a group whose tables are there."""
    made: list[str] = []

    def make() -> str:
        made.append(postgres_server.make_database(empty_group))
        return made[-1]

    yield make
    for url in made:
        postgres_server.drop_database(url)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that the tests of a file have for themselves, to stop, kill and start again."""
    from postgres import started_postgres

    with started_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A ClickHouse server that all processes of the suite share; a test has a database of its own in it."""
    from tests.clickhouse import shared_clickhouse

    with shared_clickhouse(tmp_path_factory) as server:
        yield server


@pytest.fixture
def make_clickhouse(clickhouse_server: ClickHouseServer) -> Callable[[], str]:
    """Makes an empty database of ClickHouse and gives its URL."""
    return clickhouse_server.make_database


@pytest.fixture(scope="module")
def own_clickhouse() -> Iterator[ClickHouseServer]:
    """A ClickHouse server that the tests of a file have for themselves, to stop, kill and start again."""
    from tests.clickhouse import started_clickhouse

    with started_clickhouse() as server:
        yield server
