revision = "v2"
down_revision = "v1"
_BOTH = (
    "ALTER TABLE things ADD COLUMN size INTEGER",
    "UPDATE things SET size = length(name)",
)
STATEMENTS = {"sqlite": _BOTH, "postgresql": _BOTH}


def upgrade():
    from alembic import op

    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
