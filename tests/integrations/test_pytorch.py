"""Watching a model of plain PyTorch: what is recorded, when, and that the training does not notice."""

from __future__ import annotations

import copy
import math
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew
from anew import Experiment, Status, Store
from anew.errors import InvalidValue, NotRunning
from anew.reading.files import ValueView
from later import later

from .running import run_example

integration = later("anew.integrations.pytorch")
histograms = later("anew.integrations.histograms")

torch = later("torch")


@pytest.fixture
def exp() -> Iterator[Experiment]:
    with Experiment("alice/net", system_metrics=0) as experiment:
        yield experiment


def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))


def train(model: torch.nn.Module, passes: int = 1, inputs: torch.Tensor | None = None) -> None:
    for _ in range(passes):
        model.zero_grad()
        model(torch.ones(2, 4) if inputs is None else inputs).sum().backward()


def recorded(experiment: Experiment) -> list[tuple[str, int | None]]:
    return [(value.name, value.step) for value in Store()[experiment.id].values()]


def norms(experiment: Experiment) -> list[tuple[int, float]]:
    history = Store()[experiment.id].metrics["gradients/norm"].read()
    return list(zip(history.steps.tolist(), history.values.tolist(), strict=True))


def last(experiment: Experiment, name: str) -> ValueView:
    return Store()[experiment.id].values(name)[-1]


NAMES = ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_gradients_are_recorded_every_so_many_passes_with_their_norm(exp: Experiment):
    model = network()
    handle = integration.watch(model, every=3)
    train(model, 7)
    assert handle.passes == 7
    assert sorted(recorded(exp)) == sorted(
        (f"gradients/{name}", step) for name in NAMES for step in (0, 3, 6)
    )
    wanted = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters()))
    assert [step for step, _ in norms(exp)] == [0, 3, 6]
    assert [norm for _, norm in norms(exp)] == [pytest.approx(wanted)] * 3
    value = last(exp, "gradients/0.weight")
    gradient = model[0].weight.grad.numpy()
    assert value.kind == "histogram"
    assert sum(value.data["counts"]) == gradient.size
    assert value.metadata["max"] == gradient.max()


def test_parameters_alone_or_both_are_recorded_as_they_were_before_the_step(exp: Experiment):
    model = network()
    before = float(model[0].bias.detach().max())
    with integration.watch(model, log="parameters", bins=8):
        train(model)
    assert [name for name, _ in recorded(exp)] == [f"parameters/{name}" for name in NAMES]
    assert last(exp, "parameters/0.bias").metadata["max"] == before
    assert len(last(exp, "parameters/0.bias").data["counts"]) == 8
    with integration.watch(model, log="all", prefix="net/"):
        train(model)
    assert len(recorded(exp)) == 12
    assert Store()[exp.id].metrics["net/gradients/norm"].count == 1


def test_the_step_may_be_the_programs_own(exp: Experiment):
    steps = iter([100, 200])
    model = network()
    integration.watch(model, every=2, step=lambda: next(steps))
    train(model, 3)
    assert {step for _, step in recorded(exp)} == {100, 200}


def test_gradients_are_those_of_the_pass_not_what_has_been_added_up(exp: Experiment):
    model = network()
    integration.watch(model, every=1)
    for _ in range(3):
        model(torch.ones(2, 4)).sum().backward()
    assert len({round(norm, 6) for _, norm in norms(exp)}) == 1


def test_a_shared_parameter_is_recorded_once_with_all_its_gradient(exp: Experiment):
    layer = torch.nn.Linear(4, 4, bias=False)
    model = torch.nn.Sequential(layer, layer)
    integration.watch(model, every=1)
    train(model)
    assert recorded(exp) == [("gradients/0.weight", 0)]
    assert last(exp, "gradients/0.weight").metadata["max"] == float(layer.weight.grad.max())


