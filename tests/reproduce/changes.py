"""Programs in which one thing is changed between two runs, and what a reader should be told of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

__all__ = ["CHANGES", "Change", "State"]

SAME, OTHER = "IDENTICAL", "DIVERGED"
SITE = "env/lib/python3/site-packages"

HEAD = """\
import os, sys, time
from anew import Experiment, seed_everything
"""
BODY = """\
seed_everything({seed})
import random
with Experiment("lab/toy", config={config}, system_metrics=0) as exp:
    {before}x = float({value})
    for step in range(8):
        x = 0.9 * x + 0.1 * random.random()
        exp.log_metric("loss", x, step=step)
"""


def program(
    value: str, imports: str = "", *, config: str = "None", seed: str = "7", before: str = ""
) -> str:
    """A training whose numbers follow from the value of one expression."""
    before = before and before.replace("\n", "\n    ") + "\n    "
    return HEAD + imports + "\n" + BODY.format(value=value, config=config, seed=seed, before=before)


@dataclass(frozen=True)
class State:
    """How the world is when a program runs.

    Attributes:
        files: Files of the repository that are committed; `dirty` those that are not.
        ignored: Files of the repository that git ignores.
        beside: Files beside the repository; a program finds their folder as `../beside`.
        gone: Paths in the repository that are deleted.
        environ: Variables; `{beside}` and `{home}` are replaced.
        command: The command line, `python train.py` if not given; `{python}` is the interpreter, `{other}` another one, and
            `{beside}` and `{code}` are folders.
        cwd: The working directory, relative to the repository.
        act: Anything else, done in the repository.
        stdin: What is piped into the program.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    dirty: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    cwd: str = ""
    act: Callable[[Path], object] | None = None
    stdin: str = ""


@dataclass(frozen=True)
class Change:
    """One thing that is changed.

    Attributes:
        first: How the world is at the first run.
        then: How it is at the second, where it is another.
        causes: The differences, as kind and name, of which each names the cause; {beside} is replaced.
        diff: The verdict on both runs.
        again: The verdict on a re-run of the first in the world of the second; None where it is refused or not tried.
        python: The interpreter that the re-run is asked to use; the recorded one if not given.
        needs: What has to be there.
    """

    first: State
    then: State
    causes: tuple[tuple[str, str], ...]
    diff: str = OTHER
    again: str | None = OTHER
    python: str = ""
    needs: str = ""


def source(before: str, after: str, *causes: tuple[str, str], dirty: bool = False) -> Change:
    """A change of the program, committed or not: a re-run has the code of the first."""
    first = State(files={"train.py": before})
    then = State(dirty={"train.py": after}) if dirty else State(files={"train.py": after})
    return Change(first, then, causes or (("code", "train.py"),), again=SAME)


def touched(seconds: int) -> Callable[[Path], object]:
    """Set the times of the files beside the repository."""
    import os

    def act(code: Path) -> None:
        for path in (code.parent / "beside").rglob("*"):
            if path.is_file():
                step = seconds * (1 if path.name.startswith("a") else -1)
                os.utime(path, (1_700_000_000 + step, 1_700_000_000 + step))

    return act


def database(value: float) -> Callable[[Path], object]:
    import sqlite3

    def act(code: Path) -> None:
        with sqlite3.connect(code.parent / "beside" / "data.db") as one:
            one.execute("create table if not exists t (v)")
            one.execute("delete from t")
            one.execute("insert into t values (?)", (value,))
        one.close()

    return act


def array(value: float) -> Callable[[Path], object]:
    def act(code: Path) -> None:
        import numpy as np

        np.save(code.parent / "beside" / "weights.npy", np.full(3, value))

    return act


def submodule(value: float) -> Callable[[Path], object]:
    """A library in a repository of its own, as a submodule of this one."""
    import subprocess

    def git(*words: str, cwd: Path) -> None:
        alone = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]  # fmt: skip
        subprocess.run(["git", *alone, *words], cwd=cwd, check=True, capture_output=True)

    def act(code: Path) -> None:
        library = code.parent / "library"
        new = not library.exists()
        library.mkdir(exist_ok=True)
        if new:
            git("init", "--quiet", "--initial-branch=main", cwd=library)
        (library / "lib.py").write_text(f"VALUE = {value}\n")
        git("add", "--all", cwd=library)
        git("commit", "--quiet", "--message", "A value", cwd=library)
        if new:
            git("submodule", "--quiet", "add", str(library), "library", cwd=code)
        else:
            git("pull", "--quiet", "origin", "main", cwd=code / "library")
        git("add", "--all", cwd=code)
        git("commit", "--quiet", "--message", "Its library", cwd=code)

    return act


