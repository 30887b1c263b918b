"""`ui`: the page, in a browser."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import click

from .face import Face, shared

__all__ = ["elsewhere", "has_browser", "ui"]


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=5700,
    help="The port; the next free one if it is taken, and any free one for 0.",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Print the link, and do not open it.")
@click.option(
    "--origin", "origins", multiple=True, metavar="URL",
    help="Where the browser reaches the page, if that is through a proxy: https://hub.example.org. May repeat.",
)  # fmt: skip
@click.option("--read-only", is_flag=True, help="Change nothing.")
@shared(json=False, quiet="Print nothing but the link.")
def ui(face: Face, port: int, no_browser: bool, origins: tuple[str, ...], read_only: bool) -> None:
    """Show experiments in a browser, until Ctrl-C.

    Only this machine reaches the page. On a machine that you are logged in to by SSH, the command prints the line that
    brings the page to your own.

    \b
    Examples:
      anew ui
      anew ui --root /data/runs --port 8000
      anew ui --root https://anew.example.org
    """
    from ..address import parse_address
    from ..errors import MissingDependency
    from ..settings import load_settings

    settings = load_settings()
    address = parse_address(settings.root if face.root is None else face.root)
    try:
        from ..server.ui import serve_page
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "anyio"):
            raise
        raise MissingDependency.of("The page", error.name or "starlette", "server") from None

    def ready(url: str) -> None:
        if face.mode == "quiet":
            click.echo(url)
            return
        click.echo(f"{address} is shown at {url}")
        for line in elsewhere(url, os.environ):
            click.echo(line)
        click.echo("Ctrl-C ends it.", err=True)
        if not no_browser and has_browser(os.environ):
            import webbrowser

            webbrowser.open(url)

    serve_page(
        address,
        port=port,
        user=settings.user or _login(),
        origins=origins,
        read_only=read_only,
        ready=ready,
    )


def _login() -> str:
    """The login name, "" for an account without one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def elsewhere(url: str, environ: Mapping[str, str]) -> list[str]:
    """How to reach the page from another machine, where this one was reached from there."""
    port = urlsplit(url).port
    hub = environ.get("JUPYTERHUB_SERVICE_PREFIX")
    if hub:
        return [f"In JupyterHub, with jupyter-server-proxy: {hub.rstrip('/')}/proxy/{port}/"]
    came = environ.get("SSH_CONNECTION", "").split()
    if len(came) != 4 or environ.get("VSCODE_IPC_HOOK_CLI"):
        return []  # VS Code forwards the port by itself
    host, ssh_port = came[2], came[3]
    other = f" -p {ssh_port}" if ssh_port != "22" else ""
    return [
        "To open it on your own machine, run there, and open the same link:",
        f"  ssh -N -L {port}:127.0.0.1:{port}{other} {_login()}@{host}",
    ]


def has_browser(environ: Mapping[str, str]) -> bool:
    """Whether a browser that opens here is one that somebody sees."""
    if environ.get("BROWSER"):
        return True
    if environ.get("SSH_CONNECTION") or environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return False
    if os.name == "posix" and os.uname().sysname == "Linux":
        return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    return True
