"""An address names one place, the same for everybody, or is refused before anything is made."""

from __future__ import annotations

import contextlib
import copy
import os
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import anew
from anew import Experiment, Store
from anew.address import Address, local_folder, parse_address
from anew.cli.main import cli
from anew.errors import AnewError, InvalidSetting
from anew.weights import Repository

REFUSED_AS_ROOT = [
    "https://lab.example.org:0",
    "https://me:secret@lab.example.org",
    "s3://lab/runs",
    "gs://lab/runs",
    "memory:",
    "ftp://lab/runs",
    "sqlite:///runs.db",
    "file://nas/data",
    "file:runs",
    "file:///a?b",
    "file:///a%2Fb",
    "file:///a%zz",
    "file:///C:/runs",
    "C:\\runs",
    "C:/runs",
    "runs\\one",
    "\\\\nas\\runs",
    "~nobody-of-that-name/runs",
    "alice@nas:/runs",
    "localhost:5000",
    " https://lab.example.org",
    " ",
    "a\0b",
]


def command(*arguments: str) -> tuple[int, str]:
    """The exit code and the output of a command."""
    result = CliRunner().invoke(cli, arguments)
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a working directory of one's own, with nothing in them."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ANEW_ROOT", raising=False)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_a_path_a_home_path_and_a_file_url_name_a_folder(somewhere: Path):
    work = somewhere / "work"
    for text, folder in {
        "runs": work / "runs",
        "./runs/": work / "runs",
        "../runs": somewhere / "runs",
        "a/../runs//x": work / "runs" / "x",
        "a:b/c": None,
        "run:one": work / "run:one",
        "~": somewhere / "home",
        "~/runs": somewhere / "home" / "runs",
        "/data/x/../runs": Path("/data/runs"),
        "//data": Path("/data"),
        "/data/C:\\x": Path("/data/C:\\x"),
        "file:///data/my%20runs": Path("/data/my runs"),
        "file://localhost/data/": Path("/data"),
        "FILE:/data": Path("/data"),
        "file:///data/%C3%BC": Path("/data/ü"),
    }.items():
        if folder is None:
            with pytest.raises(InvalidSetting):
                parse_address(text)
        else:
            assert parse_address(text) == Address("folder", str(folder))
    assert parse_address(Path("~/runs")) == parse_address("~/runs")
    assert parse_address("~root/x").location == os.path.expanduser("~root/x")
    assert parse_address("x", base="/data").location == "/data/x"


def test_servers_and_buckets_have_one_spelling_each():
    server = parse_address("HTTPS://Lab.Example.org:443/alice/my%20vision/")
    assert (server.kind, server.location) == (
        "server",
        "https://lab.example.org/alice/my%20vision",
    )
    assert parse_address("http://[::1]:5000").location == "http://[::1]:5000"
    assert parse_address("http://lab:80") == parse_address("http://lab/")
    bucket = parse_address("s3://lab/some runs/x/")
    assert (bucket.kind, bucket.location) == ("bucket", "s3://lab/some%20runs/x")
    assert parse_address("s3://lab/some%20runs/x") == bucket
    assert parse_address("memory:") == parse_address("memory:///")


def test_an_address_cannot_be_changed_and_survives_copying():
    address = parse_address("s3://lab/x")
    with pytest.raises(AttributeError):
        address.location = "/etc"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del address.kind
    assert copy.deepcopy(address) == address
    assert {address: 1}[parse_address("S3://lab/x/")] == 1
    assert address != "s3://lab/x"


@pytest.mark.parametrize(
    "text",
    [
        "https://alice:hunter2@lab/x",
        "https://alice:hun/ter2@lab/x",
        "s3://AKIA:hunter2@lab",
        "https://lab/x?token=hunter2",
        "https://lab/x#hunter2",
        "alice:hunter2@lab:/x",
        "ftp://alice:hunter2@lab/x",
    ],
)
def test_what_may_be_a_password_is_refused_and_not_repeated(text: str):
    with pytest.raises(InvalidSetting) as caught:
        parse_address(text)
    assert "hunter2" not in str(caught.value)
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["https://", "https:///x", "https:/x", "http://lab:0", "http://lab:99999",
                                  "http://a b", "s3://", "s3://lab/a//b", "s3://lab/../x", "s3://lab/%2e%2e",
                                  "memory:x", "file://", "file:", "", 3, None])  # fmt: skip
