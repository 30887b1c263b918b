"""The documentation's code as something to run: a page is one program, its blocks in their order.

Run as a script, `python tests/pages.py PAGE`, it runs the page in the working directory:

- a ```` ```python ```` block is executed, all of a page in one namespace;
- a ```` ```{code-block} python ```` with a `:caption:` is written to the file of that name;
- in a ```` ```sh ```` block every line that starts a program of ours is run and must exit with 0.
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^(?P<indent> *)(?P<marks>`{3,}|:{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)(?P=marks) *$",
    re.MULTILINE | re.DOTALL,
)
RUN = ("anew", "python", "head", "ls", "cat")
# Shown, not run: they set up a machine, or need one that tests do not have.
SHOWN = (
    "pip",
    "make",
    "git",
    "cd",
    "srun",
    "sbatch",
    "mpirun",
    "torchrun",
    "export",
    "docker",
    "rm",
)
PRINTS_WITHIN = 300.0  # seconds in which a command that never ends by itself has to print something


@dataclass(frozen=True)
class Block:
    """One piece of a page to run: "python", "sh", or "file" (then `name` is what to call it)."""

    kind: str
    text: str
    line: int
    name: str = ""


def blocks(page: str) -> list[Block]:
    """The blocks of a page that are code of ours, those inside grids and tabs included."""
    found: list[Block] = []
    for fence in FENCE.finditer(page):
        info, body = fence["info"].strip(), fence["body"]
        line = page.count("\n", 0, fence.start("body")) + 1
        if fence["marks"].startswith(":") or info in ("{tab-set}", "{note}", "{tip}", "{warning}"):
            inner = blocks(body)
            found += [Block(b.kind, b.text, b.line + line - 1, b.name) for b in inner]
        elif info in ("python", "sh"):
            found.append(Block(info, body, line))
        elif info.startswith("{code-block}"):
            options = dict(re.findall(r"^:(\w+): *(.*)$", body, re.MULTILINE))
            text = re.sub(r"\A(:\w+:.*\n)+\n?", "", body)
            if "caption" in options:
                found.append(Block("file", text, line, options["caption"].strip("`")))
            elif info.endswith("python"):
                found.append(Block("python", text, line + body.count("\n") - text.count("\n")))
    return found


def shell_lines(text: str) -> list[str]:
    """The command lines of a shell block, continuations joined, comments left out."""
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    lines = [line.strip().removeprefix("$ ") for line in joined.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def program(line: str) -> str:
    """The name of the program that a command line starts, behind the variables set for it."""
    words = shlex.split(line, comments=True)
    return next((word for word in words if "=" not in word.partition("/")[0]), "")


def ends_by_itself(line: str) -> bool:
    """Whether a command returns; the others are stopped as a person would, with Ctrl-C."""
    words = shlex.split(line)
    endless = "watch" in words[:2] or {"-f", "--follow"} & set(words)
    return not endless or "--once" in words


def run_line(line: str) -> int:
    """Run one command line; its exit status. One that does not end is interrupted when it has printed a line."""
    command = ["bash", "-c", "exec " * ends_alone(line) + line]
    if ends_by_itself(line):
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    silent = threading.Timer(PRINTS_WITHIN, process.kill)
    silent.start()
    first = process.stdout.readline()
    silent.cancel()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=300)
    print(first + rest, end="", flush=True)
    status = process.returncode
    return 0 if first and status in (0, 130, -signal.SIGINT) else status or 1


def ends_alone(line: str) -> bool:
    """Whether the line is one program, which then takes the shell's place and gets its signals."""
    return not re.search(r"[|;&]|^\w+=", line)


def run(path: Path) -> None:
    """Run every block of a page in the working directory, or leave with what went wrong and where."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(path.read_text()):
        where = f"{path.name}:{block.line}"
        if block.kind == "file":
            Path(block.name).parent.mkdir(parents=True, exist_ok=True)
            Path(block.name).write_text(block.text)
        elif block.kind == "python":
            print(f"--- {where}", flush=True)
            # Line numbers of a traceback are those of the page.
            code = compile("\n" * (block.line - 1) + block.text, str(path), "exec")
            exec(code, namespace)
        else:
            for line in shell_lines(block.text):
                name = program(line)
                if name in SHOWN:
                    continue
                if name not in RUN:
                    raise SystemExit(f"{where}: {name!r} is neither run nor known not to be")
                print(f"--- {where} $ {line}", flush=True)
                status = run_line(line)
                if status:
                    raise SystemExit(f"{where}: exit status {status} from: {line}")


if __name__ == "__main__":
    run(Path(sys.argv[1]))
