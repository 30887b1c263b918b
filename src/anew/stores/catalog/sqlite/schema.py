"""All tables of the catalog, on one page.

Everything here is derived from the journals: when `SCHEMA_VERSION` does not match, or the file cannot be
read, the catalog is dropped and filled again. There are no migrations.

Reading it right:

- `experiments` holds one row per experiment with what is listed, filtered and sorted by most. `status` and
  `reason` are what to show: for a writer that has merely fallen silent they say failed, while the state in
  `documents` (what the events say) still says running.
- Names of parameters, configuration keys, metrics, tags and bindrs are stored once, in `names`. The tables
  that use them are clustered by `(name_key, experiment_key)`: a filter or a sort by one name reads one
  contiguous range, and a second condition is one lookup by primary key per candidate.
- Numbers: a NaN is stored as NULL (SQLite has none, and other engines sort it above everything). ±infinity
  is kept. A parameter that is an integer beyond a float64's 53 bits is the nearest float64, and `rest` beside it
  makes comparisons and sorts exact. The values themselves are in the blobs.
- `documents` and `progress` hold one row per experiment, so showing the parameters of one, or turning those of all
  into a frame, decodes one blob per row instead of collecting dozens of rows. They are tables of their own
  because scanning `experiments` must not drag blobs along, and because a running experiment
  rewrites its `progress` at every look and its `documents` seldom.
- What a metric adds up to is in `metrics` and nowhere else: a frame reads a range of it per column, and one
  experiment is found by an index.

Times are seconds since the epoch, sizes are bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "KINDS",
    "MARK",
    "MAX_TEXT",
    "SCHEMA_VERSION",
    "SECONDARY",
    "changes",
    "documents",
    "experiments",
    "files",
    "live",
    "meta",
    "metadata",
    "metrics",
    "names",
    "params",
    "problems",
    "progress",
    "tags",
    "values",
]

SCHEMA_VERSION = 5

MARK = "mark/"
"""What the keys of marks begin with in `meta`."""

KINDS = ("param", "config", "metric", "tag", "bindr")
"""What a row of `names` is the name of."""

MAX_TEXT = 500
"""Characters of a text kept in `params.text`; four bytes each still fit an index entry everywhere."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    # "schema" → SCHEMA_VERSION; "complete" → "1" once everything was taken in; "mark/<name>" → a mark of
    # whoever fills the catalog, such as how far a file of the root's journal was read; "token" and "revision" as
    # `changes` has them
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

