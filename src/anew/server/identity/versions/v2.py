"""Names are looked up however they are written, by the same statement on both engines; the record lost a column that nothing filled."""

revision = "v2"
down_revision = "v1"

_BOTH = (
    "CREATE UNIQUE INDEX users_by_name ON users (lower(name))",
    "CREATE UNIQUE INDEX tokens_by_name ON tokens (lower(name))",
    "ALTER TABLE audit DROP COLUMN detail",
)
STATEMENTS = {"sqlite": _BOTH, "postgresql": _BOTH}


def upgrade() -> None:
    """See `Version`."""
    from alembic import op

    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
