"""Whether something is a store of MLflow's, and opening it."""

from __future__ import annotations

import base64
import os
from urllib.parse import unquote, urlsplit

from ....errors import CorruptData, InvalidValue
from ....importing.foreign import resolved
from ....importing.source import Source
from ....importing.web import Web
from .database import Database
from .files import Files, is_folder_of_files
from .postgres import PostgresTables, is_address
from .restoring import Restored
from .server import Server
from .tables import NEEDED, SqliteTables, is_database

__all__ = ["open_source", "recognises"]

_NAMES = ("mlflow.db", "mlruns.db")


def recognises(where: str) -> bool:
    """Whether it is a database or folder of MLflow's, a folder with one in it, or the address of a database or server."""
    if "://" in where:
        return is_address(where) or _local(where) is not None or _is_server(where)
    return is_database(where) or _inside(where) is not None or is_folder_of_files(where)


def open_source(where: str) -> Source:
    """Open a store of MLflow's.

    Raises:
        InvalidValue: It is none.
        MissingDependency: It is in PostgreSQL, and psycopg is not installed.
        OSError: It does not answer.
    """
    if is_address(where):
        return Restored(Database(PostgresTables(where)))
    if _is_server(where):
        return Restored(Server(Web(where, _credentials(where))))
    path = _local(where) or where
    found = _inside(path) or path
    if os.path.isdir(found):
        return Restored(Files(found))
    return Restored(Database(_tables(found)))


def _tables(path: str) -> SqliteTables:
    """The tables of a file, which is opened once: to look at what it is reads the whole schema."""
    try:
        tables = SqliteTables(path)
    except CorruptData as error:
        raise InvalidValue(f"{path} is no SQLite database of MLflow's.", key="source") from error
    if tables.names() >= NEEDED:
        return tables
    tables.close()
    raise InvalidValue(f"{path} is no SQLite database of MLflow's.", key="source")


def _inside(path: str) -> str | None:
    """The store in a folder that programs were started in."""
    for name in _NAMES:
        if is_database(os.path.join(path, name)):
            return os.path.join(path, name)
    folder = os.path.join(path, "mlruns")
    return folder if is_folder_of_files(folder) else None


def _local(where: str) -> str | None:
    """The path of a store that is given as MLflow's own setting `MLFLOW_TRACKING_URI`."""
    if where.startswith("sqlite:///"):
        return resolved(where.removeprefix("sqlite:///"))
    return resolved(unquote(urlsplit(where).path)) if where.startswith("file:") else None


def _is_server(where: str) -> bool:
    return where.startswith(("http://", "https://"))


def _credentials(url: str) -> dict[str, str]:
    """Who asks, by MLflow's own settings, or by what stands in the address."""
    parts = urlsplit(url)
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user = unquote(parts.username or "") or os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = unquote(parts.password or "") or os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {"Authorization": f"Bearer {token}"} if token else {}
