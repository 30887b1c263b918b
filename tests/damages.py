"""Ways in which one experiment's folder, or a file of the root's journal, can be damaged: by hand, by disks, by other programs.

Each takes a root as `make_root` makes it, where `a/p/bad` is to be damaged and the others are to stay as they are.
"""

# ruff: noqa: UP031  (the braces are those of JSON: `%` is easier to read beside them)

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anew import Experiment

GOOD = ("a/p/good", "b/other")
BAD = "a/p/bad"
DEEP = 100_000


def make_root(root: Path) -> None:
    """Three experiments that stay as they are, and one to be damaged: each with everything that can be recorded."""
    for at, prefix in enumerate((GOOD[0], BAD, GOOD[1], "a/p/twin")):
        with Experiment(
            prefix,
            root=root,
            quiet=True,
            console="off",
            system_metrics=0,
            params={"lr": 0.1 * (at + 1), "seed": 2**70 + at, "layers": [1, 2]},
            config={"depth": 3},
            tags={"team": "vision", "sweep": None},
        ) as exp:
            for step in range(6):
                exp.log_metrics({"loss": 1.0 / (step + 1 + at), "acc": step / 6}, step=step)
            exp.log("a message", "info", at=at)
            exp.files("models").save(b"weights", "w.bin")


@dataclass(frozen=True)
class Bad:
    """The experiment to be damaged."""

    root: Path
    prefix: str = BAD

    @property
    def folder(self) -> Path:
        return self.root / self.prefix

    @property
    def events(self) -> Path:
        return next(self.folder.glob("journal/*main*.jsonl"))

    @property
    def points(self) -> Path:
        return next(self.folder.glob("metrics/*main*.jsonl"))

    @property
    def opening(self) -> str:
        """The `opened` line."""
        return self.events.read_text().splitlines()[0]

    @property
    def edit(self) -> str:
        """The line of a writer that changed something later, from elsewhere."""
        line = json.loads(self.opening) | {"role": "edit", "host": "elsewhere"}
        return json.dumps(line) + "\n"

    def add_event(self, text: str | bytes) -> None:
        append(self.events, text)

    def add_points(self, text: str | bytes) -> None:
        append(self.points, text)

    def add_hint(self, text: str | bytes) -> None:
        append(self.root / ".anew/root/hints.jsonl", text)

    def reopen(self, old: str, new: str) -> None:
        """Change the `opened` line."""
        text = self.events.read_text()
        assert old in text
        self.events.write_text(text.replace(old, new, 1))


