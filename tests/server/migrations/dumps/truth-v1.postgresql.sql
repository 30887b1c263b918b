SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA anew_truth;
CREATE TABLE anew_truth.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE anew_truth.arrival (
    hash text NOT NULL,
    sender text NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    total bigint NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE anew_truth.chunk (
    experiment text NOT NULL,
    name text NOT NULL,
    start bigint NOT NULL,
    data bytea NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_insert_scale_factor='0', toast.autovacuum_vacuum_scale_factor='0', toast.autovacuum_vacuum_threshold='1000');
ALTER TABLE ONLY anew_truth.chunk ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE anew_truth.claim (
    what text NOT NULL,
    number bigint NOT NULL
);
CREATE TABLE anew_truth.conflict (
    experiment text NOT NULL,
    key text NOT NULL,
    size bigint NOT NULL
);
CREATE TABLE anew_truth.content (
    hash text NOT NULL,
    size bigint NOT NULL,
    data bytea,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');
ALTER TABLE ONLY anew_truth.content ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE anew_truth.experiment (
    id text NOT NULL,
    prefix text NOT NULL,
    owner text,
    name text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'here'::text NOT NULL,
    deleted_at double precision DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    kept bigint DEFAULT 0 NOT NULL,
    CONSTRAINT experiment_state_check CHECK ((state = ANY (ARRAY['here'::text, 'deleted'::text, 'purged'::text])))
);
CREATE TABLE anew_truth.file (
    experiment text NOT NULL,
    path text NOT NULL,
    hash text NOT NULL,
    size bigint NOT NULL,
    executable boolean DEFAULT false NOT NULL,
    text_size bigint,
    text_hash text,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    kept boolean DEFAULT false NOT NULL
);
CREATE TABLE anew_truth.given (
    hash text NOT NULL,
    sender text NOT NULL
);
CREATE TABLE anew_truth.lease (
    experiment text NOT NULL,
    holder text DEFAULT ''::text NOT NULL,
    until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    fence bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');
CREATE SEQUENCE anew_truth.names_number
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE anew_truth.piece (
    experiment text NOT NULL,
    name text NOT NULL,
    start bigint NOT NULL,
    size bigint NOT NULL,
    hash text NOT NULL
);
CREATE TABLE anew_truth.root_line (
    number bigint NOT NULL,
    event text NOT NULL,
    line bytea NOT NULL,
    kept boolean DEFAULT false NOT NULL
);
ALTER TABLE anew_truth.root_line ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME anew_truth.root_line_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE anew_truth.segment (
    experiment text NOT NULL,
    name text NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    flushed bigint DEFAULT 0 NOT NULL,
    ending bytea DEFAULT '\x'::bytea NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (fillfactor='70');
CREATE TABLE anew_truth.work (
    experiment text NOT NULL,
    changed bigint DEFAULT 1 NOT NULL,
    since timestamp with time zone,
    due timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');
INSERT INTO anew_truth.alembic_version VALUES ('v1');
INSERT INTO anew_truth.arrival VALUES ('dd', 'Al', 1, 9, '2026-11-27 11:53:19.356047+00');
INSERT INTO anew_truth.chunk VALUES ('20260101-000000-aaaaaaaa', 'journal/a.jsonl', 3, '\x646566', '2026-11-27 11:53:19.354113+00');
INSERT INTO anew_truth.claim VALUES ('x', 1);
INSERT INTO anew_truth.conflict VALUES ('20260101-000000-aaaaaaaa', 'k', 1);
INSERT INTO anew_truth.content VALUES ('ee', 2, '\x7879', '2026-11-27 11:53:19.355122+00');
INSERT INTO anew_truth.experiment VALUES ('20260101-000000-aaaaaaaa', 'lab/vision/one', 'Al', 'one', 'here', 0, 2, 0);
INSERT INTO anew_truth.file VALUES ('20260101-000000-aaaaaaaa', 'files/x', 'ee', 2, false, NULL, NULL, '2026-11-27 11:53:19.354573+00', false);
INSERT INTO anew_truth.given VALUES ('ee', 'Al');
INSERT INTO anew_truth.lease VALUES ('20260101-000000-aaaaaaaa', 'h', '-infinity', 7);
INSERT INTO anew_truth.piece VALUES ('20260101-000000-aaaaaaaa', 'journal/a.jsonl', 0, 3, 'ff');
INSERT INTO anew_truth.root_line OVERRIDING SYSTEM VALUE VALUES (1, 'e1', '\x7b7d', false);
INSERT INTO anew_truth.segment VALUES ('20260101-000000-aaaaaaaa', 'journal/a.jsonl', 6, 3, '\x616263646566', '2026-11-27 11:53:19.353069+00');
INSERT INTO anew_truth.work VALUES ('20260101-000000-aaaaaaaa', 3, '2026-01-01 00:00:00+00', '2026-11-27 11:53:19.357948+00');
SELECT pg_catalog.setval('anew_truth.names_number', 1, false);
SELECT pg_catalog.setval('anew_truth.root_line_number_seq', 1, true);
ALTER TABLE ONLY anew_truth.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY anew_truth.arrival
    ADD CONSTRAINT arrival_pkey PRIMARY KEY (hash, sender);
ALTER TABLE ONLY anew_truth.chunk
    ADD CONSTRAINT chunk_pkey PRIMARY KEY (experiment, name, start);
ALTER TABLE ONLY anew_truth.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (what);
ALTER TABLE ONLY anew_truth.conflict
    ADD CONSTRAINT conflict_pkey PRIMARY KEY (experiment, key);
ALTER TABLE ONLY anew_truth.content
    ADD CONSTRAINT content_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY anew_truth.experiment
    ADD CONSTRAINT experiment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY anew_truth.file
    ADD CONSTRAINT file_pkey PRIMARY KEY (experiment, path);
ALTER TABLE ONLY anew_truth.given
    ADD CONSTRAINT given_pkey PRIMARY KEY (hash, sender);
ALTER TABLE ONLY anew_truth.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (experiment);
ALTER TABLE ONLY anew_truth.piece
    ADD CONSTRAINT piece_pkey PRIMARY KEY (experiment, name, start);
ALTER TABLE ONLY anew_truth.root_line
    ADD CONSTRAINT root_line_event_key UNIQUE (event);
ALTER TABLE ONLY anew_truth.root_line
    ADD CONSTRAINT root_line_pkey PRIMARY KEY (number);
ALTER TABLE ONLY anew_truth.segment
    ADD CONSTRAINT segment_pkey PRIMARY KEY (experiment, name);
ALTER TABLE ONLY anew_truth.work
    ADD CONSTRAINT work_pkey PRIMARY KEY (experiment);
CREATE INDEX content_waiting ON anew_truth.content USING btree (at) WHERE (data IS NOT NULL);
CREATE INDEX experiment_gone ON anew_truth.experiment USING btree (id) WHERE (state <> 'here'::text);
CREATE UNIQUE INDEX experiment_prefix ON anew_truth.experiment USING btree (prefix) WHERE (state = 'here'::text);
CREATE INDEX experiment_unkept ON anew_truth.experiment USING btree (id) WHERE (kept < version);
CREATE INDEX file_unkept ON anew_truth.file USING btree (experiment) WHERE (NOT kept);
CREATE INDEX root_line_unkept ON anew_truth.root_line USING btree (number) WHERE (NOT kept);
