revision = "v1"
down_revision = None
_BOTH = ("CREATE TABLE things (name TEXT)",)
STATEMENTS = {"sqlite": _BOTH, "postgresql": _BOTH}


def upgrade():
    from alembic import op

    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