def test_what_is_frozen_or_unused_is_left_out_and_what_thaws_joins(exp: Experiment):
    model = torch.nn.ModuleDict({"used": torch.nn.Linear(4, 1), "unused": torch.nn.Linear(4, 1)})
    model["used"].bias.requires_grad = False
    integration.watch(model, every=1)
    model["used"](torch.ones(1, 4)).sum().backward()
    assert recorded(exp) == [("gradients/used.weight", 0)]
    model["used"].bias.requires_grad = True
    for _ in range(2):
        model["used"](torch.ones(1, 4)).sum().backward()
    model["unused"](
        torch.ones(1, 4)
    ).sum().backward()  # another part of the model is a pass of its own
    names = {name for name, step in recorded(exp) if step == 2}
    assert names == {"gradients/used.weight", "gradients/used.bias"}
    names = {name for name, step in recorded(exp) if step == 3}
    assert names == {"gradients/unused.weight", "gradients/unused.bias"}


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64"])
def test_every_floating_type_is_recorded(exp: Experiment, name: str):
    dtype = getattr(torch, name)
    model = network().to(dtype)
    integration.watch(model, log="all", every=1)
    train(model, 1, torch.ones(2, 4, dtype=dtype))
    assert len(recorded(exp)) == 8


def test_gradients_that_are_no_numbers_are_counted(exp: Experiment):
    model = network()
    integration.watch(model, every=1)
    train(model, 1, torch.full((2, 4), float("nan")))
    assert last(exp, "gradients/0.weight").data["nonfinite"] > 0
    assert math.isnan(norms(exp)[0][1])


def test_sparse_and_complex_gradients_are_recorded(exp: Experiment):
    embedding = torch.nn.Embedding(10, 2, sparse=True)
    integration.watch(embedding, every=1)
    embedding(torch.tensor([1, 1, 3])).sum().backward()
    assert sum(last(exp, "gradients/weight").data["counts"]) == 4  # two rows of two
    turn = torch.nn.Module()
    turn.angle = torch.nn.Parameter(torch.ones(3, dtype=torch.complex64))
    integration.watch(turn, every=1)
    turn.angle.abs().sum().backward()
    assert sum(last(exp, "gradients/angle").data["counts"]) == 6


@pytest.mark.slow
def test_wrapped_and_compiled_models_keep_their_own_names(exp: Experiment, tmp_path: Path):
    model = network()
    compiled = torch.compile(model, backend="aot_eager")
    with integration.watch(compiled, every=1):
        train(compiled, 2)
    assert {name for name, _ in recorded(exp)} == {f"gradients/{name}" for name in NAMES}
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1
    )
    try:
        wrapped = torch.nn.parallel.DistributedDataParallel(network())
        with integration.watch(wrapped, prefix="ddp/", every=1):
            train(wrapped, 2)
    finally:
        torch.distributed.destroy_process_group()
    ddp = {name for name, _ in recorded(exp) if name.startswith("ddp/")}
    assert ddp == {f"ddp/gradients/{name}" for name in NAMES}


@pytest.mark.slow
def test_stopped_the_model_has_no_hooks_and_trains_to_the_same_numbers(exp: Experiment):
    one, two = network(), network()
    handle = integration.watch(one, log="all", every=1)
    for model in (one, two):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(5):
            train(model)
            optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    handle.stop()
    handle.stop()
    assert not handle.active
    assert not any(p._backward_hooks for p in one.parameters())
    count = len(recorded(exp))
    train(one)
    integration.watch(one)
    integration.unwatch(one)
    integration.unwatch(one)
    train(one)
    assert len(recorded(exp)) == count


def test_watching_again_takes_the_old_ones_place(exp: Experiment):
    model = network()
    first = integration.watch(model, every=1)
    second = integration.watch(model, every=1)
    third = integration.watch(model, every=1, prefix="also/")
    assert (first.active, second.active, third.active) == (False, True, True)
    train(model)
    assert len(recorded(exp)) == 8


def test_it_ends_with_the_experiment():
    model = network()
    with Experiment("alice/one", system_metrics=0):
        handle = integration.watch(model, every=1)
        train(model)
    train(model)
    assert not handle.active
    with pytest.raises(NotRunning):
        integration.watch(model)


