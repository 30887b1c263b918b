BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v2');
CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            time REAL NOT NULL,
            who TEXT NOT NULL,
            through TEXT NOT NULL,
            action TEXT NOT NULL,
            project TEXT,
            target TEXT);
INSERT INTO "audit" VALUES(1,1000000000.0,'Al','user:1','deleted','lab/vision','a % b');
CREATE TABLE grants (
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            pattern TEXT NOT NULL,
            role TEXT NOT NULL,
            PRIMARY KEY (user_id, pattern)
        ) WITHOUT ROWID
        ;
INSERT INTO "grants" VALUES(1,'*','owner');
INSERT INTO "grants" VALUES(1,'~Al','owner');
INSERT INTO "grants" VALUES(2,'lab/*','writer');
CREATE TABLE identities (
            issuer TEXT NOT NULL,
            subject TEXT NOT NULL,
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            PRIMARY KEY (issuer, subject)
        ) WITHOUT ROWID
        ;
INSERT INTO "identities" VALUES('https://id.example','7',2);
CREATE TABLE links (
            hash TEXT PRIMARY KEY,
            user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
            created_at REAL NOT NULL,
            expires_at REAL NOT NULL
        ) WITHOUT ROWID
        ;
INSERT INTO "links" VALUES('ab',2,1000000000.0,1000000000.0);
CREATE TABLE sessions (
            hash TEXT PRIMARY KEY,
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            created_at REAL NOT NULL,
            expires_at REAL NOT NULL,
            used_at REAL
        ) WITHOUT ROWID
        ;
INSERT INTO "sessions" VALUES('d64b93c9f1b60eb338e5cb415d6a36bd920edd0e9b36f7ea5c730d0e10ff147f',1,1000000000.0,100000000000.0,NULL);
CREATE TABLE share_sessions (
            hash TEXT PRIMARY KEY,
            share_id INTEGER NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
            expires_at REAL NOT NULL
        ) WITHOUT ROWID
        ;
CREATE TABLE shares (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            hash TEXT NOT NULL UNIQUE,
            project TEXT NOT NULL,
            created_by TEXT NOT NULL,
            created_at REAL NOT NULL,
            expires_at REAL NOT NULL,
            used_at REAL
        );
INSERT INTO "shares" VALUES(1,'36d86e375ece0bc8ff1663ba20379d32de215772cf757aa211813746e0be3968','lab/vision','Al',1000000000.0,100000000000.0,NULL);
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
INSERT INTO "tokens" VALUES(1,'Cluster','a70fe5c59332deca86d56659e2989d7e5dd8881d0cb9bfe9a51922675f91b54a',2,'lab/vision','writer',1000000000.0,NULL,NULL);
CREATE TABLE users (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            admin INTEGER NOT NULL,
            created_at REAL NOT NULL
        );
INSERT INTO "users" VALUES(1,'Al',1,1000000000.0);
INSERT INTO "users" VALUES(2,'Ärnst',0,1000000001.0);
CREATE INDEX audit_by_project ON audit (project, id);
CREATE UNIQUE INDEX users_by_name ON users (lower(name));
CREATE UNIQUE INDEX tokens_by_name ON tokens (lower(name));
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('users',2);
INSERT INTO "sqlite_sequence" VALUES('tokens',1);
INSERT INTO "sqlite_sequence" VALUES('shares',1);
INSERT INTO "sqlite_sequence" VALUES('audit',1);
COMMIT;
