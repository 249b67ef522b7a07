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
INSERT INTO "alembic_version" VALUES('0012');
CREATE TABLE alerts (
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (origin, name, labels)
);
INSERT INTO "alerts" VALUES('','errors','[]','{"metric":"shop.errors","holds":[["warning","firing",1795952863.104974,1795952863.104974,null],["critical","firing",1795952863.104974,1795952863.104974,null]],"severity":"critical","since":1795952863.104974,"fired_at":1795952863.104974,"value":7.0,"worst":"critical","cause":["value",""],"absence":["present",0.0],"flapping":null}');
INSERT INTO "alerts" VALUES('','stock','[["house","north"]]','{"metric":"shop.stock","holds":[["critical","firing",1795952865.101661,1795952865.101661,null]],"severity":"critical","since":1795952865.101661,"fired_at":1795952865.101661,"value":1.0,"worst":"critical","cause":["value",""],"absence":["present",0.0],"flapping":null}');
CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "alive" VALUES(1,1.79595286510166096682e+09);
CREATE TABLE firing_intervals (
    metric TEXT NOT NULL,
    labels TEXT NOT NULL,
    rule TEXT NOT NULL,
    start FLOAT NOT NULL,
    "end" FLOAT,
    PRIMARY KEY (metric, labels, rule, start)
);
INSERT INTO "firing_intervals" VALUES('shop.errors','[]','errors',1.79595286310497403146e+09,NULL);
INSERT INTO "firing_intervals" VALUES('shop.stock','[["house","north"]]','stock',1.79595286510166096682e+09,NULL);
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
INSERT INTO "journal" VALUES(1,1.79595286310497403146e+09,'errors','[]','fired','critical',7.0,'{"reason":"threshold_breached","metric":"shop.errors","value":7.0,"severity":"critical","threshold":"> 5","lowest":"> 1"}','notified','','push errors@1795952863.105');
INSERT INTO "journal" VALUES(2,1.79595286510166096682e+09,'stock','[["house","north"]]','fired','critical',1.0,'{"reason":"threshold_breached","metric":"shop.stock","value":1.0,"severity":"critical","threshold":"< 3","lowest":"< 3"}','notified','','push stock{house="north"}@1795952865.102');
CREATE TABLE notification_groups (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, name)
);
INSERT INTO "notification_groups" VALUES('default','errors','{"scope": "rule", "name": "errors", "labels": [], "channels": [], "alerts": [{"origin": "", "rule": "errors", "labels": [], "metric": "shop.errors", "since": 1795952863.104974, "fired_at": 1795952863.104974, "severity": "critical", "worst": "critical", "value": 7.0, "evidence": "{\"reason\":\"threshold_breached\",\"metric\":\"shop.errors\",\"value\":7.0,\"severity\":\"critical\",\"threshold\":\"> 5\",\"lowest\":\"> 1\"}", "cause": "", "baseline": null, "source": "", "ended": null, "notified": "critical"}], "opened": 1795952863.104974, "sequence": 1, "highest": "critical", "notified_at": 1795952863.104974, "changed_at": 1795952863.104974, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
INSERT INTO "notification_groups" VALUES('default','stock{house="north"}','{"scope": "rule", "name": "stock", "labels": [["house", "north"]], "channels": [], "alerts": [{"origin": "", "rule": "stock", "labels": [["house", "north"]], "metric": "shop.stock", "since": 1795952865.101661, "fired_at": 1795952865.101661, "severity": "critical", "worst": "critical", "value": 1.0, "evidence": "{\"reason\":\"threshold_breached\",\"metric\":\"shop.stock\",\"value\":1.0,\"severity\":\"critical\",\"threshold\":\"< 3\",\"lowest\":\"< 3\"}", "cause": "", "baseline": null, "source": "", "ended": null, "notified": "critical"}], "opened": 1795952865.101661, "sequence": 1, "highest": "critical", "notified_at": 1795952865.101661, "changed_at": 1795952865.101661, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
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
INSERT INTO "outbox" VALUES(7,'default','push','stock{house="north"}',1795952865.102,1,0,'push',0,1.79595286510166096682e+09,0.0,'{"content":{"title":"stock (north) is critical","message":"shop.stock{house=\"north\"} is 1 (critical < 3; normal: 3 or more), since 11:47.","interruption_level":"time-sensitive","plain":"stock is critical: 1"},"expires":1796039265.101661,"is_open":true}');
CREATE TABLE owner (
    id INTEGER NOT NULL,
    term TEXT NOT NULL,
    pid INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "owner" VALUES(1,'50c49cceada6b17c9d9b750f0ed3b3ab',18300,'/home/ann/smithd.yaml');
CREATE TABLE samples (
    at FLOAT NOT NULL,
    series INTEGER NOT NULL,
    value FLOAT NOT NULL,
    PRIMARY KEY (at, series)
)
 WITHOUT ROWID;
INSERT INTO "samples" VALUES(1.79595286248529338842e+09,1,50.0);
INSERT INTO "samples" VALUES(1.7959528631049101353e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595286409998202326e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595286510160732267e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595286610044980049e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595286710059571263e+09,1,50.0);
INSERT INTO "samples" VALUES(1.7959528681005275249e+09,1,50.0);
CREATE TABLE sent (
    id INTEGER NOT NULL,
    account TEXT NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    boot TEXT,
    boot_time FLOAT,
    PRIMARY KEY (id)
);
INSERT INTO "sent" VALUES(2,'default','metrics',1.79595286251301383979e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11873.904962759);
INSERT INTO "sent" VALUES(5,'default','notifications',1.79595286317646145824e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11874.568413629);
INSERT INTO "sent" VALUES(6,'default','live-activities',1.79595286317659139628e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11874.568534299);
INSERT INTO "sent" VALUES(8,'default','notifications',1.79595292512858605384e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11936.520535428);
INSERT INTO "sent" VALUES(9,'default','notifications',1.79595292633254122738e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11937.724488336);
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
INSERT INTO "shown" VALUES('default','widget','shop.orders',0.0,0,1.79595286251301383979e+09,'{"value":50,"time":1795952862.4852934,"number":50.0}');
INSERT INTO "shown" VALUES('default','stream','trouble',0.0,0,1.79595286317659139628e+09,'{"content":{"content_state":{"title":"Trouble","type":"stats","metrics":[{"label":"Errors","value":7}]}},"ended":false,"meaning":"[\"Trouble\", [null, [[\"Errors\", null, false]]], [[\"errors\", \"critical\"]], null]","bare_end":false}');
INSERT INTO "shown" VALUES('default','push','errors',1795952863.105,1,1.79595286317646145824e+09,'{"content":{"title":"errors is critical","message":"shop.errors is 7 (critical > 5; normal: 1 or less), since 11:47.","interruption_level":"time-sensitive","plain":"errors is critical: 7"},"notification_id":"n139840593127440","replaced":false,"is_open":true}');
CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
INSERT INTO "silences" VALUES(1,'rule=orders','deploying','ann',1.79595286280027842526e+09,1.82748886280027842514e+09);
CREATE TABLE slots (
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account)
);
INSERT INTO "slots" VALUES('default','{"holders": [["trouble", 1795952863.104974, null]], "started": [1795952863.104974], "lowered": null}');
CREATE TABLE wall_clock (
    id INTEGER NOT NULL,
    boot TEXT NOT NULL,
    began FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "wall_clock" VALUES(1,'d884339b-15f2-47f1-8602-e29e38cd2d5e',1.79594098860300421718e+09);
CREATE INDEX journal_by_rule ON journal (rule, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('silences',1);
COMMIT;