experiments = Table(
    "experiments",
    metadata,
    Column("key", Integer, primary_key=True),  # small and dense: the other tables repeat it
    Column("experiment_id", Text, nullable=False, unique=True),
    Column("prefix", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # From the prefix owner/project/path…/name; of two segments the first is the project.
    Column("owner", Text),
    Column("project", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column(
        "ended_at", Double
    ),  # NULL while it runs: duration = coalesce(ended_at, now) - started_at - paused
    Column("paused", Double, nullable=False, default=0),
    Column("updated_at", Double, nullable=False),  # the newest record, of whatever kind
    Column("user", Text),
    Column("host", Text),
    Column("git_commit", Text),
    Column("git_branch", Text),
    Column("git_dirty", Boolean),
    Column("parent", Text),  # experiment_id of the parent, as the child gave it
    Column("relation", Text),  # child | resumed | forked | reproduces
    Column("description", Text),
    Column("notes", Text),
    Column("metric_count", Integer, nullable=False, default=0),
    Column("point_count", BigInteger, nullable=False, default=0),
    Column("file_count", Integer, nullable=False, default=0),
    Column("file_bytes", BigInteger, nullable=False, default=0),
    Column("value_count", Integer, nullable=False, default=0),
    Column("lost", BigInteger, nullable=False, default=0),  # records that could not be written
)

documents = Table(
    "documents",
    metadata,
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
    # msgpack of record.fold.ExperimentState
    Column("state", LargeBinary, nullable=False),
)

progress = Table(
    "progress",
    metadata,
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
    # msgpack of journal.follow.Cursor: how far each of its files was taken in
    Column("cursor", LargeBinary, nullable=False),
)

live = Table(
    "live",  # the experiments still followed: everything else is finished and its folder is not visited
    metadata,
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
)

names = Table(
    "names",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("kind", "name"),
)

params = Table(
    "params",  # kind "param" and kind "config"; nested keys are dotted
    metadata,
    Column("name_key", Integer, primary_key=True, autoincrement=False),
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
    Column("number", Double),  # int, float, and bool as 0 or 1
    # What an integer is more or less than `number`, see `query.integers`: "0" for all that a float64 holds
    Column("rest", Text, nullable=False),
    Column(
        "text", Text
    ),  # str (its first MAX_TEXT characters); list and dict as JSON, cut likewise
    # int | float | bool | str | null | list | dict; "long" is a str of which `text` is only the beginning
    Column("type", Text, nullable=False),
    sqlite_with_rowid=False,
)

metrics = Table(
    "metrics",
    metadata,
    Column("name_key", Integer, primary_key=True, autoincrement=False),
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("first", Double),  # as written, like last: the order of writer, part, line
    Column("last", Double),
    Column("last_step", BigInteger),
    Column("last_time", Double),
    Column("min", Double),  # NaN is passed over by min and max
    Column("min_step", BigInteger),
    Column("max", Double),
    Column("max_step", BigInteger),
    Column("mean", Double),  # of the finite values, like std
    Column("std", Double),  # with n - 1, as pandas; NULL for fewer than two
    Column("nonfinite", BigInteger, nullable=False),
    Column("rest", LargeBinary, nullable=False),  # what `summary.tallies_of` needs beside these
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",  # kind "tag" (value NULL for a plain tag) and kind "bindr" (value always NULL)
    metadata,
    Column("name_key", Integer, primary_key=True, autoincrement=False),
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
    Column("value", Text),
    sqlite_with_rowid=False,
)

files = Table(
    "files",
    metadata,
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),  # in the order logged
    Column("file_id", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("step", BigInteger),
    Column("time", Double, nullable=False),
    Column("metadata", Text),  # JSON; NULL when empty
    Column("folder", Text),
    Column("checkpoint", Text),  # JSON; NULL for a file that is no checkpoint
    sqlite_with_rowid=False,
)

values = Table(
    "logged_values",  # VALUES is a word of SQL
    metadata,
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),  # in the order logged
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("step", BigInteger),
    Column("time", Double, nullable=False),
    # msgpack of record.facts.ValueFact: path or data, and metadata
    Column("record", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

problems = Table(
    "problems",  # broken lines and unreadable files, found while reading: doctor shows them
    metadata,
    Column("experiment_key", Integer, primary_key=True, autoincrement=False),
    Column("path", Text, primary_key=True),  # relative to the experiment's folder
    Column("line", BigInteger, primary_key=True, autoincrement=False),  # from 1; 0: the whole file
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)

changes = Table(
    "changes",  # when each experiment was last saved or forgotten, see `changes`
    metadata,
    Column("experiment_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("gone", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

SECONDARY = (
    Index("changes_by_revision", changes.c.revision),
    Index("experiments_by_created", experiments.c.created_at),
    Index("experiments_by_status", experiments.c.status, experiments.c.created_at),
    Index("experiments_by_name", experiments.c.name),
    Index("experiments_by_project", experiments.c.project, experiments.c.created_at),
    Index("experiments_by_parent", experiments.c.parent),
    Index("params_by_number", params.c.name_key, params.c.number, params.c.rest),
    Index("params_by_text", params.c.name_key, params.c.text),
    Index("metrics_by_last", metrics.c.name_key, metrics.c.last),
    Index("metrics_by_min", metrics.c.name_key, metrics.c.min),
    Index("metrics_by_max", metrics.c.name_key, metrics.c.max),
    Index("metrics_by_experiment", metrics.c.experiment_key),
)
"""Indexes that are created after a bulk load, because filling them row by row costs several times as much."""