def test_what_has_no_meaning_is_refused(text: object):
    with pytest.raises(InvalidSetting):
        parse_address(text)  # type: ignore[arg-type]


def test_a_relative_path_without_a_working_directory_is_refused(somewhere: Path):
    (somewhere / "gone").mkdir()
    os.chdir(somewhere / "gone")
    (somewhere / "gone").rmdir()
    with pytest.raises(InvalidSetting):
        parse_address("runs")
    assert parse_address("/data").location == "/data"
    with Experiment("a/b", root=somewhere / "runs", quiet=True, system_metrics=0) as experiment:
        assert experiment.root == str(somewhere / "runs")
    with pytest.raises(InvalidSetting):
        Experiment("a/b", quiet=True).run.start()
    os.chdir(somewhere)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_refused_and_reads_back_as_itself(text: str):
    try:
        address = parse_address(text, base="/base")
    except InvalidSetting:
        return
    assert parse_address(str(address)) == address
    if address.is_folder:
        assert os.path.isabs(address.location)
        assert address.location == os.path.normpath(address.location)
        assert parse_address(f"file://{quote(address.location)}") == address


names = st.text(
    st.characters(exclude_characters="/\\\0", exclude_categories=("Cs", "Cc")),
    min_size=1,
    max_size=8,
).filter(lambda name: name not in (".", "..") and name.strip() and len(name.encode()) < 200)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """Two spellings of one folder below the home or the working directory (`{home}`, `{work}`)."""
    parts = draw(st.lists(names, min_size=1, max_size=3))
    path = "/".join(parts)
    detours = "/".join(
        f"{draw(names)}/../{part}" if draw(st.booleans()) else part for part in parts
    ) + draw(st.sampled_from(["", "/", "//", "/."]))
    encoded = quote(path, safe=draw(st.sampled_from(["/", "/ +:@"])))
    below = draw(st.sampled_from(["home", "work"]))
    short = "~" if below == "home" else "."
    forms = [
        f"{short}/{path}",
        f"{short}/{detours}",
        f"{{{below}}}/{detours}",
        f"file://{{{below}}}/{encoded}",
        f"file://localhost{{{below}}}/{encoded}/",
        f"file:{{{below}}}/{encoded}",
    ]
    return draw(st.sampled_from(forms)), draw(st.sampled_from(forms))


@settings(max_examples=60, deadline=None)
@given(pair=spellings())
def test_writer_reader_and_weights_agree_for_every_spelling(pair: tuple[str, str]):
    here = Path.cwd()
    one, other = (
        text.replace("{home}", str(here.parent / "home")).replace("{work}", str(here))
        for text in pair
    )
    folder = local_folder(one)
    assert folder.startswith(str(here.parent))
    assert local_folder(other) == folder
    for text in (one, other):
        assert Experiment("a/b", root=text).root == folder
        assert anew.settings.load_settings({"ANEW_ROOT": text}).root == folder
        os.makedirs(folder, exist_ok=True)
        assert Store(text).root == folder
    with contextlib.suppress(FileExistsError):
        assert Repository(one + "/weights", init=True).url == Repository(other + "/weights").url


