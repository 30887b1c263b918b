"""An environment of its own for each peer, under `.venvs`, with the versions of `peers.txt`."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from .harness import CHECKOUT

PINS = Path(__file__).with_name("peers.txt")
ENVIRONMENTS = CHECKOUT / ".venvs"
INSTALL_LIMIT_S = 900

# Nothing is sent anywhere: each peer's own switch, and a proxy that answers nobody for what is left.
QUIET = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "localhost,127.0.0.1",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MPLBACKEND": "Agg",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
}


class NotInstalled(Exception):
    """A peer's environment could not be made; the message is what pip said last."""


def peers() -> dict[str, list[str]]:
    """What each peer's environment holds."""
    lines = (line.partition("#")[0].strip() for line in PINS.read_text().splitlines())
    split = (line.partition(":") for line in lines if line)
    return {name: what.split() for name, _, what in split}


@cache
def python_of(peer: str) -> str:
    """The interpreter of a peer's environment, which is made where it is missing or of other versions.

    Raises:
        NotInstalled: It cannot be made.
    """
    folder = ENVIRONMENTS / peer
    python = folder / "bin" / "python"
    stamp = folder / "installed.txt"
    wanted = "\n".join(peers()[peer])
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    print(f"Installing {peer} …", file=sys.stderr, flush=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*install, *peers()[peer]]):
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=INSTALL_LIMIT_S
            )
        except (subprocess.SubprocessError, OSError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip()
            raise NotInstalled(
                said.splitlines()[-1][:120] if said else "no reason given"
            ) from error
    stamp.write_text(wanted)
    return str(python)


def environment() -> dict[str, str]:
    """The variables a peer's process is given."""
    return {**os.environ, **QUIET}