def links_to(name: str) -> Callable[[Path], object]:
    def act(code: Path) -> None:
        link = code.parent / "beside" / "current"
        link.unlink(missing_ok=True)
        link.symlink_to(name)

    return act


def package(version: str, value: float, *, name: str = "mylib") -> dict[str, str]:
    """A small package as installers lay it out."""
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    info = f"{SITE}/{name}-{version}.dist-info"
    code = f"VALUE = {value}\n"
    return {
        f"{info}/METADATA": head,
        f"{info}/RECORD": f"{name}/__init__.py,sha256={hashlib.sha256(code.encode()).hexdigest()},{len(code)}\n",
        f"{info}/direct_url.json": '{"dir_info": {}, "url": "file:///home/alice/mylib"}',
        f"{SITE}/{name}/__init__.py": code,
    }


def without_version(version: str, *, name: str = "mylib") -> tuple[str, ...]:
    return (f"../beside/{SITE}/{name}-{version}.dist-info",)


LARGE = "1" + " " * (1 << 20)
HELPER = program("helper.VALUE", "import helper")
ENVIRON = program("os.environ.get('MY_LR', '1')")
LISTED = program("os.environ.get('OMP_NUM_THREADS', '1')")
PLACES = {"PYTHONPATH": "{beside}/" + SITE}

