BEGIN TRANSACTION;
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE alerts (
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (rule, labels)
);
INSERT INTO "alerts" VALUES('errors','[]','{"metric": "shop.errors", "holds": {"warning": ["firing", 1795952847.3937974], "critical": ["firing", 1795952847.3937974]}, "severity": "critical", "since": 1795952847.3937974, "fired_at": 1795952847.3937974, "value": 7.0, "worst": "critical", "cause": "", "absent": ["inactive", 0.0], "baselines": {}, "unrest": null}');
INSERT INTO "alerts" VALUES('stock','[["house", "north"]]','{"metric": "shop.stock", "holds": {"critical": ["firing", 1795952849.393012]}, "severity": "critical", "since": 1795952849.393012, "fired_at": 1795952849.393012, "value": 1.0, "worst": "critical", "cause": "", "absent": ["inactive", 0.0], "baselines": {}, "unrest": null}');
CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "alive" VALUES(1,1.79595284939301204677e+09);
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
INSERT INTO "journal" VALUES(1,1.7959528473937973976e+09,'errors','[]','fired','critical',7.0,'shop.errors is 7 (critical > 5; normal: 1 or less)','told','','push:errors@1795952847.394');
INSERT INTO "journal" VALUES(2,1.79595284939301204677e+09,'stock','[["house","north"]]','fired','critical',1.0,'shop.stock{house="north"} is 1 (critical < 3; normal: 3 or more)','told','','push:stock{house="north"}@1795952849.393');
CREATE TABLE notices (
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO "notices" VALUES('errors','{"scope": "rule", "group": "errors", "labels": [], "channels": [], "opened": 1795952847.3937974, "chapter": 1, "told_at": 1795952847.3937974, "spoke_at": 1795952847.3937974, "repeats": 0, "not_before": 0.0, "is_stale": false, "loudest": "critical", "members": [{"rule": "errors", "metric": "shop.errors", "labels": [], "since": 1795952847.3937974, "fired_at": 1795952847.3937974, "severity": "critical", "worst": "critical", "value": 7.0, "why": "shop.errors is 7 (critical > 5; normal: 1 or less)", "cause": "", "baseline": null, "source": "", "told": "critical", "ended": null}]}');
INSERT INTO "notices" VALUES('stock{house="north"}','{"scope": "rule", "group": "stock", "labels": [["house", "north"]], "channels": [], "opened": 1795952849.393012, "chapter": 1, "told_at": 1795952849.393012, "spoke_at": 1795952849.393012, "repeats": 0, "not_before": 0.0, "is_stale": false, "loudest": "critical", "members": [{"rule": "stock", "metric": "shop.stock", "labels": [["house", "north"]], "since": 1795952849.393012, "fired_at": 1795952849.393012, "severity": "critical", "worst": "critical", "value": 1.0, "why": "shop.stock{house=\"north\"} is 1 (critical < 3; normal: 3 or more)", "cause": "", "baseline": null, "source": "", "told": "critical", "ended": null}]}');
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
INSERT INTO "outbox" VALUES(1,'push:stock{house="north"}@1795952849.393',0,'push','{"title":"stock (north) is critical","message":"shop.stock{house=\"north\"} is 1 (critical < 3; normal: 3 or more), since 11:47.","interruption_level":"time-sensitive","in_place":false}',0,1.79595284939301204677e+09,0.0,1.79603924939301204683e+09,0.0,'{"open":true}');
CREATE TABLE samples (
    at FLOAT NOT NULL,
    series INTEGER NOT NULL,
    value FLOAT NOT NULL,
    PRIMARY KEY (at, series)
)
 WITHOUT ROWID;
INSERT INTO "samples" VALUES(1.79595284656160807611e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595284739375066762e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595284839353871346e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595284939296770095e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595285039342236516e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595285139337182043e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595285239298033718e+09,1,50.0);
CREATE TABLE sent (
    id INTEGER NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "sent" VALUES(1,'metrics',1.79595284657787370675e+09);
INSERT INTO "sent" VALUES(2,'notifications',1.79595284741278696065e+09);
INSERT INTO "sent" VALUES(3,'live-activities',1.79595284741063094136e+09);
INSERT INTO "sent" VALUES(4,'notifications',1.7959529094002797604e+09);
INSERT INTO "sent" VALUES(5,'notifications',1.79595291058957481382e+09);
CREATE TABLE series (
    id INTEGER NOT NULL,
    metric TEXT NOT NULL,
    labels TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (metric, labels)
);
INSERT INTO "series" VALUES(1,'shop.orders','[]');
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
INSERT INTO "shown" VALUES('metric:shop.orders','metric','{"value":50}',1.79595284657787370675e+09,0,NULL,'{"time":1795952846.561608,"raw":50.0,"severity":null}');
INSERT INTO "shown" VALUES('stream:trouble','stream','{"content_state":{"title":"Trouble","type":"stats","metrics":[{"label":"Errors","value":7}]}}',1.79595284741063094136e+09,0,'a1','{"meaning":"[[\"Trouble\", null], [[\"Errors\", null, false]], [[\"errors\", \"critical\"]], null]"}');
INSERT INTO "shown" VALUES('push:errors@1795952847.394','push','{"title":"errors is critical","message":"shop.errors is 7 (critical > 5; normal: 1 or less), since 11:47.","interruption_level":"time-sensitive","in_place":false}',1.79595284741278696065e+09,0,'n140401781384272','{"open":true}');
CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
INSERT INTO "silences" VALUES(1,'rule=orders','deploying','ann',1.79595284671679759026e+09,1.82748884671679759023e+09);
CREATE INDEX journal_by_rule ON journal (rule, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('silences',1);
COMMIT;