def test_an_experiment_that_starts_later_is_waited_for():
    model, exp = network(), Experiment("alice/later", system_metrics=0)
    integration.watch(model, exp, every=1)
    train(model)
    with exp:
        train(model)
    assert {step for _, step in recorded(exp)} == {1}


def test_only_the_first_of_several_ranks_records():
    model = network()
    with Experiment("alice/ranks", system_metrics=0, rank=1, world_size=2) as exp:
        integration.watch(model, every=1)
        train(model)
    assert recorded(exp) == []


def test_a_failure_of_ours_does_not_break_the_training(
    exp: Experiment, caplog: pytest.LogCaptureFixture
):
    def step() -> int:
        raise RuntimeError("no step today")

    model = network()
    integration.watch(model, every=1, step=step)
    train(model, 3)
    assert model[0].weight.grad is not None
    assert [r.levelname for r in caplog.records if "no step today" in r.getMessage()] == ["WARNING"]
    assert recorded(exp) == []


def test_a_watched_model_can_be_copied_saved_and_trained_in_threads(exp: Experiment):
    model = network()
    integration.watch(model, every=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copied = copy.deepcopy(model)
        torch.save(model, "model.pt")
        torch.save(model.state_dict(), "state.pt")
    train(copied)
    assert recorded(exp) == []

    def passes() -> (
        None
    ):  # a step of an optimizer beside another thread's pass is a race in PyTorch itself
        for _ in range(5):
            model(torch.randn(8, 4)).square().mean().backward()

    threads = [threading.Thread(target=passes) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorded(exp)) > 0


def test_what_cannot_be_watched_is_refused(exp: Experiment):
    frozen = network().requires_grad_(False)
    wrong: list[tuple[Any, dict[str, Any]]] = [
        ("net", {}), (frozen, {}), (network(), {"log": "grads"}), (network(), {"every": 0}), (network(), {"bins": 513}),
    ]  # fmt: skip
    for model, options in wrong:
        with pytest.raises(InvalidValue):
            integration.watch(model, exp, **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.linspace(-1, 1, 101),
        lambda: torch.tensor([1.0, float("nan"), float("inf"), 2.0]),
        lambda: torch.full((5,), 3.0),
        lambda: torch.full((5,), 1e30),
        lambda: torch.tensor([float("nan")]),
        lambda: torch.zeros(0),
        lambda: torch.arange(10, dtype=torch.float64) * 1e-300,
    ],
    ids=["spread", "nonfinite", "same", "large", "nan", "empty", "tiny"],
)
def test_counted_on_a_device_a_histogram_says_the_same(make: Callable[[], torch.Tensor]):
    tensor = make()

    class Elsewhere(torch.Tensor):
        """A tensor that says it lies on another device, which this machine need not have."""

        @property
        def device(self) -> Any:
            return torch.device("meta")

    here = histograms.histogram_of(histograms.plain(tensor), 16)
    there = histograms.histogram_of(tensor.as_subclass(Elsewhere), 16)
    assert there.nonfinite == here.nonfinite
    assert sum(there.counts) == sum(here.counts)
    assert {k: pytest.approx(v) for k, v in here.metadata.items()} == there.metadata
    if tensor.numel() > 100:
        assert np.allclose(there.edges, here.edges)
        assert np.abs(there.counts - here.counts).max() <= 1


@pytest.mark.slow
def test_the_example_leaves_what_it_says(tmp_path: Path):
    store = run_example("with_pytorch", tmp_path)
    view = store["examples/digits/pytorch"]
    assert view.status is Status.COMPLETED
    assert view.metrics["gradients/norm"].read().steps.tolist() == [0, 50, 100]
    names = {value.name for value in view.values()}
    assert names == {f"{kind}/{name}" for kind in ("gradients", "parameters") for name in NAMES}
    assert view.metrics["train/acc"].read().values[-1] > 0.9
    assert anew.__version__
