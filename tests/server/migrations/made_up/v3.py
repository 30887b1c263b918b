revision = "v3"
down_revision = "v2"
_BOTH = ("ALTER TABLE things ADD COLUMN other TEXT", "SELECT * FROM no_such_table")
STATEMENTS = {"sqlite": _BOTH, "postgresql": _BOTH}


def upgrade():
    from alembic import op

    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
