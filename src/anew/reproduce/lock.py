"""The verdicts that a project holds: a text file in its repository, and whether they are still reached.

The file says of each experiment what its newest run must give, with a digest of every curve. So it can be checked where the
experiment itself is not, such as in continuous integration, which has only the run it has just made.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from ..errors import CorruptData, NotFound
from ..provenance.repository import find_repository
from ..record.captures import recorded_hash
from ..record.status import Status
from .comparison import side_of
from .differences import Side
from .names import chosen
from .outputs import hashes_of
from .series import curves_of
from .verdict import Curve, Tolerance, Verdict, judge

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["LOCK", "Held", "HeldMetric", "Lock", "Reached", "check_held", "find_lock", "hold", "newest_run", "read_lock", "write_lock"]  # fmt: skip

LOCK = "anew.lock"
_HEAD = "# The verdicts that this project holds. `anew check` checks them, `anew check --update EXPERIMENT` changes them.\n"
_DIGEST = 16


class HeldMetric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One curve as it is held.

    Attributes:
        digest: Of its steps and values.
        rtol, atol: How far its values may be apart where the verdict is WITHIN TOLERANCE.
    """

    points: int
    digest: str
    last: float
    min: float
    max: float
    rtol: float = 0.0
    atol: float = 0.0


class Held(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The verdict on one experiment that is held.

    Attributes:
        experiment: Its prefix; `id` is that of the run that the rest was taken from.
        verdict: The worst verdict that is still right.
        evidence: What that run rested on: commit, packages, data, seed.
        files: The BLAKE3 of the files that it logged; they count where no metric was logged.
    """

    experiment: str
    id: str
    verdict: Literal["IDENTICAL", "WITHIN TOLERANCE"] = "IDENTICAL"
    evidence: dict[str, str] = {}
    metrics: dict[str, HeldMetric] = {}
    files: dict[str, str] = {}


class Lock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as a whole."""

    version: Literal[1] = 1
    held: list[Held] = []


@dataclass(frozen=True)
class Reached:
    """What a held verdict has come to.

    Attributes:
        run: The id of the run that was looked at; None where there is none.
        verdict: The verdict on that run; `holds` says whether it is no worse than the held one.
        metrics: The verdict on each metric.
        changed: What that run rested on that is not as it was held, in words.
    """

    held: Held
    run: str | None
    verdict: Verdict
    reason: str
    metrics: Mapping[str, Verdict] = field(default_factory=dict)
    changed: Sequence[str] = ()

    @property
    def holds(self) -> bool:
        """Whether the held verdict is reached."""
        order = list(Verdict)
        return order.index(self.verdict) <= order.index(Verdict(self.held.verdict))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "experiment": self.held.experiment,
            "held": self.held.verdict,
            "held_id": self.held.id,
            "run": self.run,
            "verdict": self.verdict.value,
            "holds": self.holds,
            "reason": self.reason,
            "metrics": {name: verdict.value for name, verdict in self.metrics.items()},
            "changed": list(self.changed),
        }


def find_lock(folder: str) -> str:
    """The path of the file: the nearest one from a folder up to the top of its repository, else where it would be made."""
    repository = find_repository(folder)
    top = repository.root if repository is not None else os.path.abspath(folder)
    at = os.path.abspath(folder)
    while True:
        path = os.path.join(at, LOCK)
        if os.path.isfile(path):
            return path
        if at == top or os.path.dirname(at) == at:
            return os.path.join(top, LOCK)
        at = os.path.dirname(at)


def read_lock(path: str) -> Lock:
    """The verdicts that are held; none where there is no such file.

    Raises:
        CorruptData: It is not such a file.
    """
    try:
        with open(path, "rb") as file:
            return msgspec.convert(tomllib.load(file), Lock)
    except FileNotFoundError:
        return Lock()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise CorruptData(f"{path} does not hold verdicts: {error}.", path=path) from None


def write_lock(path: str, lock: Lock) -> None:
    """Write the file: sorted, a line for each metric, so that a change is a few lines of a diff."""
    lines = [_HEAD, "version = 1\n"]
    for one in sorted(lock.held, key=lambda held: held.experiment):
        lines.append("\n[[held]]\n")
        lines += [
            f"{name} = {_text(getattr(one, name))}\n" for name in ("experiment", "id", "verdict")
        ]
        for title, texts in (("evidence", one.evidence), ("files", one.files)):
            if texts:
                lines.append(f"\n[held.{title}]\n")
                lines += [f"{_text(k)} = {_text(v)}\n" for k, v in sorted(texts.items())]
        if one.metrics:
            lines.append("\n[held.metrics]\n")
        for name, metric in sorted(one.metrics.items()):
            facts = ", ".join(
                f"{key} = " + (_text(value) if isinstance(value, str) else repr(value))
                for key, value in msgspec.structs.asdict(metric).items()
                if not (key in ("rtol", "atol") and not value)
            )
            lines.append(f"{_text(name)} = {{ {facts} }}\n")
    temporary = Path(f"{path}.{os.getpid()}")
    temporary.write_text("".join(lines), encoding="utf-8", errors="replace", newline="\n")
    os.replace(temporary, path)


