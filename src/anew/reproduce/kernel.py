"""Runs the recorded cells of a notebook in a fresh kernel: `python -m anew.reproduce.kernel CELLS`.

The kernel is one of the interpreter that runs this, whatever kernels are installed. As in a notebook, a cell that fails does
not keep the later ones from being run.
"""

from __future__ import annotations

import re
import sys
from typing import Any

__all__ = ["cells_of", "main"]

_HEAD = re.compile(r"^# %% \[(\d+)\]\n", re.M)


def cells_of(text: str) -> list[str]:
    """The cells of a recorded notebook (see `provenance.notebook`)."""
    starts: list[re.Match[str]] = []
    for head in _HEAD.finditer(text):
        if int(head[1]) == len(starts) + 1:  # a cell may have such a line in it
            starts.append(head)
    ends = [*(head.start() for head in starts[1:]), len(text)]
    return [
        text[head.end() : end].removesuffix("\n").removesuffix("\n" if end < len(text) else "")
        for head, end in zip(starts, ends, strict=True)
    ]


def main(path: str) -> int:
    """Run the cells in a file, printing what they print; the exit code."""
    try:
        import nbformat
        from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient
        from nbclient.exceptions import DeadKernelError
    except ImportError as error:
        print(
            f"A notebook is run again with nbclient and ipykernel, and {error.name} is missing. "
            "Install them: pip install nbclient ipykernel",
            file=sys.stderr,
        )
        return 2

    class _Here(KernelSpecManager):  # type: ignore[misc, unused-ignore]
        def get_kernel_spec(self, kernel_name: str) -> Any:
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name="Python", language="python")

    made: Any = nbformat.v4
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        cells = [made.new_code_cell(cell) for cell in cells_of(file.read())]
    client = NotebookClient(
        made.new_notebook(cells=cells),
        km=AsyncKernelManager(kernel_spec_manager=_Here()),
        timeout=None,
        allow_errors=True,
        on_cell_executed=lambda cell, cell_index, execute_reply: _print(cell),
    )
    try:
        client.execute()
    except DeadKernelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _print(cell: Any) -> None:
    for output in cell.get("outputs", ()):
        stream = sys.stderr if output.get("name") == "stderr" else sys.stdout
        if output["output_type"] == "stream":
            stream.write(output["text"])
        elif output["output_type"] == "error":
            sys.stderr.write("\n".join(output["traceback"]) + "\n")
        elif "text/plain" in output.get("data", {}):
            stream.write(output["data"]["text/plain"] + "\n")
        stream.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
