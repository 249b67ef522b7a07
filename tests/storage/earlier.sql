-- A state as smithd wrote it before the table 'owner' was there: sqlite3 state.db .dump
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
INSERT INTO "alerts" VALUES('errors','[]','{"metric": "shop.errors", "holds": {"warning": ["firing", 1795470000.0], "critical": ["firing", 1795470600.0]}, "severity": "critical", "since": 1795470000.0, "fired_at": 1795470000.0, "value": 7.0, "worst": "critical", "cause": "", "absent": ["inactive", 0.0], "baselines": {}, "unrest": null}');
INSERT INTO "alerts" VALUES('night','[]','{"metric": "depot.errors", "holds": {"warning": ["firing", 1795470000.0]}, "severity": "warning", "since": 1795470000.0, "fired_at": 1795470000.0, "value": 4.0, "worst": "warning", "cause": "", "absent": ["inactive", 0.0], "baselines": {}, "unrest": null}');
INSERT INTO "alerts" VALUES('quiet','[]','{"metric": "depot.orders", "holds": {"warning": ["firing", 1795470000.0]}, "severity": "warning", "since": 1795470000.0, "fired_at": 1795470000.0, "value": 3.0, "worst": "warning", "cause": "", "absent": ["inactive", 0.0], "baselines": {}, "unrest": null}');
INSERT INTO "alerts" VALUES('drop','[]','{"metric": "shop.orders", "holds": {"warning": ["firing", 1795471200.0]}, "severity": "warning", "since": 1795471200.0, "fired_at": 1795471200.0, "value": 50.0, "worst": "warning", "cause": "", "absent": ["inactive", 0.0], "baselines": {"warning": 100.0}, "unrest": null}');
INSERT INTO "alerts" VALUES('stock','[["house", "north"]]','{"metric": "shop.stock", "holds": {"critical": ["pending", 1795472100.0]}, "severity": null, "since": 1795472100.0, "fired_at": null, "value": 2.0, "worst": null, "cause": "", "absent": ["inactive", 0.0], "baselines": {}, "unrest": null}');
CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "alive" VALUES(1,1795472100.0);
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
INSERT INTO "journal" VALUES(1,1795470000.0,'errors','[]','fired','warning',2.0,'shop.errors is 2 (warning > 1; normal: 1 or less)','told','','push:errors@1795470000.000');
INSERT INTO "journal" VALUES(2,1795470000.0,'stock','[["house","south"]]','pending','',1.0,'shop.stock{house="south"} is 1 (critical < 3; normal: 3 or more)','a step on the way','','');
INSERT INTO "journal" VALUES(3,1795470000.0,'night','[]','fired','warning',4.0,'depot.errors is 4 (warning > 1; normal: 1 or less)','told','','push:night@1795470000.000');
INSERT INTO "journal" VALUES(4,1795470000.0,'quiet','[]','fired','warning',3.0,'depot.orders is 3 (warning > 1; normal: 1 or less)','silenced','silence 1 (deploying) until Thu 21:39','');
INSERT INTO "journal" VALUES(5,1795470600.0,'stock','[["house","south"]]','fired','critical',1.0,'shop.stock{house="south"} is 1 (critical < 3; normal: 3 or more)','told','','push:stock{house="south"}@1795470600.000');
INSERT INTO "journal" VALUES(6,1795470600.0,'errors','[]','raised','critical',7.0,'shop.errors is 7 (critical > 5; normal: 1 or less)','told','','push:errors@1795470000.000.2');
INSERT INTO "journal" VALUES(7,1795471200.0,'drop','[]','fired','warning',50.0,'shop.orders is 50, 50% below the 100 of 10m before (warning: drops > 30% over 10m)','told','','push:drop@1795471200.000');
INSERT INTO "journal" VALUES(8,1795471980.0,'stock','[["house","south"]]','resolved','critical',8.0,'shop.stock{house="south"} is 8 (normal: 3 or more)','told silently','','push:stock{house="south"}@1795470600.000');
INSERT INTO "journal" VALUES(9,1795472100.0,'stock','[["house","north"]]','pending','',2.0,'shop.stock{house="north"} is 2 (critical < 3; normal: 3 or more)','a step on the way','','');
CREATE TABLE notices (
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO "notices" VALUES('errors','{"scope": "rule", "group": "errors", "labels": [], "channels": [], "opened": 1795470000.0, "chapter": 2, "told_at": 1795470600.0, "spoke_at": 1795470600.0, "repeats": 0, "not_before": 0.0, "is_stale": false, "loudest": "critical", "members": [{"rule": "errors", "metric": "shop.errors", "labels": [], "since": 1795470000.0, "fired_at": 1795470000.0, "severity": "critical", "worst": "critical", "value": 7.0, "why": "shop.errors is 7 (critical > 5; normal: 1 or less)", "cause": "", "baseline": null, "source": "", "told": "critical", "ended": null}]}');
INSERT INTO "notices" VALUES('night','{"scope": "rule", "group": "night", "labels": [], "channels": [], "opened": 1795470000.0, "chapter": 1, "told_at": 1795470000.0, "spoke_at": 1795470000.0, "repeats": 0, "not_before": 0.0, "is_stale": false, "loudest": "warning", "members": [{"rule": "night", "metric": "depot.errors", "labels": [], "since": 1795470000.0, "fired_at": 1795470000.0, "severity": "warning", "worst": "warning", "value": 4.0, "why": "depot.errors is 4 (warning > 1; normal: 1 or less)", "cause": "", "baseline": null, "source": "", "told": "warning", "ended": null}]}');
INSERT INTO "notices" VALUES('drop','{"scope": "rule", "group": "drop", "labels": [], "channels": [], "opened": 1795471200.0, "chapter": 1, "told_at": 1795471200.0, "spoke_at": 1795471200.0, "repeats": 0, "not_before": 0.0, "is_stale": false, "loudest": "warning", "members": [{"rule": "drop", "metric": "shop.orders", "labels": [], "since": 1795471200.0, "fired_at": 1795471200.0, "severity": "warning", "worst": "warning", "value": 50.0, "why": "shop.orders is 50, 50% below the 100 of 10m before (warning: drops > 30% over 10m)", "cause": "", "baseline": 100.0, "source": "", "told": "warning", "ended": null}]}');
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
INSERT INTO "outbox" VALUES(1,'push:stock{house="south"}@1795470600.000',1,'push','{"title":"Resolved: stock (south)","message":"shop.stock{house=\"south\"} is 8 (normal: 3 or more). It was critical for 33m, 21:40 to 22:13.","interruption_level":"passive","in_place":true}',1,1795471980.0,0.0,1795558380.0,0.0,'{"open":false}');
INSERT INTO "outbox" VALUES(2,'metric:shop.text',0,'metric','{"value":"4 firing ?"}',6,1795471980.0,1795471320.0,NULL,0.0,'{"severity":null}');
INSERT INTO "outbox" VALUES(3,'metric:shop.orders',0,'metric','{"value":61}',6,1795472100.0,1795471260.0,NULL,0.0,'{"time":1795472100.0,"raw":61.0,"severity":"warning"}');
INSERT INTO "outbox" VALUES(4,'stream:shop',0,'stream','{"content_state":{"title":"Shop","type":"stats","metrics":[{"label":"Orders","value":61,"color":"red"}]}}',5,1795472100.0,1795471320.0,NULL,0.0,'{"meaning":"[[\"Shop\", null], [[\"Orders\", \"red\", false]], [[\"errors\", \"critical\"]], null]"}');
INSERT INTO "outbox" VALUES(5,'stream:trouble',0,'stream','{"content_state":{"title":"Trouble","type":"stats","metrics":[{"label":"Errors","value":9}]}}',5,1795472100.0,1795470720.0,NULL,0.0,'{"meaning":"[[\"Trouble\", null], [[\"Errors\", null, false]], [[\"errors\", \"critical\"]], null]"}');
CREATE TABLE samples (
    at FLOAT NOT NULL,
    series INTEGER NOT NULL,
    value FLOAT NOT NULL,
    PRIMARY KEY (at, series)
) WITHOUT ROWID;
INSERT INTO "samples" VALUES(1795471260.0,1,50.0);
INSERT INTO "samples" VALUES(1795471320.0,1,50.0);
INSERT INTO "samples" VALUES(1795471380.0,1,50.0);
INSERT INTO "samples" VALUES(1795471440.0,1,50.0);
INSERT INTO "samples" VALUES(1795471500.0,1,50.0);
INSERT INTO "samples" VALUES(1795471560.0,1,50.0);
INSERT INTO "samples" VALUES(1795471620.0,1,50.0);
INSERT INTO "samples" VALUES(1795471680.0,1,50.0);
INSERT INTO "samples" VALUES(1795471740.0,1,50.0);
INSERT INTO "samples" VALUES(1795471800.0,1,50.0);
INSERT INTO "samples" VALUES(1795471860.0,1,50.0);
INSERT INTO "samples" VALUES(1795471920.0,1,50.0);
INSERT INTO "samples" VALUES(1795471980.0,1,50.0);
INSERT INTO "samples" VALUES(1795472040.0,1,50.0);
INSERT INTO "samples" VALUES(1795472100.0,1,61.0);
CREATE TABLE sent (
    id INTEGER NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "sent" VALUES(53,'any',1795469700.0);
INSERT INTO "sent" VALUES(54,'any',1795469700.0);
INSERT INTO "sent" VALUES(55,'any',1795469760.0);
INSERT INTO "sent" VALUES(56,'any',1795469820.0);
INSERT INTO "sent" VALUES(57,'any',1795469820.0);
INSERT INTO "sent" VALUES(58,'any',1795469880.0);
INSERT INTO "sent" VALUES(59,'any',1795469940.0);
INSERT INTO "sent" VALUES(60,'any',1795469940.0);
INSERT INTO "sent" VALUES(61,'any',1795470000.0);
INSERT INTO "sent" VALUES(62,'any',1795470000.0);
INSERT INTO "sent" VALUES(63,'any',1795470000.0);
INSERT INTO "sent" VALUES(64,'any',1795470000.0);
INSERT INTO "sent" VALUES(65,'any',1795470000.0);
INSERT INTO "sent" VALUES(66,'any',1795470600.0);
INSERT INTO "sent" VALUES(67,'any',1795470600.0);
INSERT INTO "sent" VALUES(68,'any',1795470600.0);
INSERT INTO "sent" VALUES(69,'any',1795470600.0);
INSERT INTO "sent" VALUES(70,'any',1795470600.0);
INSERT INTO "sent" VALUES(71,'any',1795470600.0);
INSERT INTO "sent" VALUES(72,'any',1795471200.0);
INSERT INTO "sent" VALUES(73,'any',1795471200.0);
INSERT INTO "sent" VALUES(74,'any',1795471200.0);
INSERT INTO "sent" VALUES(75,'any',1795471200.0);
INSERT INTO "sent" VALUES(76,'any',1795471320.0);
INSERT INTO "sent" VALUES(77,'metrics',1795472140.0);
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
INSERT INTO "shown" VALUES('stream:shop','stream','{"content_state":{"title":"Shop","type":"stats","metrics":[{"label":"Orders","value":50,"color":"red"}]}}',1795471200.0,0,NULL,'{"meaning":"[[\"Shop\", null], [[\"Orders\", \"red\", false]], [[\"errors\", \"critical\"]], null]"}');
INSERT INTO "shown" VALUES('metric:shop.text','metric','{"value":"5 firing ?"}',1795471320.0,0,NULL,'{"severity":null}');
INSERT INTO "shown" VALUES('metric:shop.orders','metric','{"value":50}',1795471200.0,0,NULL,'{"time":1795471200.0,"raw":50.0,"severity":"warning"}');
INSERT INTO "shown" VALUES('push:errors@1795470000.000','push','{"title":"Earlier: errors is warning","message":"As told 21:40. It rose to critical at 21:50.","interruption_level":"passive","in_place":"only"}',1795470600.0,0,'n-70','{"open":false}');
INSERT INTO "shown" VALUES('push:night@1795470000.000','push','{"title":"night is warning","message":"depot.errors is 4 (warning > 1; normal: 1 or less), since 21:40.","interruption_level":"active","in_place":false}',1795470000.0,0,'n-62','{"open":true}');
INSERT INTO "shown" VALUES('stream:trouble','stream','{"content_state":{"title":"Trouble","type":"stats","metrics":[{"label":"Errors","value":7}]}}',1795470600.0,0,NULL,'{"meaning":"[[\"Trouble\", null], [[\"Errors\", null, false]], [[\"errors\", \"critical\"]], null]"}');
INSERT INTO "shown" VALUES('push:stock{house="south"}@1795470600.000','push','{"title":"south runs out","message":"shop.stock{house=\"south\"} is 1 (critical < 3; normal: 3 or more), since 21:40.","interruption_level":"time-sensitive","in_place":false}',1795470600.0,0,'n-66','{"open":true}');
INSERT INTO "shown" VALUES('push:errors@1795470000.000.2','push','{"title":"errors is critical","message":"shop.errors is 7 (critical > 5; normal: 1 or less), since 21:40.","interruption_level":"time-sensitive","in_place":false}',1795470600.0,0,'n-67','{"open":true}');
INSERT INTO "shown" VALUES('push:drop@1795471200.000','push','{"title":"drop is warning","message":"shop.orders is 50, 50% below the 100 of 10m before (warning: drops > 30% over 10m), since 22:00.","interruption_level":"active","in_place":false}',1795471200.0,0,'n-72','{"open":true}');
CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
INSERT INTO "silences" VALUES(1,'rule=quiet','deploying','ann',1795469940.0,1795729140.0);
CREATE INDEX journal_by_rule ON journal (rule, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('silences',1);
COMMIT;
