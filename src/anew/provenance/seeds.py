"""Seeds and random states: one call that seeds every library, and states that survive a checkpoint exactly.

States are plain data (numbers, texts, lists, mappings), so a checkpoint may keep them as JSON and nothing has to be
unpickled. Every seed is recorded by itself: in the experiments that are open, and in those opened later.
"""

from __future__ import annotations

import os
import sys

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "Seeds",
    "get_rng_state",
    "seed_everything",
    "seed_facts",
    "seed_worker",
    "set_rng_state",
    "state_digests",
]

_last: Seeds | None = None


class Seeds:
    """The seed that was set, and generators that follow from it."""

    __slots__ = ("deterministic", "libraries", "seed")

    def __init__(self, seed: int, deterministic: bool) -> None:
        self.seed = seed
        self.deterministic = deterministic
        self.libraries: list[str] = []

    def __int__(self) -> int:
        return self.seed

    def jax_key(self) -> Any:
        """A key for jax, which has no global state."""
        import jax

        return jax.random.key(self.seed)

    def numpy_generator(self) -> Any:
        """A new `numpy.random.Generator`."""
        import numpy

        return numpy.random.default_rng(self.seed)

    def torch_generator(self, device: str = "cpu") -> Any:
        """A new `torch.Generator`, for the `generator=` of a DataLoader."""
        import torch

        return torch.Generator(device).manual_seed(self.seed)

    def __repr__(self) -> str:
        return f"Seeds({self.seed}, libraries={self.libraries})"


def seed_everything(seed: int, deterministic: bool = False) -> Seeds:
    """Seed random, numpy, torch (all devices), tensorflow and the hashing of child processes.

    A library that is not imported yet is seeded when it is. The seed is recorded with the experiment. The hashing of
    this process was settled when it started: run it with PYTHONHASHSEED set if the order of sets matters.

    Args:
        seed: From 0 to 2**32 - 1.
        deterministic: Also ask torch and tensorflow for deterministic algorithms (slower; an operation that has none
            raises).

    Returns:
        The seeds, with `.jax_key()`, `.numpy_generator()` and `.torch_generator()`.

    Raises:
        InvalidValue: The seed is no integer of that range.
    """
    global _last
    if (
        isinstance(seed, bool)
        or not hasattr(seed, "__index__")
        or not 0 <= seed.__index__() < 2**32
    ):
        raise InvalidValue(
            f"A seed must be an integer from 0 to 2**32 - 1 (what numpy takes), not {seed!r}.",
            key="seed",
        )
    import random

    from .imports import when_imported

    seeds = Seeds(seed.__index__(), deterministic)
    random.seed(seeds.seed)
    seeds.libraries.append("random")
    os.environ["PYTHONHASHSEED"] = str(seeds.seed)
    if deterministic:
        # Read when CUDA starts; too late afterwards.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    _last = seeds
    for name, seeder in _SEEDERS.items():
        when_imported(name, _Seeding(seeds, name, seeder))
    _record()
    return seeds


class _Seeding:
    """Seeds one library when it is there, unless another seed has been set since."""

    def __init__(self, seeds: Seeds, name: str, seeder: Callable[[Any, Seeds], None]) -> None:
        self._seeds = seeds
        self._name = name.partition(".")[0]
        self._seeder = seeder

    def __call__(self, module: Any) -> None:
        if _last is self._seeds:
            self._seeder(module, self._seeds)
            self._seeds.libraries.append(self._name)
            _record()


def _seed_torch(torch: Any, seeds: Seeds) -> None:
    torch.manual_seed(seeds.seed)  # seeds every device, also before CUDA has started
    if seeds.deterministic:
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def _seed_tensorflow(tensorflow: Any, seeds: Seeds) -> None:
    tensorflow.random.set_seed(seeds.seed)
    if seeds.deterministic:
        tensorflow.config.experimental.enable_op_determinism()


_SEEDERS = {
    # The parts that hold the state: importing a package begins long before they are there.
    "numpy.random": lambda module, seeds: module.seed(seeds.seed),
    "torch": _seed_torch,
    "tensorflow": _seed_tensorflow,
}


def _record() -> None:
    recording = sys.modules.get("anew.tracking.recording")
    if recording is not None:
        for live in list(recording.LIVE.values()):
            if live.pid == os.getpid() and live.rank.is_lead:
                live.captures("seeds", seed_facts())


