"""Where to forward to: every way of saying it, and what is told of a mistake."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from anew import Experiment
from anew.errors import InvalidSetting
from anew.forwarders import Aim, ClearML, MLflow, TensorBoard, WandB
from anew.forwarding.address import as_address, as_addresses
from anew.forwarding.launch import missing
from anew.settings import load_settings


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("mlflow", MLflow()),
        ("MLflow", MLflow()),
        (" mlflow:http://127.0.0.1:5000 ", MLflow("http://127.0.0.1:5000")),
        ("tensorboard:runs/a", TensorBoard("runs/a")),
        ("wandb:offline", WandB(mode="offline")),
        ("wandb:vision", WandB(project="vision")),
        ("wandb:team/vision", WandB(project="vision", entity="team")),
        ("clearml:offline", ClearML(mode="offline")),
        ("clearml:vision", ClearML(project="vision")),
        ("aim:aim://127.0.0.1:53800", Aim("aim://127.0.0.1:53800")),
        ({"to": "mlflow", "experiment": "e"}, MLflow(experiment="e")),
        (WandB(entity="x"), WandB(entity="x")),
    ],
)
def test_an_address_is_said_in_many_ways_and_read_back_from_each(given, wanted):
    address = as_address(given)
    assert address == wanted
    assert as_address(json.loads(json.dumps(address.plain()))) == address
    if isinstance(given, str):
        assert as_address(str(address)) == address


@pytest.mark.parametrize(
    "given",
    [
        "mlfow",
        "mlflow:",
        "",
        {"experiment": "x"},
        {"to": "mlflow", "projekt": "x"},
        3,
    ],
)
def test_what_is_no_address_is_told(given):
    with pytest.raises(InvalidSetting) as error:
        as_address(given)
    assert error.value.setting == "forward_to"


def test_several_are_each_taken_once():
    assert as_addresses(["mlflow", MLflow(), "aim"]) == [MLflow(), Aim()]
    assert as_addresses("mlflow") == [MLflow()]


def test_settings_name_several_between_commas_or_in_a_list(tmp_path):
    found = load_settings({"ANEW_FORWARD_TO": "mlflow:http://127.0.0.1:5000, tensorboard"})
    assert as_addresses(found.forward_to) == [MLflow("http://127.0.0.1:5000"), TensorBoard()]
    (tmp_path / "anew.toml").write_text(
        'forward_to = ["aim", {to = "mlflow", experiment = "e"}]\nforward_wait = 3\n'
    )
    found = load_settings({}, str(tmp_path))
    assert as_addresses(found.forward_to) == [Aim(), MLflow(experiment="e")]
    assert found.forward_wait == 3
    assert load_settings({}, "/").forward_to == ()


def test_a_mistake_is_told_before_anything_starts(root):
    with pytest.raises(InvalidSetting, match="mlfow"):
        Experiment("p/run", root=root, forward_to=["mlfow"])
    assert not root.exists()


def test_passwords_are_shown_to_nobody():
    address = MLflow("http://me:hunter2secret@127.0.0.1:5000")
    assert "hunter2secret" not in str(address)
    assert "hunter2secret" not in json.dumps(address.shown())
    assert address.plain()["tracking_uri"].count("hunter2secret") == 1


def test_a_package_that_is_not_installed_is_told_with_how_to_install_it(monkeypatch):
    assert missing([MLflow(), TensorBoard()]) == {}
    monkeypatch.setattr("anew.forwarding.launch.find_spec", lambda name: None)
    (error,) = missing([WandB()]).values()
    assert "pip install wandb" in str(error)


def test_an_experiment_that_is_not_forwarded_loads_nothing_of_it():
    program = (
        "import sys\nfrom anew import Experiment\n"
        "with Experiment('p/run', quiet=True) as exp:\n    exp.log_metric('a', 1)\n"
        "print(*[m for m in sys.modules if m.startswith('anew.forwarders')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "", done.stderr