@pytest.mark.parametrize("root", ["~/runs", "file://{}/home/runs", "../home/runs", "~/x/../runs/"])
def test_what_is_written_by_one_spelling_is_read_by_all(
    somewhere: Path, root: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANEW_ROOT", root.format(somewhere))
    with Experiment("a/b/c", quiet=True, system_metrics=0) as experiment:
        experiment.log_metric("loss", 1.0)
        experiment.weights.commit({"w": [1.0]}, "first")
    assert Path(experiment.folder) == somewhere / "home" / "runs" / "a" / "b" / "c"
    assert Store().root == str(somewhere / "home" / "runs")
    assert len(Store()) == 1
    for way in ([], ["--root", f"file://{somewhere}/home/runs"], ["--root", "~/runs"]):
        code, printed = command("list", "--json", *way)
        assert code == 0
        assert experiment.id in printed
        code, printed = command("weights", "log", experiment.weights.branch, "--json", *way)
        assert code == 0
        assert "first" in printed
    assert not os.listdir(somewhere / "work")


def test_a_root_in_the_projects_file_is_read_by_the_same_rules(somewhere: Path):
    work = somewhere / "work"
    (work / "deep").mkdir()
    for root, folder in {
        "runs": work / "runs",
        "~/runs": somewhere / "home" / "runs",
        "file:///data": Path("/data"),
    }.items():
        (work / "anew.toml").write_text(f'root = "{root}"\n')
        assert anew.settings.load_settings({}, str(work / "deep")).root == str(folder)
    (work / "anew.toml").write_text('root = "s3://lab"\n')
    with pytest.raises(InvalidSetting) as caught:
        anew.settings.load_settings({}, str(work))
    assert caught.value.setting == "root"


@pytest.mark.parametrize("root", REFUSED_AS_ROOT)
def test_what_cannot_be_a_root_is_refused_for_writer_and_reader_and_nothing_is_made(
    somewhere: Path, root: str
):
    calls = [
        lambda: Experiment("a/b", root=root),
        lambda: anew.settings.load_settings({"ANEW_ROOT": root}),
        lambda: Store(root),
    ]
    assert command("list", "--root", root)[0] == 2
    for call in calls:
        with pytest.raises(InvalidSetting) as caught:
            call()
        assert caught.value.setting == "root"
    assert not os.listdir(somewhere / "work")


@pytest.mark.parametrize("root", ["https://lab.example.org:0", "s3://lab/runs"])
def test_every_way_of_starting_refuses_it_before_anything_is_trained(
    somewhere: Path, root: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANEW_ROOT", root)
    trained: list[str] = []

    def dialects() -> dict[str, object]:
        from anew.dialects import (
            frameworm,
            handrolled,
            ml_dash,
            mlflow,
            tensorboard,
            tracelet,
            wandb,
        )

        return {
            "wandb": lambda: wandb.init(project="p"),
            "mlflow": lambda: mlflow.start_run(),
            "tensorboard": lambda: tensorboard.SummaryWriter(),
            "ml_dash": lambda: ml_dash.Experiment(prefix="a/b/c").run.start(),
            "frameworm": lambda: frameworm.Experiment("x").start(),
            "handrolled": lambda: handrolled.setup_experiment(
                {"experiment": {"output_dir": f"{root}/x"}}
            ),
            "tracelet": lambda: tracelet.start_logging(exp_name="x", project="p"),
        }

    def program() -> None:
        trained.append(root)

    ways: dict[str, object] = {
        "Experiment": lambda: Experiment("a/b"),
        "start": lambda: anew.start("a/b"),
        "track": lambda: anew.track("a/b")(program)(),
        "setup_experiment": lambda: anew.setup_experiment({"lr": 0.1}),
        "capture": lambda: anew.capture(experiment=Experiment("a/b")),
        **dialects(),
    }
    for way, call in ways.items():
        with pytest.raises(AnewError) as caught:
            call()  # type: ignore[operator]
        # MLflow's own class of error is what its programs catch.
        assert InvalidSetting in (type(caught.value), type(caught.value.__cause__)), way
        assert not trained, way
    assert command("run", "--", "touch", "trained")[0] == 2
    assert not os.listdir(somewhere / "work")


def test_weights_are_kept_in_folders_and_buckets_and_not_on_servers():
    for where in ("https://lab/weights", "ftp://lab", "file://nas/weights", "runs\\weights", ""):
        with pytest.raises(InvalidSetting):
            Repository(where, init=True)
    assert not os.listdir()


def test_folders_of_other_trackers_are_read_by_the_same_rules():
    from anew.forwarders import Aim, MLflow, TensorBoard, WandB
    from anew.forwarding.address import as_addresses

    for given_ in ("tensorboard:s3://lab/logs", "aim:https://lab"):
        with pytest.raises(InvalidSetting):
            as_addresses(given_)
    with pytest.raises(InvalidSetting):
        WandB(dir="s3://lab")
    (mlflow,) = as_addresses("mlflow:~/mlruns")
    assert mlflow == MLflow(os.path.expanduser("~/mlruns"))
    assert as_addresses(["tensorboard:~/logs", "aim:aim://lab:53800"]) == [
        TensorBoard("~/logs"),
        Aim("aim://lab:53800"),
    ]