def seed_facts() -> dict[str, Any]:
    """What is known of the seeds now: the seed, where it was set, and digests of the states."""
    facts: dict[str, Any] = {}
    if _last is not None:
        facts = {
            "seed": _last.seed,
            "deterministic": _last.deterministic,
            "libraries": list(_last.libraries),
        }
    else:
        facts["seed"] = None
    return {**facts, "states": state_digests()}


def state_digests() -> dict[str, str]:
    """Short digests of the global random states of the libraries that are loaded.

    Two runs that begin with the same digests draw the same numbers; this costs some microseconds a library.
    """
    import hashlib

    found = {}
    random = sys.modules.get("random")
    numpy = sys.modules.get("numpy.random")
    torch = sys.modules.get("torch")
    try:
        if random is not None:
            from array import array

            version, state, gauss = random.getstate()
            data = array("Q", state).tobytes() + repr((version, gauss)).encode()
            found["random"] = hashlib.sha256(data).hexdigest()[:12]
        if numpy is not None and hasattr(numpy, "get_state"):
            name, keys, *rest = numpy.get_state()
            data = keys.tobytes() + repr((name, rest)).encode()
            found["numpy"] = hashlib.sha256(data).hexdigest()[:12]
        if torch is not None and hasattr(torch, "get_rng_state"):
            found["torch"] = hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()[
                :12
            ]
    except Exception:  # noqa: BLE001  (a library half imported, or its state replaced)
        pass
    return found


def seed_worker(worker_id: int) -> None:
    """Seed random and numpy in a DataLoader's worker from the seed that torch gave it.

    `DataLoader(…, worker_init_fn=seed_worker, generator=seeds.torch_generator())`.
    """
    import random

    import torch

    seed = torch.initial_seed() % 2**32
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)


# -- states ---------------------------------------------------------------------------------------


def get_rng_state() -> dict[str, Any]:
    """The global random states of the libraries that are loaded, as plain data for a checkpoint.

    The result goes through `json.dump` and `json.load` (or any other format) without losing a bit.
    """
    import random

    version, internal, gauss = random.getstate()
    state: dict[str, Any] = {
        "python": {"version": version, "state": list(internal), "gauss": gauss}
    }
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        name, keys, position, has_gauss, cached = numpy.random.get_state()
        state["numpy"] = {
            "name": name, "keys": keys.tolist(), "position": int(position),
            "has_gauss": int(has_gauss), "cached": float(cached),
        }  # fmt: skip
    torch = sys.modules.get("torch")
    if torch is not None:
        state["torch"] = _hex(torch.get_rng_state())
        if torch.cuda.is_available():
            state["cuda"] = [_hex(s) for s in torch.cuda.get_rng_state_all()]
        if torch.backends.mps.is_available():
            state["mps"] = _hex(torch.mps.get_rng_state())
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        generator = tensorflow.random.get_global_generator()
        state["tensorflow"] = {
            "algorithm": int(generator.algorithm),
            "state": [int(word) for word in generator.state.numpy()],
        }
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Restore what `get_rng_state` gave; libraries that it has a state of are imported.

    Raises:
        InvalidValue: It is no such state, or one of more GPUs than there are.
    """
    import random

    try:
        python = state["python"]
        random.setstate((int(python["version"]), tuple(python["state"]), python["gauss"]))
        if "numpy" in state:
            _set_numpy(state["numpy"])
        if "torch" in state:
            _set_torch(state)
        if "tensorflow" in state:
            import tensorflow

            saved = state["tensorflow"]
            tensorflow.random.set_global_generator(
                tensorflow.random.Generator.from_state(saved["state"], saved["algorithm"])
            )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValue(
            f"This is not a random state returned by get_rng_state: {type(error).__name__}: {error}.",
            key="state",
        ) from error


def _set_numpy(saved: dict[str, Any]) -> None:
    import numpy

    keys = numpy.array(saved["keys"], dtype=numpy.uint32)
    numpy.random.set_state(
        (saved["name"], keys, saved["position"], saved["has_gauss"], saved["cached"])
    )


def _set_torch(state: dict[str, Any]) -> None:
    import torch

    torch.set_rng_state(_tensor(torch, state["torch"]))
    if "cuda" in state:
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if len(state["cuda"]) > there:
            raise InvalidValue(
                f"The state was taken with {len(state['cuda'])} GPUs, and this machine has {there}: remove 'cuda' from it "
                "to restore the rest.",
                key="cuda",
            )
        torch.cuda.set_rng_state_all([_tensor(torch, s) for s in state["cuda"]])
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(_tensor(torch, state["mps"]))


def _hex(tensor: Any) -> str:
    return bytes(tensor.numpy().tobytes()).hex()


def _tensor(torch: Any, text: str) -> Any:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)
