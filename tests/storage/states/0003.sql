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
INSERT INTO "alerts" VALUES('errors','[]','{"metric": "shop.errors", "holds": {"warning": ["firing", 1790000060.0], "critical": ["firing", 1790000120.5]}, "severity": "critical", "since": 1790000060.0, "fired_at": 1790000060.0, "value": 9.0, "worst": "critical", "cause": "", "absent": ["inactive", 0.0], "baselines": {}, "unrest": null}');
INSERT INTO "alerts" VALUES('stock','[]','{"metric": "shop.stock", "holds": {"critical": ["firing", 1790000120.5]}, "severity": "critical", "since": 1790000120.5, "fired_at": 1790000120.5, "value": 1.0, "worst": "critical", "cause": "", "absent": ["inactive", 0.0], "baselines": {}, "unrest": null}');
CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "alive" VALUES(1,1790000120.5);
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
INSERT INTO "journal" VALUES(1,1790000060.0,'errors','[]','fired','warning',3.0,'shop.errors is 3 (warning > 1; normal: 1 or less)','told','','push:errors@1790000060.000');
INSERT INTO "journal" VALUES(2,1790000120.5,'errors','[]','raised','critical',9.0,'shop.errors is 9 (critical > 5; normal: 1 or less)','told','','push:errors@1790000060.000.2');
INSERT INTO "journal" VALUES(3,1790000120.5,'stock','[]','fired','critical',1.0,'shop.stock is 1 (critical < 2; normal: 2 or more)','told','','push:stock@1790000120.500');
CREATE TABLE notices (
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO "notices" VALUES('errors','{"scope": "rule", "group": "errors", "labels": [], "channels": [], "opened": 1790000060.0, "chapter": 2, "told_at": 1790000120.5, "spoke_at": 1790000120.5, "repeats": 0, "not_before": 0.0, "is_stale": false, "loudest": "critical", "members": [{"rule": "errors", "metric": "shop.errors", "labels": [], "since": 1790000060.0, "fired_at": 1790000060.0, "severity": "critical", "worst": "critical", "value": 9.0, "why": "shop.errors is 9 (critical > 5; normal: 1 or less)", "cause": "", "baseline": null, "source": "", "told": "critical", "ended": null}]}');
INSERT INTO "notices" VALUES('stock','{"scope": "rule", "group": "stock", "labels": [], "channels": [], "opened": 1790000120.5, "chapter": 1, "told_at": 1790000120.5, "spoke_at": 1790000120.5, "repeats": 0, "not_before": 0.0, "is_stale": false, "loudest": "critical", "members": [{"rule": "stock", "metric": "shop.stock", "labels": [], "since": 1790000120.5, "fired_at": 1790000120.5, "severity": "critical", "worst": "critical", "value": 1.0, "why": "shop.stock is 1 (critical < 2; normal: 2 or more)", "cause": "", "baseline": null, "source": "", "told": "critical", "ended": null}]}');
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
INSERT INTO "outbox" VALUES(1,'push:errors@1790000060.000',0,'push','{"title":"Earlier: errors is warning","message":"As told 14:14. It rose to critical at 14:15.","interruption_level":"passive","in_place":"only","tags":["shop"]}',5,1790000120.5,0.0,1790086520.5,0.0,'{"open":false}');
INSERT INTO "outbox" VALUES(2,'push:errors@1790000060.000.2',1,'push','{"title":"errors is critical","message":"shop.errors is 9 (critical > 5; normal: 1 or less), since 14:14.","interruption_level":"time-sensitive","in_place":false,"tags":["shop"]}',0,1790000120.5,0.0,1790086520.5,0.0,'{"open":true}');
INSERT INTO "outbox" VALUES(3,'push:stock@1790000120.500',0,'push','{"title":"stock is critical","message":"shop.stock is 1 (critical < 2; normal: 2 or more), since 14:15.","interruption_level":"time-sensitive","in_place":false}',0,1790000120.5,0.0,1790086520.5,0.0,'{"open":true}');
INSERT INTO "outbox" VALUES(4,'metric:shop.orders',0,'metric','{"value":7}',6,1790000120.5,1790000120.0,NULL,0.0,'{"time":1790000120.5,"raw":7.0,"severity":null}');
INSERT INTO "outbox" VALUES(5,'metric:shop.text',0,'metric','{"value":"9 bad"}',4,1790000120.5,1790000120.5,NULL,0.0,'{"time":1790000120.5,"raw":9.0,"severity":"critical"}');
INSERT INTO "outbox" VALUES(6,'stream:shop',0,'stream','{"content_state":{"title":"Shop","type":"stats","metrics":[{"label":"Errors","value":9,"color":"red"}]}}',3,1790000120.5,1790000120.5,NULL,0.0,'{"meaning":"[[\"Shop\", null], [[\"Errors\", \"red\", false]], [[\"errors\", \"critical\"]], null]"}');
INSERT INTO "outbox" VALUES(7,'badge',0,'badge','{"badge":2}',6,1790000000.0,0.0,NULL,0.0,'{}');
INSERT INTO "outbox" VALUES(900,'stream:timer',0,'end','{"content_state":{"title":"T","type":"timer","auto_dismiss_seconds":0}}',2,1790000040.0,0.0,NULL,0.0,'{}');
CREATE TABLE samples (
    at FLOAT NOT NULL,
    series INTEGER NOT NULL,
    value FLOAT NOT NULL,
    PRIMARY KEY (at, series)
) WITHOUT ROWID;
CREATE TABLE sent (
    id INTEGER NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "sent" VALUES(1,'any',1790000000.0);
INSERT INTO "sent" VALUES(2,'any',1790000000.0);
INSERT INTO "sent" VALUES(3,'any',1790000000.0);
INSERT INTO "sent" VALUES(4,'any',1790000060.0);
INSERT INTO "sent" VALUES(5,'any',1790000060.0);
INSERT INTO "sent" VALUES(6,'any',1790000060.0);
INSERT INTO "sent" VALUES(7,'any',1790000060.0);
INSERT INTO "sent" VALUES(8,'notifications',1790000155.5);
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
INSERT INTO "shown" VALUES('stream:shop','stream','{"content_state":{"title":"Shop","type":"stats","metrics":[{"label":"Errors","value":3,"color":"orange"}]}}',1790000060.0,0,NULL,'{"meaning":"[[\"Shop\", null], [[\"Errors\", \"orange\", false]], [[\"errors\", \"warning\"]], null]"}');
INSERT INTO "shown" VALUES('metric:shop.orders','metric','{"value":5}',1790000060.0,0,NULL,'{"time":1790000060.0,"raw":5.0,"severity":null}');
INSERT INTO "shown" VALUES('metric:shop.text','metric','{"value":"3 bad"}',1790000060.0,0,NULL,'{"time":1790000060.0,"raw":3.0,"severity":"warning"}');
INSERT INTO "shown" VALUES('push:errors@1790000060.000','push','{"title":"errors is warning","message":"shop.errors is 3 (warning > 1; normal: 1 or less), since 14:14.","interruption_level":"active","in_place":false,"tags":["shop"]}',1790000060.0,0,'n-4','{"open":true}');
INSERT INTO "shown" VALUES('stream:timer','stream','{"content_state":{"title":"T","type":"timer","counts_down":true}}',1790000030.0,0,'act-1','{"meaning":"m","window":{"name":"[300, null]","left":300,"at":1790000030.0,"runs":true,"lost":false},"bare_end":true}');
INSERT INTO "shown" VALUES('stream:old','end','{"content_state":{"title":"O"}}',1790000031.0,1,NULL,'{}');
CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
CREATE INDEX journal_by_rule ON journal (rule, id);
DELETE FROM "sqlite_sequence";
COMMIT;