def _text(value: str) -> str:
    """A TOML text: its escapes are those of JSON, but for a few characters that JSON leaves alone."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def newest_run(store: Store, prefix: str, held_id: str | None = None) -> ExperimentView:
    """The newest run of an experiment that has ended: of that prefix, or what `anew reproduce` made of the held one.

    Raises:
        NotFound: There is none.
    """
    found = [store.get(prefix)] if prefix in store else []
    for one in {held_id, *(view.id for view in found)}:
        if one is not None and one in store:
            found += [store.get(one), *(
                child for child in store.get(one).children()
                if child.relation == "reproduces" and "probe" not in child.captured
            )]  # fmt: skip
    ended = [view for view in found if view.status not in (Status.RUNNING, Status.PENDING)]
    if not ended:
        raise NotFound(f"No run of {prefix} has ended here.", name=prefix)
    return max(ended, key=lambda view: view.created_at)


def hold(
    store: Store,
    view: ExperimentView,
    prefix: str,
    tolerance: Tolerance,
    *,
    only: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Held:
    """What a run gives, to be held from now on.

    Args:
        prefix: What the experiment is called in the file.
        tolerance: How far later values may be apart; where it allows anything, WITHIN TOLERANCE is held.
        only: Patterns of the metrics to hold; all but times, speeds and the system's if none.
        ignore: Patterns of metrics to leave out.
    """
    curves = curves_of(store, view)
    names = chosen(
        [(name, curves.get(name)) for name in sorted(curves)],
        started=view.started_at or view.created_at, only=only, ignore=ignore,
    ).counted  # fmt: skip
    metrics = {}
    for name in names:
        rtol, atol = tolerance.of(name)
        metrics[name] = _held(curves[name], rtol, atol)
    loose = any(one.rtol or one.atol for one in metrics.values())
    return Held(
        experiment=prefix, id=view.id, verdict="WITHIN TOLERANCE" if loose else "IDENTICAL",
        evidence=_evidence(side_of(view)), metrics=metrics, files={} if metrics else hashes_of(view),
    )  # fmt: skip


def _held(curve: Curve, rtol: float = 0.0, atol: float = 0.0) -> HeldMetric:
    values = curve.values
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (float("nan"),) * 2
    return HeldMetric(
        points=len(curve), digest=_digest(curve), last=float(values[-1]), min=low, max=high, rtol=rtol, atol=atol,
    )  # fmt: skip


def _digest(curve: Curve) -> str:
    """A digest of a curve; every NaN is the same, as it is for a verdict."""
    values = curve.values.astype("<f8", copy=True)
    values[np.isnan(values)] = np.nan
    found = hashlib.blake2b(digest_size=_DIGEST)
    found.update(curve.steps.astype("<i8").tobytes())
    found.update(values.tobytes())
    return found.hexdigest()


def _evidence(side: Side) -> dict[str, str]:
    git, environment = side.fact("git"), side.fact("environment")
    found = {
        "commit": git.get("commit"),
        "patch": recorded_hash(side.captured, "git.patch"),
        "python": environment.get("python"),
        "packages": recorded_hash(side.captured, "requirements.txt"),
        "seed": side.fact("seeds").get("seed"),
    }
    found |= {
        f"data {name}": fact.get("sha256")
        for name, fact in side.fact("inputs").items()
        if isinstance(fact, Mapping)
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def check_held(store: Store, held: Held) -> Reached:
    """What a held verdict has come to, by the newest run that is here."""
    try:
        view = newest_run(store, held.experiment, held.id)
    except NotFound as error:
        return Reached(held, None, Verdict.NOT_COMPARABLE, str(error))
    changed = _changed(held.evidence, _evidence(side_of(view)))
    if view.status is not Status.COMPLETED:
        reason = f"the run {view.status}" + (f": {view.reason}" if view.reason else "")
        return Reached(held, view.id, Verdict.DIVERGED, reason, changed=changed)
    if held.metrics:
        metrics = _metrics(store, held, view)
        verdict = max(metrics.values(), key=list(Verdict).index)
        worst = [name for name, one in metrics.items() if one is verdict]
        reason = f"{len(worst)} of {len(metrics)} metrics: {', '.join(worst[:3])}" + (" …" if len(worst) > 3 else "")  # fmt: skip
        return Reached(held, view.id, verdict, reason, metrics, changed)
    files = hashes_of(view)
    other = [name for name, value in held.files.items() if files.get(name) != value]
    if not held.files:
        return Reached(
            held, view.id, Verdict.NOT_COMPARABLE, "nothing is held of it", changed=changed
        )
    verdict = Verdict.DIVERGED if other else Verdict.IDENTICAL
    reason = f"{len(other)} of {len(held.files)} files differ"
    return Reached(held, view.id, verdict, reason, changed=changed)


def _metrics(store: Store, held: Held, view: ExperimentView) -> dict[str, Verdict]:
    """The verdict on each held metric: point by point where the held run is here too, else by digest and summary."""
    curves = curves_of(store, view)
    there = curves_of(store, store.get(held.id)) if held.id in store else {}
    found = {}
    for name, one in sorted(held.metrics.items()):
        curve = curves.get(name)
        if curve is None or not len(curve):
            found[name] = Verdict.NOT_COMPARABLE
        elif _digest(curve) == one.digest:
            found[name] = Verdict.IDENTICAL
        elif name in there and _digest(there[name]) == one.digest:
            found[name] = judge(name, there[name], curve, Tolerance(one.rtol, one.atol)).verdict
        else:
            found[name] = _by_summary(one, _held(curve))
    return found


def _by_summary(held: HeldMetric, now: HeldMetric) -> Verdict:
    """Whether number, last, smallest and largest of the points are within the tolerance."""
    near = held.points == now.points and all(
        abs(getattr(held, key) - getattr(now, key))
        <= held.atol + held.rtol * abs(getattr(held, key))
        for key in ("last", "min", "max")
    )
    return Verdict.WITHIN_TOLERANCE if near and (held.rtol or held.atol) else Verdict.DIVERGED


def _changed(held: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {held.get(name, 'none')[:16]} → {now.get(name, 'none')[:16]}"
        for name in sorted({*held, *now})
        if held.get(name) != now.get(name)
    ]