def sow(root: Path, number: int) -> Bad:
    """One more experiment to be damaged, like the first but for its prefix and id."""
    bad = Bad(root, f"{BAD}-{number}")
    shutil.copytree(root / BAD, bad.folder, symlinks=True)
    old = json.loads((bad.folder / "metadata.json").read_text())["experiment_id"]
    new = f"bad{number:09}"
    for path in (bad.folder / "metadata.json", bad.events):
        path.write_text(path.read_text().replace(old, new))
    return bad


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def mappings(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def instead(path: Path, make: Callable[[Path], object]) -> None:
    """Put something else in the place of a file or folder."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()
    make(path)


def a_socket(path: Path) -> None:
    here = os.getcwd()  # such names are short
    os.chdir(path.parent)
    try:
        server = socket.socket(socket.AF_UNIX)
        server.bind(path.name)
        server.close()
    finally:
        os.chdir(here)


def rename(bad: Bad, name: bytes) -> None:
    os.rename(os.fsencode(bad.folder), os.fsencode(bad.folder.parent) + b"/" + name)


def sparse(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def opened_at(bad: Bad, time: str) -> None:
    bad.events.write_text(re.sub(r'"t":[0-9.e+]+', f'"t":{time}', bad.events.read_text(), count=1))


HUGE = 2**64
ODD_VALUES = {
    "2 to the 64": str(HUGE),
    "minus 2 to the 63 and one": str(-(2**63) - 1),
    "1030 bits": str(2**1030),
    "four thousand digits": "9" * 4000,
    "five thousand digits": "9" * 5000,
    "1e400": "1e400",
    "-0": "-0",
    "-0.0": "-0.0",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "a megabyte": '"' + "x" * 1_000_000 + '"',
    "a lone surrogate": '"\\ud800"',
    "a NUL": '"\\u0000"',
    "a hundred levels": nested(100),
    "nine hundred levels": nested(900),
    "ten thousand levels": nested(10_000),
    "nine hundred mappings": mappings(900),
    "a tagged float that is none": '{"$float":"huge"}',
    "an integer in a list": f"[{HUGE},[{2**1030}],0.5]",
}
WHERES: dict[str, Callable[[Bad, str], None]] = {
    "a parameter": lambda bad, v: bad.add_event('{"k":"params","t":9,"params":{"a":%s}}\n' % v),
    "a parameter's name": lambda bad, v: bad.add_event(
        '{"k":"params","t":9,"params":{%s:1}}\n' % v
    ),
    "the configuration": lambda bad, v: bad.add_event(
        '{"k":"config","t":9,"config":{"a":%s}}\n' % v
    ),
    "a captured fact": lambda bad, v: bad.add_event(
        '{"k":"captured","t":9,"what":"git","data":{"commit":%s,"dirty":%s}}\n' % (v, v)
    ),
    "a table's cell": lambda bad, v: bad.add_event(
        '{"k":"value","t":9,"name":"v","kind":"table","data":{"columns":["a"],"rows":[[%s]]}}\n' % v
    ),
    "a value's step": lambda bad, v: bad.add_event(
        '{"k":"value","t":9,"name":"v","kind":"text","step":%s,"data":"x"}\n' % v
    ),
    "a file's size": lambda bad, v: bad.add_event(
        '{"k":"file","t":9,"file_id":"f","prefix":"m","name":"n","path":"files/n","size":%s,"hash":""}\n'
        % v
    ),
    "a file's metadata": lambda bad, v: bad.add_event(
        '{"k":"file","t":9,"file_id":"f","prefix":"m","name":"n","path":"files/n","size":1,"hash":"","metadata":{"a":%s}}\n'
        % v
    ),
    "the count of lost records": lambda bad, v: bad.add_event(
        '{"k":"lost","t":9,"count":%s,"reason":"x"}\n' % v * 2
    ),
    "a tag": lambda bad, v: bad.add_event('{"k":"tags","t":9,"add":{"x":%s}}\n' % v),
    "the time of an event": lambda bad, v: bad.add_event(
        '{"k":"params","t":%s,"params":{"a":1}}\n' % v
    ),
    "what was seen before": lambda bad, v: bad.add_event(
        '{"k":"params","t":9,"after":{"0009-x":%s},"params":{}}\n' % v
    ),
    "a point's value": lambda bad, v: bad.add_points('{"t":9,"m":{"loss":%s}}\n' % v),
    "a point's step": lambda bad, v: bad.add_points('{"t":9,"m":{"loss":1},"s":%s}\n' % v),
    "a point's time": lambda bad, v: bad.add_points('{"t":%s,"m":{"loss":1}}\n' % v),
    "a metric's name": lambda bad, v: bad.add_points('{"t":9,"m":{%s:1}}\n' % v),
    "a point's metadata": lambda bad, v: bad.add_points(
        '{"t":9,"m":{"loss":1},"x":{"a":%s}}\n' % v
    ),
    "an unknown key of a point": lambda bad, v: bad.add_points('{"t":9,"m":{"l":1},"zz":%s}\n' % v),
    "an unknown event": lambda bad, v: bad.add_event('{"k":"later","t":9,"zz":%s}\n' % v),
    "the name of an event": lambda bad, v: bad.add_event('{"k":%s,"t":9}\n' % v),
    "the process id": lambda bad, v: bad.reopen('"pid":', '"pid":%s,"zz":' % v),
    "the heartbeat": lambda bad, v: bad.reopen('"heartbeat":', '"heartbeat":%s,"zz":' % v),
    "the version": lambda bad, v: bad.reopen('"version":', '"version":%s,"zz":' % v),
    "the host": lambda bad, v: bad.reopen('"host":', '"host":%s,"zz":' % v),
    "the id": lambda bad, v: bad.reopen('"experiment_id":', '"experiment_id":%s,"zz":' % v),
    "the experiment's name": lambda bad, v: bad.reopen('"name":', '"name":%s,"zz":' % v),
    "a message": lambda bad, v: append(
        next(bad.folder.glob("logs/logs-*.jsonl")), '{"t":9,"level":"info","message":%s}\n' % v
    ),
    "a hint's prefix": lambda bad, v: bad.add_hint(
        '{"k":"opened","t":9,"experiment_id":"x","prefix":%s}\n' % v
    ),
    "a hint's time": lambda bad, v: bad.add_hint(
        '{"k":"opened","t":%s,"experiment_id":"x","prefix":"%s"}\n' % (v, bad.prefix)
    ),
    "a deleted event": lambda bad, v: bad.add_hint(
        '{"k":"deleted","t":9,"id":"i","experiment_id":%s,"prefix":"%s"}\n' % (v, bad.prefix)
    ),
    "a document": lambda bad, v: bad.add_hint(
        '{"k":"document","t":9,"id":"d","kind":"view","name":"v","body":{"a":%s}}\n' % v
    ),
    "the version of an artifact": lambda bad, v: bad.add_hint(
        '{"k":"version","t":9,"id":"d","kind":"model","name":"v","number":%s,"target":"t"}\n' % v
    ),
    "metadata.json": lambda bad, v: (
        bad.events.write_text("x\n"),
        (bad.folder / "metadata.json").write_text('{"experiment_id":%s}' % v),
    )[-1],
}

DAMAGES: dict[str, Callable[[Bad], object]] = {
    # lines
    "an empty events file": lambda bad: bad.events.write_text(""),
    "an empty points file": lambda bad: bad.points.write_text(""),
    "no line of events whole": lambda bad: bad.events.write_text(bad.opening[:50]),
    "events that are binary": lambda bad: bad.events.write_bytes(os.urandom(5000)),
    "points that are binary": lambda bad: bad.add_points(os.urandom(5000) + b"\n"),
    "points of zeros": lambda bad: bad.add_points(b"\0" * 10_000 + b"\n"),
    "UTF-8 cut short": lambda bad: bad.add_event('{"k":"field","t":9,"field":"notes","value":"ä'.encode()[:-1] + b'"}\n'),
    "a byte order mark": lambda bad: bad.events.write_bytes(b"\xef\xbb\xbf" + bad.events.read_bytes()),
    "UTF-16": lambda bad: bad.events.write_bytes(bad.events.read_text().encode("utf-16")),
    "lines ended as on Windows": lambda bad: bad.points.write_bytes(bad.points.read_bytes().replace(b"\n", b"\r\n")),
    "duplicate keys": lambda bad: bad.add_points('{"t":9,"t":10,"m":{"loss":1},"m":{"loss":2,"loss":3},"s":1,"s":2}\n'),
    "missing keys": lambda bad: bad.add_event('{}\n{"k":"params"}\n{"t":9}\n{"k":"closed","t":1}\n[]\n1\n""\nnull\n'),
    "types exchanged": lambda bad: bad.add_event(
        '{"k":"params","t":"9","params":[]}\n{"k":"tags","t":9,"add":[1]}\n{"k":"file","t":9,"size":"x"}\n'
        '{"k":"closed","t":9,"status":"great"}\n{"k":"captured","t":9,"what":1,"data":2}\n'
    ),
    "captured facts of other types": lambda bad: bad.add_event(
        '{"k":"captured","t":9,"what":"git","data":{"commit":[1],"branch":{},"dirty":"x","patch":5,"left_out":3}}\n'
        '{"k":"captured","t":9,"what":"forwarding","data":{"to":{"a":1}}}\n'
        '{"k":"captured","t":9,"what":"command","data":{"argv":5,"cwd":[],"entry":9}}\n'
        '{"k":"captured","t":9,"what":"environment","data":{"python":3,"requirements":[]}}\n'
        '{"k":"captured","t":9,"what":"seeds","data":{"states":7}}\n'
        '{"k":"captured","t":9,"what":"hardware","data":{"gpus":1}}\n'
        '{"k":"captured","t":9,"what":"inputs","data":{"x":1}}\n'
        '{"k":"captured","t":9,"what":"variables","data":{"PATH":1}}\n'
        '{"k":"captured","t":9,"what":"verdict","data":{"verdict":1}}\n'
        '{"k":"captured","t":9,"what":"reproduction","data":{"metrics":1}}\n'
    ),
    "lost records that add up beyond 64 bits": lambda bad: bad.add_event('{"k":"lost","t":9,"count":9000000000000000000,"reason":"x"}\n' * 3),
    "a million broken lines": lambda bad: bad.add_points("x\n" * 200_000),
    "a parameter of ten thousand names": lambda bad: bad.add_event(
        '{"k":"params","t":9,"params":{%s}}\n' % ",".join(f'"p{i}":{i}' for i in range(5000))
    ),
    "opened in milliseconds": lambda bad: opened_at(bad, "1.8e12"),
    "opened before the epoch": lambda bad: opened_at(bad, "-1e9"),
    "opened before the calendar": lambda bad: opened_at(bad, "-1e300"),
    "opened in the year 9999999": lambda bad: opened_at(bad, "3.15e14"),
    "opened at the end of floats": lambda bad: opened_at(bad, "1.7e308"),
    "closed before it was opened, by ages": lambda bad: bad.add_event('{"k":"closed","t":-1.7e308,"status":"failed"}\n'),
    "points at the ends of floats": lambda bad: bad.add_points(
        '{"t":1.7e308,"m":{"loss":1.7e308}}\n{"t":-1.7e308,"m":{"loss":-1.7e308}}\n' * 3
    ),
    "steps at the ends of integers": lambda bad: bad.add_points(
        f'{{"t":9,"m":{{"loss":1}},"s":{2**63 - 1}}}\n{{"t":9,"m":{{"loss":1}},"s":{-(2**63)}}}\n{{"t":9,"m":{{"loss":1}}}}\n'
    ),
    "an event of deep nesting": lambda bad: bad.add_event(nested(DEEP) + "\n"),
    "the opening nested": lambda bad: bad.events.write_text(nested(DEEP) + "\n"),
    "metadata.json nested, events unreadable": lambda bad: (
        bad.events.write_text("x\n"), (bad.folder / "metadata.json").write_text("[" * DEEP)
    ),
    "metadata.json of another type": lambda bad: (bad.folder / "metadata.json").write_text('{"format":"x","experiment_id":[],"name":5}'),
    "the id of another": lambda bad: bad.events.write_text(
        next((bad.root / "a/p/twin").glob("journal/*main*.jsonl")).read_text()
    ),
    "an id that leads elsewhere": lambda bad: bad.reopen('"experiment_id":"', '"experiment_id":"../../../'),
    "a format of the future": lambda bad: bad.reopen('"version":1', '"version":99'),
    "a points line at the end cut short": lambda bad: bad.points.write_bytes(bad.points.read_bytes()[:-5]),
    # names
    "a folder that is not UTF-8": lambda bad: rename(bad, b"b\xe4d"),
    "a folder of 250 bytes": lambda bad: rename(bad, b"x" * 250),
    "a folder with control characters": lambda bad: rename(bad, b"b\x1b[2Jad\n"),
    "a folder of blanks": lambda bad: rename(bad, b"  bad  "),
    "a folder with a colon": lambda bad: rename(bad, b"b:ad?"),
    "a points file of a strange part": lambda bad: (bad.folder / "metrics/0001-main.\u00b2.jsonl").write_text('{"t":1,"m":{"l":1}}\n'),
    "a points file of a huge part": lambda bad: (bad.folder / f"metrics/0001-main.{'9' * 100}.jsonl").write_text('{"t":1,"m":{"l":1}}\n'),
    "a points file that is not UTF-8": lambda bad: Path(os.fsdecode(os.fsencode(bad.folder) + b"/metrics/\xff.jsonl")).write_text('{"t":1,"m":{"l":1}}\n'),
    "an events file that is not UTF-8": lambda bad: Path(os.fsdecode(os.fsencode(bad.folder) + b"/journal/\xff.jsonl")).write_text(bad.edit),
    "an events file without a name": lambda bad: (bad.folder / "journal/.jsonl").write_text(bad.edit),
    "a file with a name of 255": lambda bad: (bad.folder / ("journal/" + "y" * 249 + ".jsonl")).write_text(bad.edit),
    "a log of a strange name": lambda bad: Path(os.fsdecode(os.fsencode(bad.folder) + b"/logs/logs-\xff.jsonl")).write_text('{"t":1,"level":"x","message":"y"}\n'),
    "a path that leads out": lambda bad: bad.add_event(
        '{"k":"file","t":9,"file_id":"f","prefix":"..","name":"../../x","path":"../../../../etc/passwd","size":1,"hash":"x"}\n'
        '{"k":"value","t":9,"name":"..","kind":"image","path":"/etc/passwd"}\n'
    ),
    "a kind of value that is unknown": lambda bad: bad.add_event('{"k":"value","t":9,"name":"v","kind":"hologram","data":{"a":[1]}}\n'),
    # things that are no plain files
    "a folder for the events": lambda bad: instead(bad.events, Path.mkdir),
    "a folder for the points": lambda bad: instead(bad.points, Path.mkdir),
    "a file for the journal": lambda bad: instead(bad.folder / "journal", Path.touch),
    "a file for the metrics": lambda bad: instead(bad.folder / "metrics", Path.touch),
    "a file for the logs": lambda bad: instead(bad.folder / "logs", Path.touch),
    "a pipe for the events": lambda bad: instead(bad.events, os.mkfifo),
    "a pipe for the points": lambda bad: instead(bad.points, os.mkfifo),
    "a pipe for a log": lambda bad: instead(next(bad.folder.glob("logs/logs-*")), os.mkfifo),
    "a pipe for a file": lambda bad: instead(next(p for p in bad.folder.rglob("w*.bin")), os.mkfifo),
    "a pipe for metadata.json": lambda bad: (bad.events.write_text("x\n"), instead(bad.folder / "metadata.json", os.mkfifo)),
    "a socket for the events": lambda bad: instead(bad.events, a_socket),
    "a socket among the points": lambda bad: a_socket(bad.folder / "metrics/0002-main.jsonl"),
    "a dangling link for the events": lambda bad: instead(bad.events, lambda p: p.symlink_to("/none/such")),
    "a dangling link for the points": lambda bad: instead(bad.points, lambda p: p.symlink_to("/none/such")),
    "a link to itself for the journal": lambda bad: instead(bad.folder / "journal", lambda p: p.symlink_to(p)),
    "a link to itself for the metrics": lambda bad: instead(bad.folder / "metrics", lambda p: p.symlink_to(p)),
    "a link to itself for the experiment": lambda bad: instead(bad.folder, lambda p: p.symlink_to(p)),
    "a dangling link for the experiment": lambda bad: instead(bad.folder, lambda p: p.symlink_to("/none/such")),
    "a link upwards in the experiment": lambda bad: (bad.folder / "up").symlink_to(bad.root),
    "a link to a device for the points": lambda bad: instead(bad.points, lambda p: p.symlink_to("/dev/zero")),
    "a file for the experiment": lambda bad: instead(bad.folder, Path.touch),
    "a pipe for the experiment": lambda bad: instead(bad.folder, os.mkfifo),
    "an empty folder for the experiment": lambda bad: instead(bad.folder, Path.mkdir),
    "an empty journal": lambda bad: bad.events.unlink(),
    "points of many sparse gigabytes": lambda bad: sparse(bad.points, 6 << 30),
    "events of many sparse gigabytes": lambda bad: sparse(bad.events, 6 << 30),
    "a sealed part that is empty": lambda bad: (bad.folder / "metrics/0001-main.parquet").touch(),
    "a sealed part of garbage": lambda bad: (bad.folder / "metrics/0001-main.parquet").write_bytes(os.urandom(3000)),
    "a sealed part that is a folder": lambda bad: (bad.folder / "metrics/0001-main.parquet").mkdir(),
    "a sealed part that is a pipe": lambda bad: os.mkfifo(bad.folder / "metrics/0001-main.parquet"),
    "a pipe among the forwarded": lambda bad: ((bad.folder / "forwarded").mkdir(exist_ok=True), os.mkfifo(bad.folder / "forwarded/mlflow.x.jsonl")),
    "garbage among the forwarded": lambda bad: ((bad.folder / "forwarded").mkdir(exist_ok=True), (bad.folder / "forwarded/mlflow.x.jsonl").write_bytes(nested(DEEP).encode() + b"\n")),
}  # fmt: skip

ROOT_DAMAGES: dict[str, Callable[[Bad], object]] = {
    "a folder in the root's journal": lambda bad: (bad.root / ".anew/root/x.jsonl").mkdir(),
    "a pipe in the root's journal": lambda bad: os.mkfifo(bad.root / ".anew/root/y.jsonl"),
    "a link to itself in the root's journal": lambda bad: (bad.root / ".anew/root/z.jsonl").symlink_to("z.jsonl"),
    "a name that is not UTF-8 in the root's journal": lambda bad: Path(os.fsdecode(os.fsencode(bad.root) + b"/.anew/root/\xff.jsonl")).write_text("{}\n"),
    "garbage in the root's journal": lambda bad: bad.add_hint(os.urandom(5000) + b"\n"),
    "deep nesting in the root's journal": lambda bad: bad.add_hint(nested(DEEP) + "\n" + mappings(900) + "\n"),
    "a hint whose prefix leads out": lambda bad: bad.add_hint('{"k":"opened","t":9,"experiment_id":"x","prefix":"../../etc"}\n{"k":"opened","t":9,"experiment_id":"x","prefix":"/"}\n'),
    "a hint whose prefix is far too long": lambda bad: bad.add_hint('{"k":"opened","t":9,"experiment_id":"x","prefix":"%s"}\n' % ("x" * 100_000)),
    "a hint of many segments": lambda bad: bad.add_hint('{"k":"opened","t":9,"experiment_id":"x","prefix":"%s"}\n' % "/".join("x" * 400)),
    "a deleted event that leads out": lambda bad: bad.add_hint('{"k":"deleted","t":9,"id":"q","experiment_id":"../..","prefix":"../.."}\n'),
    "a sink's address of garbage": lambda bad: bad.add_hint('{"k":"sink","t":1e300,"id":"q","name":"\\u0000","address":"","registered":true}\n'),
    "a link to itself in the root": lambda bad: (bad.root / "loop").symlink_to("loop"),
    "a pipe in the root": lambda bad: os.mkfifo(bad.root / "pipe"),
    "the index of garbage": lambda bad: (bad.root / "experiments.db").write_bytes(os.urandom(5000)),
    "the index emptied": lambda bad: (bad.root / "experiments.db").write_bytes(b""),
    "the index cut short": lambda bad: os.truncate(bad.root / "experiments.db", 5000),
}  # fmt: skip

HARMLESS = {
    "lines ended as on Windows",
    "duplicate keys",
    "captured facts of other types",
    "lost records that add up beyond 64 bits",
    "a parameter of ten thousand names",
    "opened in milliseconds",
    "opened before the epoch",
    "opened before the calendar",
    "opened in the year 9999999",
    "opened at the end of floats",
    "closed before it was opened, by ages",
    "points at the ends of floats",
    "steps at the ends of integers",
    "metadata.json of another type",
    "a path that leads out",
    "a kind of value that is unknown",
    "a file for the logs",
    "a pipe for a log",
    "a pipe for a file",
    "a link upwards in the experiment",
    "a link to itself for the experiment",
    "a dangling link for the experiment",
    "a file for the experiment",
    "a pipe for the experiment",
    "an empty folder for the experiment",
    "a folder with control characters",
    "a folder of blanks",
    "a folder with a colon",
    "a folder of 250 bytes",
    "a log of a strange name",
    "an events file without a name",
    "a file with a name of 255",
    "a points file of a strange part",
    "a points file of a huge part",
    "a folder that is not UTF-8",
    "garbage among the forwarded",
    "a sealed part that is a folder",
    "an id that leads elsewhere",
}
"""What leaves a record that can be read, or no experiment at all."""
