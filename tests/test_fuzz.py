"""Random records, names and damages, and an oracle that knows what has to be shown.

`make test` runs a few of them, `make test-all` a dozen, and `make soak` runs `SOAK_SECONDS`. A failure names the seed, which repeats it alone.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.errors import AnewError
from damages import DAMAGES, ODD_VALUES, WHERES, Bad

SOAK_SECONDS = (
    float(os.environ.get("ANEW_FUZZ_SECONDS", 3600)) / 2
)  # here, and as many for openings
ALPHABET = "abzABZ019 _-+=,;!()[]{}äößéλ中文🙂'&#@$%^~\u0301\u200b"
VALUES = (
    0, 1, -1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**64), 2**200 + 1, 0.1, -0.0, 1e308, 5e-324, math.nan, math.inf,
    -math.inf, True, False, None, "", "text", "π" * 300, "\ud800", "a\0b", [], {}, [1, 2.5, "x"], {"n": {"m": 2**70}},
)  # fmt: skip
HEAVY = {name for name in DAMAGES if "sparse" in name or "a million" in name}


@dataclass
class Expected:
    """What was recorded of one experiment."""

    status: str = "completed"
    params: dict[str, Any] = field(default_factory=dict)
    points: dict[str, list[float]] = field(default_factory=dict)


def name_of(chance: random.Random) -> str:
    """A segment of a prefix that the rules allow, mostly."""
    return "".join(chance.choice(ALPHABET) for _ in range(chance.randint(1, 12)))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return type(a) is type(b) and a == b


class World:
    """One root, what is done to it, and what has to be seen of it then."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)
        self.sound: dict[str, Expected] = {}

    def record(self) -> None:
        """Record one experiment; a name that is refused records nothing."""
        chance, expected = self.chance, Expected()
        prefix = "/".join(name_of(chance) for _ in range(chance.randint(1, 4)))
        plain = {f"p{n}": chance.choice(VALUES) for n in range(chance.randint(0, 5))}
        try:
            with Experiment(
                prefix, root=self.root, quiet=True, console="off", system_metrics=0, params=plain
            ) as exp:
                prefix = exp.prefix
                for step in range(chance.randint(0, 8)):
                    name, value = (
                        chance.choice("xyz"),
                        chance.choice([0.5, 1e300, math.nan, -math.inf, step]),
                    )
                    exp.log_metric(name, value, step=chance.choice([step, None, -step]))
                    expected.points.setdefault(name, []).append(float(value))
                if chance.random() < 0.3:
                    expected.status = "failed"
                    raise RuntimeError("on purpose")
        except AnewError:
            return
        except RuntimeError:
            pass
        expected.params = {
            k: v for k, v in plain.items() if type(v) in (int, float, bool, type(None))
        }
        assert prefix not in self.sound
        self.sound[prefix] = expected

    def damage(self) -> None:
        """Damage one of them, which from then on may be shown in any way or not at all."""
        victims = [p for p in self.sound if "~" not in p and not self._holds(p)]
        if not victims:
            return
        prefix = self.chance.choice(victims)
        bad = Bad(self.root, prefix)
        try:
            if self.chance.random() < 0.5:
                what = self.chance.choice(
                    [d for d in DAMAGES if d not in HEAVY and "id of another" not in d]
                )
                DAMAGES[what](bad)
            else:
                put = WHERES[self.chance.choice(list(WHERES))]
                put(bad, self.chance.choice(list(ODD_VALUES.values())))
        except (StopIteration, AssertionError, OSError):
            pass  # there is no such file here
        del self.sound[prefix]

    def _holds(self, prefix: str) -> bool:
        """Whether others lie in its folder."""
        return any(p.startswith(prefix + "/") for p in self.sound)

    def delete(self) -> None:
        victims = [p for p in self.sound if not self._holds(p)]
        if victims:
            prefix = self.chance.choice(victims)
            with Store(self.root) as store:
                store.delete([store[prefix]], permanently=self.chance.random() < 0.5)
            del self.sound[prefix]

    def forget(self) -> None:
        """Lose everything that is derived."""
        for path in self.root.glob("experiments.db*"):
            path.unlink()
        shutil.rmtree(self.root / ".anew" / "packs", ignore_errors=True)

    def seal(self) -> None:
        with Store(self.root) as store:
            store.seal()

    def doctor(self) -> None:
        with Store(self.root) as store:
            store.list()  # so that what is derived is there
            found = [one for one in store.doctor() if one.prefix in self.sound]
        assert not found, found

    def check(self) -> None:
        """Everything that is sound is shown as it was recorded."""
        with Store(self.root) as store:
            shown = {view.prefix: view for view in store.list()}
            assert self.sound.keys() <= shown.keys(), self.sound.keys() - shown.keys()
            for prefix, expected in self.sound.items():
                view = shown[prefix]
                assert view.status == expected.status, prefix
                for key, value in expected.params.items():
                    assert same(view.params[key], value), (prefix, key)
                assert {n: m.count for n, m in view.metrics.items()} == {
                    n: len(values) for n, values in expected.points.items()
                }, prefix
                for name, values in expected.points.items():
                    found = view.metrics[name].read(order="written").values.tolist()
                    assert all(map(same, found, values)), (prefix, name)

    def step(self) -> None:
        what = self.chance.choices(
            (
                self.record,
                self.damage,
                self.delete,
                self.forget,
                self.seal,
                self.doctor,
                self.check,
            ),
            (8, 4, 1, 1, 1, 1, 3),
        )[0]
        what()


def run(root: Path, seed: int, steps: int = 25) -> None:
    world = World(root, seed)
    root.mkdir(parents=True)
    try:
        for _ in range(3):
            world.record()
        for _ in range(steps):
            world.step()
        world.check()
        world.doctor()
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    shutil.rmtree(root)


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 12))]
)
def test_what_is_sound_is_shown_as_it_was_recorded_whatever_happens_beside_it(tmp_path, seed):
    run(tmp_path / "root", seed)


@pytest.mark.soak
def test_what_is_sound_is_shown_for_half_an_hour(tmp_path):
    until, seed = time.monotonic() + SOAK_SECONDS, random.SystemRandom().randrange(2**32)
    while time.monotonic() < until:
        run(tmp_path / str(seed), seed)
        seed += 1
