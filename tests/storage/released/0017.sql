BEGIN TRANSACTION;
CREATE TABLE accounts (
    account TEXT NOT NULL,
    address TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (account)
);
INSERT INTO "accounts" VALUES('default','http://127.0.0.1:8788/api','11fa33e20f314111');
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0017');
CREATE TABLE alerts (
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (origin, name, labels)
);
INSERT INTO "alerts" VALUES('','errors','[]','{"metric":"shop.errors","holds":[["warning","firing",1795952896.8671422,1795952896.8671422,null],["critical","firing",1795952896.8671422,1795952896.8671422,null]],"severity":"critical","since":1795952896.8671422,"fired_at":1795952896.8671422,"value":7.0,"spells":[["warning",1795952896.8671422,null,0.0],["critical",1795952896.8671422,null,0.0]],"cause":["value",""],"absence":["present",0.0],"flapping":null}');
INSERT INTO "alerts" VALUES('','stock','[["house","north"]]','{"metric":"shop.stock","holds":[["critical","firing",1795952898.865679,1795952898.865679,null]],"severity":"critical","since":1795952898.865679,"fired_at":1795952898.865679,"value":1.0,"spells":[["critical",1795952898.865679,null,0.0]],"cause":["value",""],"absence":["present",0.0],"flapping":null}');
CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "alive" VALUES(1,1.79595289886567902569e+09);
CREATE TABLE firing_intervals (
    metric TEXT NOT NULL,
    labels TEXT NOT NULL,
    rule TEXT NOT NULL,
    start FLOAT NOT NULL,
    "end" FLOAT,
    PRIMARY KEY (metric, labels, rule, start)
);
CREATE TABLE grouped_alerts (
    origin TEXT NOT NULL,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    source TEXT NOT NULL,
    account TEXT NOT NULL,
    group_name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (origin, rule, labels, source)
);
INSERT INTO "grouped_alerts" VALUES('','errors','[]','','default','errors','{"metric":"shop.errors","since":1795952896.8671422,"fired_at":1795952896.8671422,"severity":"critical","spells":[["warning",1795952896.8671422,null,0.0],["critical",1795952896.8671422,null,0.0]],"value":7.0,"evidence":"{\"reason\":\"threshold_breached\",\"metric\":\"shop.errors\",\"value\":7.0,\"severity\":\"critical\",\"threshold\":\"> 5\",\"lowest\":\"> 1\"}","cause":"","baseline":null,"ended":null,"notified":"critical","named":"critical","announced":1795952896.8671422}');
INSERT INTO "grouped_alerts" VALUES('','stock','[["house","north"]]','','default','stock','{"metric":"shop.stock","since":1795952898.865679,"fired_at":1795952898.865679,"severity":"critical","spells":[["critical",1795952898.865679,null,0.0]],"value":1.0,"evidence":"{\"reason\":\"threshold_breached\",\"metric\":\"shop.stock\",\"value\":1.0,\"severity\":\"critical\",\"threshold\":\"< 3\",\"lowest\":\"< 3\"}","cause":"","baseline":null,"ended":null,"notified":"critical","named":"critical","announced":1795952898.865679}');
CREATE TABLE journal (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    change TEXT NOT NULL,
    severity TEXT NOT NULL,
    value FLOAT,
    evidence TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    notification TEXT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "journal" VALUES(1,1.79595289686714220051e+09,'errors','[]','fired','critical',7.0,'{"reason":"threshold_breached","metric":"shop.errors","value":7.0,"severity":"critical","threshold":"> 5","lowest":"> 1"}','notified','','push errors@1795952896.867');
INSERT INTO "journal" VALUES(2,1.79595289886567902569e+09,'stock','[["house","north"]]','fired','critical',1.0,'{"reason":"threshold_breached","metric":"shop.stock","value":1.0,"severity":"critical","threshold":"< 3","lowest":"< 3"}','notified','','push stock@1795952898.866');
CREATE TABLE notification_groups (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, name)
);
INSERT INTO "notification_groups" VALUES('default','errors','{"scope": "rule", "name": "errors", "labels": [], "channels": [], "opened": 1795952896.8671422, "sequence": 1, "announced_at": 1795952896.8671422, "highest": "critical", "notified_at": 1795952896.8671422, "changed_at": 1795952896.8671422, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
INSERT INTO "notification_groups" VALUES('default','stock','{"scope": "rule", "name": "stock", "labels": [], "channels": [], "opened": 1795952898.865679, "sequence": 1, "announced_at": 1795952898.865679, "highest": "critical", "notified_at": 1795952898.865679, "changed_at": 1795952898.865679, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
CREATE TABLE outbox (
    id INTEGER NOT NULL,
    account TEXT NOT NULL,
    surface TEXT NOT NULL,
    name TEXT NOT NULL,
    opened FLOAT NOT NULL,
    sequence INTEGER NOT NULL,
    claimed BOOLEAN NOT NULL,
    kind TEXT NOT NULL,
    priority INTEGER NOT NULL,
    created FLOAT NOT NULL,
    due FLOAT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (account, surface, name, opened, sequence, claimed)
);
INSERT INTO "outbox" VALUES(7,'default','push','stock',1795952898.866,1,0,'push',0,1.79595289886567902569e+09,0.0,'{"content":{"title":"stock (north) is critical","message":"shop.stock{house=\"north\"} is 1 (critical < 3; normal: 3 or more), since 11:48.","interruption_level":"time-sensitive","plain":"stock is critical: 1"},"expires":1796039298.865679,"is_open":true,"at_most_once":false}');
CREATE TABLE owner (
    id INTEGER NOT NULL,
    term TEXT NOT NULL,
    pid INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "owner" VALUES(1,'ca32eb3b8b4f0c376942c4f4ad36d954',18722,'/home/ann/smithd.yaml');
CREATE TABLE remembered_alerts (
    account TEXT NOT NULL,
    group_name TEXT NOT NULL,
    origin TEXT NOT NULL,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    source TEXT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (account, group_name, origin, rule, labels, source)
);
CREATE TABLE samples (
    at FLOAT NOT NULL,
    series INTEGER NOT NULL,
    value FLOAT NOT NULL,
    PRIMARY KEY (at, series)
)
 WITHOUT ROWID;
INSERT INTO "samples" VALUES(1.79595289616595506663e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595289686708402634e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595289786488509177e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595289886562347412e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595289986468863488e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595290086511135104e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595290186549162866e+09,1,50.0);
CREATE TABLE sent (
    id INTEGER NOT NULL,
    account TEXT NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    boot TEXT,
    boot_time FLOAT,
    PRIMARY KEY (id)
);
INSERT INTO "sent" VALUES(2,'default','metrics',1.79595289618450236314e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11907.576451719);
INSERT INTO "sent" VALUES(5,'default','notifications',1.79595289690845966341e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11908.300408848);
INSERT INTO "sent" VALUES(6,'default','live-activities',1.79595289690974187855e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11908.301685802);
INSERT INTO "sent" VALUES(8,'default','notifications',1.79595295887401604651e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11970.265964173);
INSERT INTO "sent" VALUES(9,'default','notifications',1.79595296003723382946e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11971.429181569);
CREATE TABLE series (
    id INTEGER NOT NULL,
    metric TEXT NOT NULL,
    labels TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (metric, labels)
);
INSERT INTO "series" VALUES(1,'shop.orders','[]');
CREATE TABLE shown (
    account TEXT NOT NULL,
    surface TEXT NOT NULL,
    name TEXT NOT NULL,
    opened FLOAT NOT NULL,
    sequence INTEGER NOT NULL,
    at FLOAT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (account, surface, name, opened, sequence)
);
INSERT INTO "shown" VALUES('default','widget','shop.orders',0.0,0,1.79595289618450236314e+09,'{"value":50,"time":1795952896.165955,"number":50.0}');
INSERT INTO "shown" VALUES('default','stream','trouble',0.0,0,1.79595289690974187855e+09,'{"content":{"content_state":{"title":"Trouble","type":"stats","metrics":[{"label":"Errors","value":7}]}},"ended":false,"meaning":"[\"Trouble\", [null, [[\"Errors\", null, false]]], [[\"errors\", \"critical\"]], null]","bare_end":false}');
INSERT INTO "shown" VALUES('default','push','errors',1795952896.867,1,1.79595289690845966341e+09,'{"content":{"title":"errors is critical","message":"shop.errors is 7 (critical > 5; normal: 1 or less), since 11:48.","interruption_level":"time-sensitive","plain":"errors is critical: 7"},"notification_id":"n140038837073104","replaced":false,"is_open":true}');
CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
INSERT INTO "silences" VALUES(1,'rule=orders','deploying','ann',1795952896.53555,1827488896.53555);
CREATE TABLE slots (
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account)
);
INSERT INTO "slots" VALUES('default','{"holders": [["trouble", 1795952896.8671422, null]], "started": [1795952896.8671422], "lowered": null}');
CREATE TABLE wall_clock (
    id INTEGER NOT NULL,
    boot TEXT NOT NULL,
    began FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "wall_clock" VALUES(1,'d884339b-15f2-47f1-8602-e29e38cd2d5e',1.79594098860704421997e+09);
CREATE INDEX journal_by_rule ON journal (rule, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('silences',1);
COMMIT;
