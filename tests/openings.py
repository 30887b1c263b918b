"""Sequences of openings on one root, and what they have to look like: a model of a few dictionaries.

Writers are real: this process, and forked ones that are told what to do through a pipe and killed by their ids. The model
restates the rules of docs/internals/format.md ("Openings", "Copies") in a few lines of its own.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.errors import (
    ConfigFrozen,
    InvalidName,
    InvalidSetting,
    InvalidValue,
    NotFound,
    StillRunning,
)
from anew.tracking import meaning
from damages import DAMAGES, Bad

PREFIXES = ("p/a", "p/a/inner", "p/b", "q/r/c", "d")
METRICS = ("loss", "train/acc", "精度")
INTEGERS = (0, -1, 2**53 + 1, 2**63, 2**64, -(2**70), 2**200 + 1)
FLOATS = (0.1, -0.0, 1e308, 5e-324, math.inf, -math.inf, math.nan)
OTHERS = (True, None, "text", [1, 2**65, "x"], {"m": 2**66})
WORST = ("running", "failed", "cancelled", "completed")
QUIET: dict[str, Any] = {"quiet": True, "console": "off", "system_metrics": 0}
DAMAGE = [name for name in DAMAGES if not any(t in name for t in ("sparse", "a million", "id of another"))]  # fmt: skip

clock = itertools.count()


@dataclass(eq=False)
class Writer:
    """What one process wrote in one opening; `killed` when nobody wrote its end."""

    opening: str
    began: int = field(default_factory=lambda: next(clock))
    ended: int | None = None
    status: str = "running"
    decides: bool = True
    points: list[tuple[str, float]] = field(default_factory=list)

    def end(self, status: str) -> None:
        self.status, self.ended = status, next(clock)

    @property
    def killed(self) -> bool:
        return self.status == "killed"


@dataclass(eq=False)
class Known:
    """One experiment: what its writers wrote, in order."""

    id: str
    prefix: str
    parent: str | None = None
    writers: list[Writer] = field(default_factory=list)
    said: list[tuple[int, str, Any]] = field(default_factory=list)  # when, what about, and what
    beside: bool = False  # whether some of its writers ran side by side: then the order of all points is not known

    def say(self, about: str, what: Any) -> None:
        self.said.append((next(clock), about, what))

    def _said(self, about: str) -> list[Any]:
        return [
            what for _, kind, what in sorted(self.said, key=lambda one: one[0]) if kind == about
        ]

    @property
    def params(self) -> dict[str, Any]:
        return {
            key: value
            for params in self._said("params")
            for name, given in params.items()
            for key, value in (
                {f"{name}.{k}": v for k, v in given.items()}
                if type(given) is dict
                else {name: given}
            ).items()
        }

    @property
    def tags(self) -> dict[str, str | None]:
        return {name: value for tags in self._said("tags") for name, value in tags.items()}

    @property
    def notes(self) -> str | None:
        return next(reversed(self._said("notes")), None)

    @property
    def config(self) -> dict[str, Any] | None:
        return next((config for _, config in self._said("config")), None)

    @property
    def own_configs(self) -> dict[str, Any]:
        return dict(self._said("config")[1:])

    def openings(self) -> dict[str, list[Writer]]:
        together: dict[str, list[Writer]] = {}
        for writer in sorted(self.writers, key=lambda one: one.began):
            if writer.decides:
                together.setdefault(writer.opening, []).append(writer)
        return together

    def deciding(self) -> list[Writer]:
        """The writers whose ends are the experiment's: those that no later opening went on from."""
        starts = {name: writers[0].began for name, writers in self.openings().items()}

        def superseded(writer: Writer) -> bool:
            others = [began for name, began in starts.items() if name != writer.opening]
            if writer.killed:
                return any(began > writer.began for began in others)
            return writer.ended is not None and any(began > writer.ended for began in others)

        return [one for one in self.writers if one.decides and not superseded(one)]

    @property
    def status(self) -> str:
        return worst(self.deciding())

    @property
    def running(self) -> bool:
        return any(one.status == "running" for one in self.writers)

    def points(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for writer in self.writers:
            for name, value in writer.points:
                found.setdefault(name, []).append(value)
        return found

    def configure(self, opening: str, config: dict[str, Any] | None) -> None:
        if config is not None and config != self.own_configs.get(opening, self.config):
            self.say("config", (opening, config))


def worst(writers: Any) -> str:
    statuses = {"failed" if one.killed else one.status for one in writers}
    return next(status for status in WORST if status in statuses)


def plain(value: Any) -> str:
    """A text that is the same for equal values of equal types, NaN included."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{plain(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, (set, frozenset)):
        return plain(sorted(value))
    return f"{type(value).__name__}:{value!r}"


def same(found: Any, wanted: Any, where: str) -> None:
    assert plain(found) == plain(wanted), f"{where}: {plain(found)} instead of {plain(wanted)}"


class Hand:
    """Another process that has an experiment open, and does what it is told."""

    def __init__(
        self, environ: dict[str, str], prefix: str | None, options: dict[str, Any]
    ) -> None:
        mine, its = socket.socketpair()
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            try:
                mine.close()
                os.environ.update(environ)
                _serve(its, prefix, options)
            finally:
                os._exit(0)
        its.close()
        self._file = mine.makefile("rw")
        self._socket = mine
        said = json.loads(self._file.readline())
        assert "error" not in said, said
        self.id, self.prefix, self.opening = said["id"], said["prefix"], said["opening"]

    def tell(self, **what: Any) -> None:
        self._file.write(json.dumps(what) + "\n")
        self._file.flush()
        assert json.loads(self._file.readline()) == "done"

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.leave()

    def leave(self) -> None:
        os.waitpid(self.pid, 0)
        self._file.close()
        self._socket.close()


def _serve(its: socket.socket, prefix: str | None, options: dict[str, Any]) -> None:
    meaning._opened_by_name.clear()
    with its.makefile("rw") as file:

        def say(what: Any) -> None:
            file.write(json.dumps(what) + "\n")
            file.flush()

        try:
            exp = Experiment(prefix=prefix, **QUIET, **options).run.start()
        except BaseException as error:
            say({"error": repr(error)})
            raise
        opening = exp.life.recording.opening  # type: ignore[union-attr]
        say({"id": exp.id, "prefix": exp.prefix, "opening": opening})
        for line in file:
            what = json.loads(line)
            for name, value in what.get("points", ()):
                exp.log_metric(name, value)
            if "params" in what:
                exp.params.set(what["params"])
            if "end" in what:
                _end(exp, what["end"])
            say("done")
            if "end" in what:
                return


def _end(exp: Experiment, status: str) -> None:
    {"completed": exp.run.complete, "failed": exp.run.fail, "cancelled": exp.run.cancel}[status]()


class Openings:
    """One root, the hands at it, and what is known of it."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.root = home / "root"
        self.root.mkdir(parents=True)
        self.chance = random.Random(seed)
        self.known: dict[str, Known] = {}
        self.trash: dict[str, Known] = {}
        self.hands: list[tuple[Hand, Known, Writer]] = []
        self.copies: dict[
            str, Known
        ] = {}  # folders that were copied and not opened, as they were then
        self.done: list[str] = []
        self._values = itertools.count()
        self._names = itertools.count()
        self._long: Store | None = None

    def close(self) -> None:
        for hand, *_ in self.hands:
            hand.kill()
        if self._long is not None:
            self._long.close()

    # -- chance -----------------------------------------------------------------------------------

    def _some(self, what: list[Known]) -> Known | None:
        return self.chance.choice(sorted(what, key=lambda one: one.id)) if what else None

    def _idle(self) -> Known | None:
        return self._some([one for one in self.known.values() if not one.running])

    def _family(self, prefix: str) -> list[Known]:
        """What was opened under a prefix, newest first."""
        numbers = {}
        for one in self.known.values():
            start, _, number = one.prefix.partition("~")
            if start == prefix:
                numbers[int(number or 1)] = one
        return [numbers[n] for n in sorted(numbers, reverse=True)]

    def _points(self) -> list[tuple[str, float]]:
        special = self.chance.random() < 0.2
        return [
            (
                self.chance.choice(METRICS),
                self.chance.choice(FLOATS) if special else float(next(self._values)),
            )
            for _ in range(self.chance.randint(0, 6))
        ]

    def _params(self) -> dict[str, Any]:
        every = (*INTEGERS, *FLOATS, *OTHERS)
        return {
            f"p{self.chance.randint(0, 3)}": self.chance.choice(every)
            for _ in range(self.chance.randint(0, 3))
        }

    def _config(self) -> dict[str, Any] | None:
        return self.chance.choice(
            [None, None, {"lr": 1}, {"lr": 2**64}, {"lr": 2, "n": {"m": 0.5}}]
        )

    def _ending(self) -> str:
        return self.chance.choice(["completed", "completed", "failed", "cancelled"])

    # -- openings ---------------------------------------------------------------------------------

    def _expect(self, prefix: str, resume: str) -> Known | None:
        """Which experiment an opening is to be; None for a new one."""
        family = self._family(prefix)
        if not family or resume == "never":
            return None
        newest = family[0]
        if resume in ("allow", "must"):
            return newest
        assert resume == "auto"
        killed = any(writer.killed for writer in newest.deciding())
        interrupted = newest.status == "cancelled" or (newest.status == "failed" and killed)
        return newest if interrupted else None

    def _arrive(
        self, id_: str, prefix: str, opening: str, expected: Known | None, asked: str
    ) -> tuple[Known, Writer]:
        """Take up what was opened, and check that it is what was to be opened."""
        if expected is None:
            taken = {one.prefix for one in self.known.values()} | self.copies.keys()
            family = [int(p.partition("~")[2] or 1) for p in taken if p.partition("~")[0] == asked]
            wanted = asked if not family else f"{asked}~{max(1, *family) + 1}"
            assert prefix == wanted, (prefix, wanted)
            assert id_ not in self.known
            assert id_ not in self.trash
            self.known[id_] = Known(id_, prefix)
        else:
            assert (id_, prefix) == (expected.id, expected.prefix)
        known = self.known[id_]
        known.beside |= known.running
        writer = Writer(opening)
        known.writers.append(writer)
        return known, writer

    def open(self) -> None:
        """Open one here, log, and end it."""
        asked = self.chance.choice(PREFIXES)
        if any(p.partition("~")[0] == asked for p in self.copies):
            return  # opening a copy has a step of its own
        resume = self.chance.choice(["never", "never", "auto", "allow", "must", "id"])
        family = self._family(asked)
        expected = None
        if resume == "id":
            if not family:
                return
            expected = self.chance.choice(family)
        elif resume == "must" and not family:
            with pytest.raises(NotFound):
                Experiment(prefix=asked, root=self.root, resume="must", **QUIET).run.start()
            return
        else:
            expected = self._expect(asked, resume)
        params, config = self._params(), self._config()
        exp = Experiment(
            prefix=asked,
            root=self.root,
            resume=expected.id if resume == "id" and expected else resume,
            params=params,
            config=config,
            **QUIET,
        ).run.start()
        opening = exp.life.recording.opening  # type: ignore[union-attr]
        known, writer = self._arrive(exp.id, exp.prefix, opening, expected, asked)
        self.done.append(f"opened {exp.prefix} with resume={resume}")
        known.configure(opening, config)
        known.say("params", params)
        same(exp.params.get(flatten=True), known.params, exp.prefix)
        self._write_here(exp, writer)
        if self.chance.random() < 0.3:
            more = self._params()
            exp.params.set(more)
            known.say("params", more)
        if self.chance.random() < 0.3:
            self._beside(exp, known, writer)
        status = self._ending()
        _end(exp, status)
        writer.end(status)

    def _write_here(self, exp: Experiment, writer: Writer) -> None:
        for name, value in self._points():
            exp.log_metric(name, value, step=self.chance.choice([None, 3, -1]))
            writer.points.append((name, value))

    def _beside(self, exp: Experiment, known: Known, writer: Writer) -> None:
        """Others write to what is open: a second handle, a thread, a fork, a process that is started."""
        what = self.chance.choice(["handle", "thread", "fork", "process"])
        self.done.append(f"a {what} joined {exp.prefix}")
        known.beside = True
        points = self._points()
        before = known.status
        writer.points += points

        def write() -> None:
            for name, value in points:
                exp.log_metric(name, value)

        if what == "handle":
            with Experiment(
                prefix=exp.prefix.partition("~")[0], root=self.root, resume="allow", **QUIET
            ) as two:
                assert two.id == exp.id
                for name, value in points:
                    two.log_metric(name, value)
        elif what == "thread":
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        elif what == "fork":
            pid = os.fork()
            if not pid:
                try:
                    write()
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)
        else:
            hand = Hand(
                {}, exp.prefix.partition("~")[0], {"root": str(self.root), "resume": "allow"}
            )
            assert (hand.id, hand.opening) == (exp.id, writer.opening)
            inner = Writer(writer.opening)
            known.writers.append(inner)
            hand.tell(points=points)
            if self.chance.random() < 0.5:
                hand.kill()
                inner.end("killed")
            else:
                hand.tell(end="completed")
                hand.leave()
                inner.end("completed")
        assert before == known.status == "running"

    def begin(self) -> None:
        """Another process opens one, and has it open for a while; sometimes the ranks of a launch do."""
        asked = self.chance.choice(PREFIXES)
        if len(self.hands) > 3 or any(p.partition("~")[0] == asked for p in self.copies):
            return
        ranks = self.chance.choice([1, 1, 2, 3])
        resume = self.chance.choice(["never", "never", "allow"])
        expected = self._expect(asked, resume)
        environ = {}
        if ranks > 1:
            environ = {
                "ANEW_LAUNCH": f"launch-{self.root}-{next(self._names)}",
                "WORLD_SIZE": str(ranks),
            }
        known = None
        for rank in range(ranks):
            if ranks > 1:
                environ["RANK"] = str(rank)
            hand = Hand(environ, asked, {"root": str(self.root), "resume": resume})
            known, writer = self._arrive(hand.id, hand.prefix, hand.opening, expected, asked)
            expected = known
            self.hands.append((hand, known, writer))
        self.done.append(
            f"{ranks} others opened {known.prefix if known else ''} with resume={resume}"
        )

    def go_on(self) -> None:
        """A process that has one open logs, ends, or is killed."""
        if not self.hands:
            return
        hand, known, writer = one = self.chance.choice(self.hands)
        points = self._points()
        hand.tell(points=points)
        writer.points += points
        if self.chance.random() < 0.3:
            params = {k: v for k, v in self._params().items() if v == v}
            hand.tell(params=params)
            known.say("params", params)
        what = self.chance.choice(["log", "end", "kill"])
        if what == "log":
            return
        self.hands.remove(one)
        if what == "kill":
            hand.kill()
            writer.end("killed")
        else:
            status = self._ending()
            hand.tell(end=status)
            hand.leave()
            writer.end(status)
        self.done.append(f"one of {known.prefix} was told to {what}: {writer.status}")

    def refuse(self) -> None:
        """A start that is refused leaves everything as it was."""
        known = self._some([one for one in self.known.values() if one.config is not None])
        asked = known.prefix.partition("~")[0] if known else self.chance.choice(PREFIXES)
        how: list[tuple[type[Exception], dict[str, Any]]] = [
            (InvalidSetting, {"resume": "maybe"}),
            (InvalidValue, {"parent": 5}),
            (InvalidName, {"tags": [""]}),
            (NotFound, {"resume": "zzzzzzzzzzzz"}),
            ((InvalidValue, TypeError), {"config": 5}),  # type: ignore[list-item]
        ]
        if known is not None:
            how.append((ConfigFrozen, {"config": {"other": 1}, "config_conflict": "refuse", "resume": known.id}))  # fmt: skip
        kind, arguments = self.chance.choice(how)
        with pytest.raises(kind):
            Experiment(prefix=asked, root=self.root, **QUIET, **arguments).run.start()
        self.done.append(f"refused {asked}: {arguments}")

    # -- from outside -----------------------------------------------------------------------------

    def correct(self) -> None:
        known = self._some(list(self.known.values()))
        if known is None:
            return
        self.done.append(f"corrected {known.prefix}")
        with Store(self.root) as store:
            params = self._params()
            if params:
                store.set_params(known.id, params)
                known.say("params", params)
            if self.chance.random() < 0.5:
                tag = self.chance.choice("xy")
                store.tag(known.id, {tag: known.prefix})
                known.say("tags", {tag: known.prefix})
            if self.chance.random() < 0.5:
                known.say("notes", f"note {next(self._values)}")
                store.note(known.id, known.notes)

    def delete(self) -> None:
        known = self._some(list(self.known.values()))
        if known is None:
            return
        permanently = self.chance.random() < 0.3
        self.done.append(f"deleted {known.prefix}{' permanently' if permanently else ''}")
        with Store(self.root) as store:
            if known.running:
                with pytest.raises(StillRunning):
                    store.delete(known.id, permanently=permanently)
                return
            store.delete(known.id, permanently=permanently)
        del self.known[known.id]
        if not permanently:
            self.trash[known.id] = known

    def restore(self) -> None:
        known = self._some(list(self.trash.values()))
        if known is None:
            return
        taken = {one.prefix for one in self.known.values()} | self.copies.keys()
        self.done.append(f"restored {known.prefix}")
        with Store(self.root) as store:
            if known.prefix in taken:
                with pytest.raises(InvalidName):
                    store.restore(known.id)
                return
            assert store.restore(known.id).prefix == known.prefix
        self.known[known.id] = self.trash.pop(known.id)

    def move(self) -> None:
        known = self._some(list(self.known.values()))
        if known is None:
            return
        to = self.chance.choice([*PREFIXES, f"moved/m{next(self._names)}"])
        taken = {one.prefix for one in self.known.values()} | self.copies.keys()
        self.done.append(f"moved {known.prefix} to {to}")
        with Store(self.root) as store:
            if known.running or to in taken:
                with pytest.raises((StillRunning, InvalidName)):
                    store.move(known.id, to)
                return
            store.move(known.id, to)
        known.prefix = to

    def copy(self) -> None:
        """Somebody copies a folder by hand; it is not shown while the original is there."""
        known = self._idle()
        if known is None or any(
            one.prefix.startswith(known.prefix + "/") for one in self.known.values()
        ):
            return
        to = f"copies/c{next(self._names)}"
        shutil.copytree(self.root / known.prefix, self.root / to, symlinks=True)
        self.copies[to] = copy.deepcopy(known)
        self.done.append(f"copied {known.prefix} to {to}")

    def open_copy(self) -> None:
        """A copy that is opened goes on as a fork with an id of its own."""
        if not self.copies:
            return
        prefix = self.chance.choice(sorted(self.copies))
        fork = self.copies.pop(prefix)
        with Experiment(prefix, root=self.root, resume="allow", **QUIET) as exp:
            assert exp.id not in self.known
            assert exp.prefix == prefix
            fork.id, fork.prefix, fork.parent = exp.id, prefix, fork.id
            writer = Writer(exp.life.recording.opening)  # type: ignore[union-attr]
            fork.writers.append(writer)
            self._write_here(exp, writer)
        writer.end("completed")
        self.known[fork.id] = fork
        self.done.append(f"opened the copy {prefix}")

    def remove_copy(self) -> None:
        if self.copies:
            prefix = self.chance.choice(sorted(self.copies))
            shutil.rmtree(self.root / prefix)
            del self.copies[prefix]
            self.done.append(f"removed the copy {prefix}")

    # -- the root ---------------------------------------------------------------------------------

    def damage(self) -> None:
        """One more experiment, which is then damaged: from then on it may be shown in any way or not at all."""
        prefix = f"broken/b{next(self._names)}"
        with Experiment(prefix, root=self.root, params={"x": 1}, **QUIET) as exp:
            exp.log_metrics({"loss": 1.0}, step=1)
            exp.log("a message")
            exp.files("models").save(b"weights", "w.bin")
        what = self.chance.choice(DAMAGE)
        self.done.append(f"damaged {prefix}: {what}")
        try:
            DAMAGES[what](Bad(self.root, prefix))
        except (StopIteration, AssertionError, OSError):
            pass  # there is no such file here, or it was put there before

    def forget(self) -> None:
        """Lose what is derived, or have it made again."""
        what = self.chance.choice(["catalog", "packs", "rebuild", "seal", "gc"])
        self.done.append(f"forgot: {what}")
        if what == "catalog":
            self._close_long()
            for path in self.root.glob("experiments.db*"):
                path.unlink()
        elif what == "packs":
            for name in ("packs", "series"):
                shutil.rmtree(self.root / ".anew" / name, ignore_errors=True)
        else:
            with Store(self.root) as store:
                if what == "rebuild":
                    store.rebuild()
                elif what == "seal":
                    store.seal()
                else:
                    store.gc()
                    self.trash.clear()

    def doctor(self) -> None:
        with Store(self.root) as store:
            store.list()  # so that what is derived is there
            found = {
                (one.kind, one.prefix)
                for one in store.doctor(repair=self.chance.random() < 0.5)
                if not one.prefix.startswith("broken") and one.prefix
            }
        assert found == {("copy", prefix) for prefix in self.copies}, found

    def rehouse(self) -> None:
        """The whole store goes elsewhere: as a copied folder, or through a zip file."""
        if self.hands:
            return
        there = self.home / f"root{next(self._names)}"
        if self.chance.random() < 0.5:
            subprocess.run(["cp", "-a", self.root, there], check=True)
            self.done.append("copied the root")
        else:
            archive = self.home / f"{there.name}.zip"
            with Store(self.root) as store:
                store.export(None, archive)
            there.mkdir()
            with zipfile.ZipFile(archive) as file:
                file.extractall(there)
            self.trash.clear()
            self.copies.clear()
            self.done.append("exported to a zip file, and unpacked that")
        self._close_long()
        self.root = there

    def _close_long(self) -> None:
        if self._long is not None:
            self._long.close()
            self._long = None

    def check(self) -> None:
        """What is shown is what is known: to a reader that was there before as well."""
        if self._long is None:
            self._long = Store(self.root)
        self._see(self._long)
        with Store(self.root) as store:
            self._see(store)

    def _see(self, store: Store, *, by_id: bool = False) -> None:
        shown = {view.id: view for view in store.list() if not view.prefix.startswith("broken")}
        places = {one.id: one.prefix for one in self.known.values()}
        if by_id:
            same(set(shown), set(places), "which there are")
        else:
            same({view.id: view.prefix for view in shown.values()}, places, "which there are")
        for known in self.known.values():
            view, where = shown[known.id], f"{known.prefix} {known.id}"
            same(str(view.status), known.status, where)
            openings = [worst(writers) for writers in known.openings().values()]
            same([str(one.status) for one in view.openings], openings, where)
            if not by_id:
                configs = [known.own_configs.get(name) for name in known.openings()]
                same([one.config for one in view.openings], configs, where)
            same(view.params.flat(), known.params, where)
            same(view.config and view.config.to_dict(), known.config, where)
            about = (view.tags, view.notes, view.parent)
            same(about, (known.tags, known.notes, known.parent), where)
            points = known.points()
            counts = {name: len(values) for name, values in points.items()}
            same({name: metric.count for name, metric in view.metrics.items()}, counts, where)
            for name, values in points.items():
                found = view.metrics[name].read(order="written").values.tolist()
                if known.beside:
                    found, values = sorted(found, key=repr), sorted(values, key=repr)
                same(found, values, f"{name} of {where}")
            if not known.running and not by_id:
                document = json.loads((view.path / "metadata.json").read_text())
                same(document["experiment_id"], known.id, where)

    def step(self) -> None:
        steps: dict[Callable[[], None], int] = {
            self.open: 8, self.begin: 3, self.go_on: 5, self.refuse: 2, self.correct: 2, self.delete: 2, self.restore: 2,
            self.move: 2, self.copy: 1, self.open_copy: 1, self.remove_copy: 1, self.damage: 1, self.forget: 2,
            self.doctor: 1, self.rehouse: 1, self.check: 6,
        }  # fmt: skip
        self.chance.choices(list(steps), list(steps.values()))[0]()

    def merge(self) -> None:
        """Two copies of the root are worked on, each unseen by the other, and put together again."""
        while self.hands:
            self.go_on()
        for prefix in list(self.copies):
            shutil.rmtree(self.root / prefix)
            del self.copies[prefix]
        self._close_long()
        here, before = self.root, self.known
        there = self.home / "other"
        subprocess.run(["cp", "-a", here, there], check=True)
        sides = []
        for root in (here, there):
            self.root, self.known = root, copy.deepcopy(before)
            self.done.append(f"at {root.name}:")
            for _ in range(self.chance.randint(1, 4)):
                self.chance.choice(
                    [self.open, self.open, self.correct, self.check, self.forget_index]
                )()
            self._close_long()
            sides.append(self.known)
        self.root, self.known = here, _union(*sides)
        shutil.rmtree(there / "broken", ignore_errors=True)
        for path in sorted(there.rglob("*.*")):
            target = here / path.relative_to(there)
            derived = path.name.startswith("experiments.db") or "packs" in path.parts
            if not derived and not path.is_dir():
                size = target.stat().st_size if target.exists() else -1
                if path.stat().st_size > size:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, target)
        self.done.append("merged")
        with Store(here) as store:
            self._see(store, by_id=True)
            store.rebuild()
            self._see(store, by_id=True)

    def forget_index(self) -> None:
        for path in self.root.glob("experiments.db*"):
            path.unlink()


def _union(one: dict[str, Known], other: dict[str, Known]) -> dict[str, Known]:
    found = dict(one)
    for id_, known in other.items():
        mine = found.setdefault(id_, known)
        if mine is not known:
            there = {writer.began for writer in mine.writers}
            mine.writers += [writer for writer in known.writers if writer.began not in there]
            mine.said = list({said[0]: said for said in (*mine.said, *known.said)}.values())
            mine.beside = True
    return found


def run(home: Path, seed: int, steps: int) -> None:
    """Take so many steps by chance, and check what is there at their end.

    Raises:
        Exception: Something was not as it has to be; its notes name the seed and the steps that were taken.
    """
    world = Openings(home, seed)
    try:
        for _ in range(steps):
            world.step()
        world.check()
        world.doctor()
        if seed % 3 == 0:
            world.merge()
    except BaseException as error:
        error.add_note(f"seed {seed}; " + "; ".join(world.done))
        raise
    finally:
        world.close()
    shutil.rmtree(home)
