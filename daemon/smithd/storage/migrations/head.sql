CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE alerts (
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (rule, labels)
);

CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE journal (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    change TEXT NOT NULL,
    severity TEXT NOT NULL,
    value FLOAT,
    why TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    notice TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX journal_by_rule ON journal (rule, id);

CREATE TABLE notices (
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE outbox (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    claimed BOOLEAN NOT NULL,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    priority INTEGER NOT NULL,
    created FLOAT NOT NULL,
    due FLOAT NOT NULL,
    expires FLOAT,
    tolerance FLOAT NOT NULL,
    aside TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE ("key", claimed)
);

CREATE TABLE owner (
    id INTEGER NOT NULL,
    term TEXT NOT NULL,
    pid INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE samples (
    at FLOAT NOT NULL,
    series INTEGER NOT NULL,
    value FLOAT NOT NULL,
    PRIMARY KEY (at, series)
)
 WITHOUT ROWID;

CREATE TABLE sent (
    id INTEGER NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE series (
    id INTEGER NOT NULL,
    metric TEXT NOT NULL,
    labels TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (metric, labels)
);

CREATE TABLE shown (
    "key" TEXT NOT NULL,
    kind TEXT NOT NULL,
    content TEXT,
    at FLOAT NOT NULL,
    ended BOOLEAN NOT NULL,
    remote_id TEXT,
    aside TEXT NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
