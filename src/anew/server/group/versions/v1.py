"""Segments and their pieces, files and contents, filings, events of the root, and who takes in what."""

revision = "v1"
down_revision = None

_STATEMENTS = (
    # An experiment and where it is filed. `version` counts the changes of this row; `kept` is the last one that is an object.
    """
    CREATE TABLE experiment (
        id text PRIMARY KEY,
        prefix text NOT NULL,
        owner text,
        name text NOT NULL DEFAULT '',
        state text NOT NULL DEFAULT 'here' CHECK (state IN ('here', 'deleted', 'purged')),
        deleted_at double precision NOT NULL DEFAULT 0,
        version bigint NOT NULL DEFAULT 1,
        kept bigint NOT NULL DEFAULT 0
    )
    """,
    "CREATE UNIQUE INDEX experiment_prefix ON experiment (prefix) WHERE state = 'here'",
    "CREATE INDEX experiment_unkept ON experiment (id) WHERE kept < version",
    "CREATE INDEX experiment_gone ON experiment (id) WHERE state <> 'here'",
    # A segment: `flushed` of its `size` bytes are objects, which `piece` lists; the others are rows of `chunk`.
    # `ending` are its last bytes, with which every frame is compared.
    """
    CREATE TABLE segment (
        experiment text NOT NULL,
        name text NOT NULL,
        size bigint NOT NULL DEFAULT 0,
        flushed bigint NOT NULL DEFAULT 0,
        ending bytea NOT NULL DEFAULT '',
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (experiment, name)
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE piece (
        experiment text NOT NULL,
        name text NOT NULL,
        start bigint NOT NULL,
        size bigint NOT NULL,
        hash text NOT NULL,
        PRIMARY KEY (experiment, name, start)
    )
    """,
    # Rows live for seconds: what was deleted is given back as soon as there is a little of it.
    """
    CREATE TABLE chunk (
        experiment text NOT NULL,
        name text NOT NULL,
        start bigint NOT NULL,
        data bytea NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (experiment, name, start)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
            autovacuum_vacuum_insert_scale_factor = 0, toast.autovacuum_vacuum_scale_factor = 0,
            toast.autovacuum_vacuum_threshold = 1000)
    """,
    "ALTER TABLE chunk ALTER COLUMN data SET STORAGE EXTERNAL",
    # A file of an experiment: its content is an object under its hash. `text_*` is what a sealed part stands for.
    """
    CREATE TABLE file (
        experiment text NOT NULL,
        path text NOT NULL,
        hash text NOT NULL,
        size bigint NOT NULL,
        executable boolean NOT NULL DEFAULT false,
        text_size bigint,
        text_hash text,
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        kept boolean NOT NULL DEFAULT false,
        PRIMARY KEY (experiment, path)
    )
    """,
    "CREATE SEQUENCE names_number",
    "CREATE INDEX file_unkept ON file (experiment) WHERE NOT kept",
    # A content; what is small waits in `data` until it is an object.
    """
    CREATE TABLE content (
        hash text PRIMARY KEY,
        size bigint NOT NULL,
        data bytea,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
    """,
    "ALTER TABLE content ALTER COLUMN data SET STORAGE EXTERNAL",
    "CREATE INDEX content_waiting ON content (at) WHERE data IS NOT NULL",
    # Who has sent a content, and so may name it again.
    "CREATE TABLE given (hash text NOT NULL, sender text NOT NULL, PRIMARY KEY (hash, sender))",
    # A content of which a part has arrived; the parts are objects until it is whole.
    """
    CREATE TABLE arrival (
        hash text NOT NULL,
        sender text NOT NULL,
        size bigint NOT NULL DEFAULT 0,
        total bigint NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (hash, sender)
    )
    """,
    "CREATE TABLE conflict (experiment text NOT NULL, key text NOT NULL, size bigint NOT NULL, PRIMARY KEY (experiment, key))",
    # Events of the root's journal, as lines; `number` is the order in which others read them.
    """
    CREATE TABLE root_line (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event text NOT NULL UNIQUE,
        line bytea NOT NULL,
        kept boolean NOT NULL DEFAULT false
    )
    """,
    "CREATE INDEX root_line_unkept ON root_line (number) WHERE NOT kept",
    "CREATE TABLE claim (what text PRIMARY KEY, number bigint NOT NULL)",
    # What the index has not taken in yet: `changed` counts what arrived, `since` is when the oldest of it did.
    """
    CREATE TABLE work (
        experiment text PRIMARY KEY,
        changed bigint NOT NULL DEFAULT 1,
        since timestamptz,
        due timestamptz NOT NULL DEFAULT clock_timestamp()
    ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
    """,
    # Who takes in an experiment: until when, and a number that is another one for each time it was leased.
    """
    CREATE TABLE lease (
        experiment text PRIMARY KEY,
        holder text NOT NULL DEFAULT '',
        until timestamptz NOT NULL DEFAULT '-infinity',
        fence bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
    """,
)
STATEMENTS = {"postgresql": _STATEMENTS}


def upgrade() -> None:
    """See `Version`."""
    from alembic import op

    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
