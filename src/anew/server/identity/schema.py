"""The tables of accounts, and how an older file becomes a newer one.

Nothing here can be made again from the experiments, so there are migrations: the file's `user_version` says how many of
`STEPS` it has been through. A step is never changed once it was released; a new one is added below.

Times are seconds since the epoch. Of credentials there are only hashes.
"""

from __future__ import annotations

__all__ = ["STEPS"]

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        admin INTEGER NOT NULL,
        created_at REAL NOT NULL
    );
    CREATE TABLE grants (
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        pattern TEXT NOT NULL,
        role TEXT NOT NULL,
        PRIMARY KEY (user_id, pattern)
    ) WITHOUT ROWID;
    CREATE TABLE identities (
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        PRIMARY KEY (issuer, subject)
    ) WITHOUT ROWID;
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        hash TEXT NOT NULL UNIQUE,
        user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
        pattern TEXT NOT NULL,
        role TEXT NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL,
        used_at REAL
    );
    CREATE TABLE sessions (
        hash TEXT PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        created_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        used_at REAL
    ) WITHOUT ROWID;
    CREATE TABLE links (
        hash TEXT PRIMARY KEY,
        user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
        created_at REAL NOT NULL,
        expires_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE shares (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hash TEXT NOT NULL UNIQUE,
        project TEXT NOT NULL,
        created_by TEXT NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        used_at REAL
    );
    CREATE TABLE share_sessions (
        hash TEXT PRIMARY KEY,
        share_id INTEGER NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
        expires_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        who TEXT NOT NULL,
        through TEXT NOT NULL,
        action TEXT NOT NULL,
        project TEXT,
        target TEXT,
        detail TEXT
    );
    CREATE INDEX audit_by_project ON audit (project, id);
    """,
)
"""What to run, in order, to bring an empty file to the newest layout."""