CHANGES: dict[str, Change] = {
    # -- code
    "a line of code": source(program("1.0"), program("1.5")),
    "a line of code that is not committed": source(program("1.0"), program("1.5"), dirty=True),
    "a default argument": source(
        program("start()", "def start(value=1.0):\n    return value\n"),
        program("start()", "def start(value=1.5):\n    return value\n"),
    ),
    "a helper module": Change(
        State(files={"train.py": HELPER, "helper.py": "VALUE = 1.0\n"}),
        State(files={"helper.py": "VALUE = 2.0\n"}),
        (("code", "helper.py"),),
        again=SAME,
    ),
    "a helper module that is not committed": Change(
        State(files={"train.py": HELPER, "helper.py": "VALUE = 1.0\n"}),
        State(dirty={"helper.py": "VALUE = 2.0\n"}),
        (("code", "helper.py"),),
        again=SAME,
    ),
    "a new module that is not committed": Change(
        State(
            files={
                "train.py": program(
                    "VALUE",
                    "try:\n    from extra import VALUE\nexcept ImportError:\n    VALUE = 1.0\n",
                )
            }
        ),
        State(dirty={"extra.py": "VALUE = 2.0\n"}),
        (("code", "extra.py"),),
        again=SAME,
    ),
    "a module that git ignores": Change(
        State(files={"train.py": HELPER}, ignored={"helper.py": "VALUE = 1.0\n"}),
        State(ignored={"helper.py": "VALUE = 2.0\n"}),
        (("code", "helper.py"),),
    ),
    "a module beside the repository": Change(
        State(
            files={
                "train.py": program(
                    "lib.VALUE", "sys.path.insert(0, os.path.abspath('../beside'))\nimport lib"
                )
            },
            beside={"lib.py": "VALUE = 1.0\n"},
        ),
        State(beside={"lib.py": "VALUE = 2.0\n"}),
        (("code", "{beside}/lib.py"),),
        again=None,  # a re-run is elsewhere, and finds nothing beside itself
    ),
    "a module of a fixed place": Change(
        State(
            files={"train.py": program("lib.VALUE", "import lib")},
            beside={"lib.py": "VALUE = 1.0\n"},
            environ={"PYTHONPATH": "{beside}"},
        ),
        State(beside={"lib.py": "VALUE = 2.0\n"}),
        (("code", "{beside}/lib.py"),),
    ),
    "where a module is found": Change(
        State(
            files={"train.py": program("lib.VALUE", "import lib")},
            beside={"one/lib.py": "VALUE = 1.0\n", "two/lib.py": "VALUE = 2.0\n"},
            environ={"PYTHONPATH": "{beside}/one"},
        ),
        State(environ={"PYTHONPATH": "{beside}/two"}),
        (
            ("code", "{beside}/one/lib.py"),
            ("code", "{beside}/two/lib.py"),
            ("variable", "PYTHONPATH"),
        ),
    ),
    "a submodule": Change(
        State(
            files={"train.py": program("lib.VALUE", "sys.path.insert(0, 'library')\nimport lib")},
            act=submodule(1.0),
        ),
        State(act=submodule(2.0)),
        (("code", "library"),),
        again=SAME,
    ),
    "which script": Change(
        State(files={"train.py": program("1.0"), "other.py": program("2.0")}),
        State(command=("{python}", "other.py")),
        (("command", "arguments"),),
        again=SAME,
    ),
    # -- arguments, settings and seeds
    "an argument": Change(
        State(files={"train.py": program("sys.argv[1]")}, command=("{python}", "train.py", "0.1")),
        State(command=("{python}", "train.py", "0.2")),
        (("command", "arguments"),),
        again=SAME,
    ),
    "an option of the interpreter": Change(
        State(files={"train.py": program("1.0 + __debug__")}),
        State(command=("{python}", "-O", "train.py")),
        (("command", "arguments"),),
        again=SAME,
    ),
    "a setting": Change(
        State(
            files={"train.py": program("lr", "lr = float(sys.argv[1])", config="{'lr': lr}")},
            command=("{python}", "train.py", "0.1"),
        ),
        State(command=("{python}", "train.py", "0.2")),
        (("config", "lr"), ("command", "arguments")),
        again=SAME,
    ),
    "the seed": Change(
        State(
            files={"train.py": program("1", seed="int(sys.argv[1])")},
            command=("{python}", "train.py", "1"),
        ),
        State(command=("{python}", "train.py", "2")),
        (("seed", "seed"), ("command", "arguments")),
        again=SAME,
    ),
    "a configuration that git ignores": Change(
        State(
            files={"train.py": program("json.load(open('local.json'))['lr']", "import json")},
            ignored={"local.json": '{"lr": 0.1}'},
        ),
        State(ignored={"local.json": '{"lr": 0.2}'}),
        (("data", "local.json"),),
    ),
    "a configuration that git ignores and only one has": Change(
        State(
            files={
                "train.py": program(
                    "json.load(open('local.json'))['lr'] if os.path.exists('local.json') else 1",
                    "import json",
                )
            },
            ignored={"local.json": '{"lr": 0.1}'},
        ),
        State(gone=("local.json",)),
        (("data", "local.json"),),
    ),
    "a configuration that appears": Change(
        State(
            files={
                "train.py": program(
                    "json.load(open(P))['lr'] if os.path.exists(P) else 1",
                    "import json\nP = os.path.expanduser('~/settings.json')",
                )
            },
            environ={"HOME": "{beside}"},
        ),
        State(beside={"settings.json": '{"lr": 0.1}'}),
        (("data", "{beside}/settings.json"),),
    ),
    "a configuration in the home folder": Change(
        State(
            files={"train.py": program("open(os.path.expanduser('~/.config/lr')).read()")},
            beside={".config/lr": "1"},
            environ={"HOME": "{beside}"},
        ),
        State(beside={".config/lr": "2"}),
        (("data", "{beside}/.config/lr"),),
    ),
    # -- variables
    "a variable that the program reads": Change(
        State(files={"train.py": ENVIRON}, environ={"MY_LR": "0.1"}),
        State(environ={"MY_LR": "0.2"}),
        (("variable", "MY_LR"),),
    ),
    "the number of threads": Change(
        State(files={"train.py": LISTED}, environ={"OMP_NUM_THREADS": "1"}),
        State(environ={"OMP_NUM_THREADS": "2"}),
        (("variable", "OMP_NUM_THREADS"),),
        again=SAME,
    ),
    "the seed of hashes": Change(
        State(files={"train.py": program("hash('a') % 1000")}, environ={"PYTHONHASHSEED": "1"}),
        State(environ={"PYTHONHASHSEED": "2"}),
        (("variable", "PYTHONHASHSEED"),),
        again=SAME,
    ),
    "a flag for floating point": Change(
        State(
            files={"train.py": program("os.environ['NVIDIA_TF32_OVERRIDE']")},
            environ={"NVIDIA_TF32_OVERRIDE": "0"},
        ),
        State(environ={"NVIDIA_TF32_OVERRIDE": "1"}),
        (("variable", "NVIDIA_TF32_OVERRIDE"),),
        again=SAME,
    ),
    "a flag for instructions": Change(
        State(
            files={"train.py": program("len(os.environ.get('NPY_DISABLE_CPU_FEATURES', ''))")},
            environ={"NPY_DISABLE_CPU_FEATURES": "AVX2"},
        ),
        State(environ={"NPY_DISABLE_CPU_FEATURES": "AVX512F"}),
        (("variable", "NPY_DISABLE_CPU_FEATURES"),),
    ),
    "the time zone": Change(
        State(files={"train.py": program("time.localtime(0).tm_hour")}, environ={"TZ": "UTC"}),
        State(environ={"TZ": "Asia/Tokyo"}),
        (("variable", "TZ"),),
        again=SAME,
    ),
    "the language": Change(
        State(
            files={
                "train.py": program(
                    "len(locale.nl_langinfo(locale.CODESET))",
                    "import locale\nlocale.setlocale(locale.LC_ALL, '')",
                )
            },
            environ={"LC_ALL": "C.UTF-8"},
        ),
        State(environ={"LC_ALL": "POSIX"}),
        (("variable", "LC_ALL"),),
    ),
    # -- data
    "a data file of the commit": Change(
        State(files={"train.py": program("open('data.txt').read()"), "data.txt": "1"}),
        State(files={"data.txt": "2"}),
        (("code", "data.txt"),),
        again=SAME,
    ),
    "which data file": Change(
        State(
            files={"train.py": program("open(sys.argv[1]).read()"), "one.txt": "1", "two.txt": "2"},
            command=("{python}", "train.py", "one.txt"),
        ),
        State(command=("{python}", "train.py", "two.txt")),
        (("command", "arguments"),),
        again=SAME,
    ),
    "a declared input": Change(
        State(
            files={
                "train.py": program("open('data.txt').read()", before="exp.inputs.add('data.txt')")
            },
            ignored={"data.txt": "1"},
        ),
        State(ignored={"data.txt": "2"}),
        (("data", "data.txt"),),
    ),
    "data beside the repository": Change(
        State(
            files={"train.py": program("open(os.environ['DATA'] + '/data.txt').read()")},
            beside={"data.txt": "1"},
            environ={"DATA": "{beside}"},
        ),
        State(beside={"data.txt": "2"}),
        (("data", "{beside}/data.txt"),),
    ),
    "large data of the same size": Change(
        State(
            files={"train.py": program("open(os.environ['DATA'] + '/data.txt').read()")},
            beside={"data.txt": LARGE},
            environ={"DATA": "{beside}"},
            act=touched(0),
        ),
        State(beside={"data.txt": LARGE.replace("1", "2")}),
        (("data", "{beside}/data.txt"),),
    ),
    "one more file in a folder": Change(
        State(
            files={
                "train.py": program(
                    "sum(float(open(os.path.join(D, n)).read()) for n in os.listdir(D))",
                    "D = os.environ['DATA']",
                )
            },
            beside={"data/a": "1", "data/b": "2"},
            environ={"DATA": "{beside}/data"},
        ),
        State(beside={"data/c": "4"}),
        (("data", "{beside}/data/c"),),
    ),
    "the order of files": Change(
        State(
            files={
                "train.py": program(
                    "open(sorted(os.scandir(os.environ['DATA']), key=lambda e: e.stat().st_mtime)[0].path).read()"
                )
            },
            beside={"data/a": "1", "data/b": "2"},
            environ={"DATA": "{beside}/data"},
            act=touched(60),
        ),
        State(act=touched(-60)),
        (("data", "{beside}/data/a"), ("data", "{beside}/data/b")),
    ),
    "where a link leads": Change(
        State(
            files={"train.py": program("open(os.environ['DATA'] + '/current/v').read()")},
            beside={"one/v": "1", "two/v": "2"},
            environ={"DATA": "{beside}"},
            act=links_to("one"),
        ),
        State(act=links_to("two")),
        (("data", "{beside}/current/v"),),
    ),
    "an array": Change(
        State(
            files={
                "train.py": program(
                    "np.load(os.environ['DATA'] + '/weights.npy').sum()", "import numpy as np"
                )
            },
            environ={"DATA": "{beside}"},
            act=array(1.0),
        ),
        State(act=array(2.0)),
        (("data", "{beside}/weights.npy"),),
    ),
    "a database": Change(
        State(
            files={
                "train.py": program(
                    "value()",
                    "import sqlite3, contextlib\ndef value():\n"
                    "    with contextlib.closing(sqlite3.connect(os.environ['DATA'] + '/data.db')) as one:\n"
                    "        return one.execute('select v from t').fetchone()[0]\n",
                )
            },
            environ={"DATA": "{beside}"},
            act=database(1.0),
        ),
        State(act=database(2.0)),
        (("data", "{beside}/data.db"),),
    ),
    "what an earlier run left": Change(
        State(
            files={
                "train.py": program(
                    "value()",
                    "def value():\n    found = float(open('state').read()) if os.path.exists('state') else 1.0\n"
                    "    open('state', 'w').write(str(found + 1))\n    return found\n",
                )
            },
            ignored={"state": "5"},
        ),
        State(),
        (("data", "state"),),
    ),
    "data that a worker reads": Change(
        State(
            files={
                "train.py": "import multiprocessing\nfrom reading import value\n"
                + program("multiprocessing.get_context('fork').Pool(1).map(value, [0])[0]"),
                "reading.py": "import os\ndef value(_):\n    return float(open(os.environ['DATA'] + '/data.txt').read())\n",
            },
            beside={"data.txt": "1"},
            environ={"DATA": "{beside}"},
        ),
        State(beside={"data.txt": "2"}),
        (("data", "{beside}/data.txt"),),
    ),
    # -- packages and the interpreter
    "the version of a package": Change(
        State(
            files={"train.py": program("mylib.VALUE", "import mylib")},
            beside=package("1.0", 1.0),
            environ=PLACES,
        ),
        State(beside=package("1.1", 2.0), gone=without_version("1.0")),
        (("package", "mylib"),),
    ),
    "a package that is installed anew with one version": Change(
        State(
            files={"train.py": program("mylib.VALUE", "import mylib")},
            beside=package("1.0", 1.0),
            environ=PLACES,
        ),
        State(beside=package("1.0", 2.0)),
        (("package", "mylib"),),
    ),
    "a package that is not loaded, beside an argument": Change(
        State(
            files={"train.py": program("sys.argv[1]")},
            command=("{python}", "train.py", "0.1"),
            beside=package("1.0", 1.0, name="torchvision"),
            environ=PLACES,
        ),
        State(
            command=("{python}", "train.py", "0.2"),
            beside=package("1.1", 1.0, name="torchvision"),
            gone=without_version("1.0", name="torchvision"),
        ),
        (("command", "arguments"),),
        again=SAME,
    ),
    "the interpreter": Change(
        State(files={"train.py": program("sys.version_info[1]")}, command=("{other}", "train.py")),
        State(command=("{python}", "train.py")),
        (("python", "python"),),
        python="{python}",
        needs="another interpreter",
    ),
    "the working directory": Change(
        State(
            files={
                "train.py": program("len(os.path.basename(os.getcwd()))"),
                "a/x": "",
                "long/x": "",
            },
            command=("{python}", "{code}/train.py"),
            cwd="a",
        ),
        State(cwd="long"),
        (("directory", "working directory"),),
        again=SAME,
    ),
    "the number of cores": Change(
        State(
            files={"train.py": program("len(os.sched_getaffinity(0))")},
            command=("taskset", "-c", "0", "{python}", "train.py"),
        ),
        State(command=("{python}", "train.py")),
        (("hardware", "usable_cores"),),
        needs="two cores",
    ),
    # -- what no record has
    "standard input": Change(
        State(files={"train.py": program("sys.stdin.read() or 1")}, stdin="2"),
        State(stdin="3"),
        (("input", "standard input"),),
    ),
    # -- what changes nothing
    "a comment": replace(source(program("1.0"), program("1.0") + "# done\n"), diff=SAME),
    "a file that nothing reads": Change(
        State(files={"train.py": program("1.0"), "notes.md": "one"}),
        State(files={"notes.md": "two"}),
        (("code", "notes.md"),),
        diff=SAME,
        again=SAME,
    ),
    "a variable that nothing reads": Change(
        State(files={"train.py": program("1.0")}, environ={"MY_NAME": "a"}),
        State(environ={"MY_NAME": "b"}),
        (("variable", "MY_NAME"),),
        diff=SAME,
        again=SAME,
    ),
    "data that is moved and is the same": Change(
        State(
            files={"train.py": program("open(os.environ['DATA'] + '/data.txt').read()")},
            beside={"data.txt": "1"},
            environ={"DATA": "{beside}"},
            act=touched(0),
        ),
        State(act=touched(60)),
        (("data", "{beside}/data.txt"),),
        diff=SAME,
        again=SAME,
    ),
}
