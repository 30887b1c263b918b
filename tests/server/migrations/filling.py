"""What recorded databases hold. Its statements are right for every version, so they fill what the versions make, too."""

from __future__ import annotations

import hashlib

TOKEN = "anew_" + "t" * 43
SESSION = "s" * 43
SHARE = "h" * 43


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


ACCOUNTS = (
    "INSERT INTO users (name, admin, created_at) VALUES ('Al', true, 1e9), ('Ärnst', false, 1e9 + 1)",
    "INSERT INTO grants (user_id, pattern, role) VALUES (1, '*', 'owner'), (1, '~Al', 'owner'), (2, 'lab/*', 'writer')",
    "INSERT INTO identities (issuer, subject, user_id) VALUES ('https://id.example', '7', 2)",
    f"INSERT INTO tokens (name, hash, user_id, pattern, role, created_at) VALUES ('Cluster', '{_digest(TOKEN)}', 2, 'lab/vision', 'writer', 1e9)",
    f"INSERT INTO sessions (hash, user_id, created_at, expires_at) VALUES ('{_digest(SESSION)}', 1, 1e9, 1e11)",
    "INSERT INTO links (hash, user_id, created_at, expires_at) VALUES ('ab', 2, 1e9, 1e9)",
    f"INSERT INTO shares (hash, project, created_by, created_at, expires_at) VALUES ('{_digest(SHARE)}', 'lab/vision', 'Al', 1e9, 1e11)",
    "INSERT INTO audit (time, who, through, action, project, target) VALUES (1e9, 'Al', 'user:1', 'deleted', 'lab/vision', 'a % b')",
)

_ID = "20260101-000000-aaaaaaaa"
TRUTH = (
    f"INSERT INTO experiment (id, prefix, owner, name, version) VALUES ('{_ID}', 'lab/vision/one', 'Al', 'one', 2)",
    f"INSERT INTO segment (experiment, name, size, flushed, ending) VALUES ('{_ID}', 'journal/a.jsonl', 6, 3, 'abcdef')",
    f"INSERT INTO piece (experiment, name, start, size, hash) VALUES ('{_ID}', 'journal/a.jsonl', 0, 3, 'ff')",
    f"INSERT INTO chunk (experiment, name, start, data) VALUES ('{_ID}', 'journal/a.jsonl', 3, 'def')",
    f"INSERT INTO file (experiment, path, hash, size) VALUES ('{_ID}', 'files/x', 'ee', 2)",
    "INSERT INTO content (hash, size, data) VALUES ('ee', 2, 'xy')",
    "INSERT INTO given (hash, sender) VALUES ('ee', 'Al')",
    "INSERT INTO arrival (hash, sender, size, total) VALUES ('dd', 'Al', 1, 9)",
    f"INSERT INTO conflict (experiment, key, size) VALUES ('{_ID}', 'k', 1)",
    "INSERT INTO root_line (event, line) VALUES ('e1', '{}')",
    "INSERT INTO claim (what, number) VALUES ('x', 1)",
    f"INSERT INTO work (experiment, changed, since) VALUES ('{_ID}', 3, '2026-01-01')",
    f"INSERT INTO lease (experiment, holder, fence) VALUES ('{_ID}', 'h', 7)",
)
