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
- Which settings differ among many experiments is told from `settings`, a few bytes for each value: a hundred thousand of its rows are
  read in a third of a second, and all the values in several.
- What a metric adds up to is in `metrics` and nowhere else: a frame reads a range of it per column, and one
  experiment is found by an index.

Times are seconds since the epoch, sizes are bytes.
"""

from __future__ import annotations

from .sql import Table

__all__ = [
    "KINDS",
    "MARK",
    "MAX_TEXT",
    "SCHEMA_VERSION",
    "TABLES",
    "changes",
    "contents",
    "documents",
    "experiments",
    "files",
    "live",
    "meta",
    "metrics",
    "names",
    "params",
    "problems",
    "progress",
    "settings",
    "tags",
    "values",
]

SCHEMA_VERSION = 13

MARK = "mark/"
"""What the keys of marks begin with in `meta`."""

KINDS = ("param", "config", "metric", "tag", "bindr")
"""What a row of `names` is the name of."""

MAX_TEXT = 500
"""Characters of a text kept in `params.text`; four bytes each still fit an index entry everywhere."""

meta = Table(
    "meta",
    {
        # "schema" → SCHEMA_VERSION; "complete" → "1" once everything was taken in; "mark/<name>" → a mark of
        # whoever fills the catalog, such as how far a file of the root's journal was read; "token", "secret" and "revision"
        # as `changes` has them
        "key": "TEXT NOT NULL",
        "value": "TEXT NOT NULL",
    },
    key=("key",),
)

experiments = Table(
    "experiments",
    {
        "key": "INTEGER PRIMARY KEY",  # small and dense: the other tables repeat it
        "experiment_id": "TEXT NOT NULL UNIQUE",
        "prefix": "TEXT NOT NULL UNIQUE",
        "name": "TEXT NOT NULL",
        # From the prefix owner/project/path…/name; of two segments the first is the project.
        "owner": "TEXT",
        "project": "TEXT",
        # The same as scopes have it, see `query.scope.project_of`: "owner/project", "project" or "~user"
        "area": "TEXT NOT NULL",
        "status": "TEXT NOT NULL",
        "reason": "TEXT",
        "created_at": "REAL NOT NULL",
        "started_at": "REAL",
        "ended_at": "REAL",  # NULL while it runs: duration = coalesce(ended_at, now) - started_at - paused
        "paused": "REAL NOT NULL",
        "updated_at": "REAL NOT NULL",  # the newest record, of whatever kind
        "user": "TEXT",
        "host": "TEXT",
        "git_commit": "TEXT",
        "git_branch": "TEXT",
        "git_dirty": "INTEGER",
        "parent": "TEXT",  # experiment_id of the parent, as the child gave it
        "relation": "TEXT",  # child | resumed | forked | reproduces
        "description": "TEXT",
        "notes": "TEXT",
        "metric_count": "INTEGER NOT NULL",
        "point_count": "INTEGER NOT NULL",
        "file_count": "INTEGER NOT NULL",
        "file_bytes": "INTEGER NOT NULL",
        "value_count": "INTEGER NOT NULL",
        "lost": "INTEGER NOT NULL",  # records that could not be written
    },
)

documents = Table(
    "documents",
    {
        "experiment_key": "INTEGER PRIMARY KEY",
        # msgpack of record.fold.ExperimentState
        "state": "BLOB NOT NULL",
    },
)

settings = Table(
    "settings",  # what an experiment was set to, as far as telling which of it differs needs that
    {
        "experiment_key": "INTEGER PRIMARY KEY",
        # For each of its parameters, configuration keys and tags, the key of the name and a number for the value, see `settings`
        "packed": "BLOB NOT NULL",
    },
)

progress = Table(
    "progress",
    {
        "experiment_key": "INTEGER PRIMARY KEY",
        # msgpack of journal.follow.Cursor: how far each of its files was taken in
        "cursor": "BLOB NOT NULL",
    },
)

live = Table(
    "live",  # the experiments still followed: everything else is finished and its folder is not visited
    {"experiment_key": "INTEGER PRIMARY KEY"},
)

names = Table(
    "names",
    {
        "key": "INTEGER PRIMARY KEY",
        "kind": "TEXT NOT NULL",
        "name": "TEXT NOT NULL",
    },
    unique=("kind", "name"),
)

params = Table(
    "params",  # kind "param" and kind "config"; nested keys are dotted
    {
        "name_key": "INTEGER NOT NULL",
        "experiment_key": "INTEGER NOT NULL",
        "number": "REAL",  # int, float, and bool as 0 or 1
        # What an integer is more or less than `number`, see `query.integers`: "0" for all that a float64 holds
        "rest": "TEXT NOT NULL",
        "text": "TEXT",  # str (its first MAX_TEXT characters); list and dict as JSON, cut likewise
        # int | float | bool | str | null | list | dict; "long" is a str of which `text` is only the beginning
        "type": "TEXT NOT NULL",
    },
    key=("name_key", "experiment_key"),
)

metrics = Table(
    "metrics",
    {
        "name_key": "INTEGER NOT NULL",
        "experiment_key": "INTEGER NOT NULL",
        "count": "INTEGER NOT NULL",
        "first": "REAL",  # as written, like last: the order of writer, part, line
        "last": "REAL",
        "last_step": "INTEGER",
        "last_time": "REAL",
        "min": "REAL",  # NaN is passed over by min and max
        "min_step": "INTEGER",
        "max": "REAL",
        "max_step": "INTEGER",
        "mean": "REAL",  # of the finite values, like std
        "std": "REAL",  # with n - 1, as pandas; NULL for fewer than two
        "nonfinite": "INTEGER NOT NULL",
        "rest": "BLOB NOT NULL",  # what `summary.tallies_of` needs beside these
    },
    key=("name_key", "experiment_key"),
)

tags = Table(
    "tags",  # kind "tag" (value NULL for a plain tag) and kind "bindr" (value always NULL)
    {
        "name_key": "INTEGER NOT NULL",
        "experiment_key": "INTEGER NOT NULL",
        "value": "TEXT",
    },
    key=("name_key", "experiment_key"),
)

files = Table(
    "files",
    {
        "experiment_key": "INTEGER NOT NULL",
        "position": "INTEGER NOT NULL",  # in the order logged
        "file_id": "TEXT NOT NULL",
        "prefix": "TEXT NOT NULL",
        "name": "TEXT NOT NULL",
        "path": "TEXT NOT NULL",
        "size": "INTEGER NOT NULL",
        "hash": "TEXT NOT NULL",
        "step": "INTEGER",
        "time": "REAL NOT NULL",
        "metadata": "TEXT",  # JSON; NULL when empty
        "folder": "TEXT",
        "checkpoint": "TEXT",  # JSON; NULL for a file that is no checkpoint
    },
    key=("experiment_key", "position"),
)

values = Table(
    "logged_values",  # VALUES is a word of SQL
    {
        "experiment_key": "INTEGER NOT NULL",
        "position": "INTEGER NOT NULL",  # in the order logged
        "name": "TEXT NOT NULL",
        "kind": "TEXT NOT NULL",
        "step": "INTEGER",
        "time": "REAL NOT NULL",
        # msgpack of record.facts.ValueFact: path or data, and metadata
        "record": "BLOB NOT NULL",
    },
    key=("experiment_key", "position"),
)

contents = Table(
    "contents",  # what experiments read and logged, by name and by hash: the index of lineage
    {
        "experiment_key": "INTEGER NOT NULL",
        "role": "TEXT NOT NULL",  # input | file
        "position": "INTEGER NOT NULL",
        # The first MOST_NAME and MOST_HASH characters, see `query.contents`; of a file its prefix and name as a path
        "name": "TEXT NOT NULL",
        "hash": "TEXT NOT NULL",  # "" where none is known
    },
    key=("experiment_key", "role", "position"),
)

problems = Table(
    "problems",  # broken lines and unreadable files, found while reading: doctor shows them
    {
        "experiment_key": "INTEGER NOT NULL",
        "path": "TEXT NOT NULL",  # relative to the experiment's folder
        "line": "INTEGER NOT NULL",  # from 1; 0: the whole file
        "reason": "TEXT NOT NULL",
    },
    key=("experiment_key", "path", "line"),
)

changes = Table(
    "changes",  # when each experiment was last saved or forgotten, see `changes`
    {
        "experiment_id": "TEXT NOT NULL",
        "area": "TEXT NOT NULL",  # one that it is in, or was in before it was moved
        "revision": "INTEGER NOT NULL",
        "gone": "INTEGER NOT NULL",  # from there
    },
    key=("experiment_id", "area"),
)


TABLES = (
    meta,
    experiments,
    documents,
    settings,
    progress,
    live,
    names,
    params,
    metrics,
    tags,
    files,
    values,
    contents,
    problems,
    changes,
)
"""All of them."""
