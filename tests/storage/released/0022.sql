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
INSERT INTO "alembic_version" VALUES('0022');
CREATE TABLE alerts (
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (origin, name, labels)
);
INSERT INTO "alerts" VALUES('','errors','[]','{"metric":"shop.errors","holds":[["warning","firing",1795952914.2458112,1795952914.2458112,null],["critical","firing",1795952914.2458112,1795952914.2458112,null]],"severity":"critical","since":1795952914.2458112,"fired_at":1795952914.2458112,"value":7.0,"spells":[["warning",1795952914.2458112,null,0.0],["critical",1795952914.2458112,null,0.0]],"cause":["value",""],"absence":["present",0.0],"flapping":null}');
INSERT INTO "alerts" VALUES('','stock','[["house","north"]]','{"metric":"shop.stock","holds":[["critical","firing",1795952916.244996,1795952916.244996,null]],"severity":"critical","since":1795952916.244996,"fired_at":1795952916.244996,"value":1.0,"spells":[["critical",1795952916.244996,null,0.0]],"cause":["value",""],"absence":["present",0.0],"flapping":null}');
CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "alive" VALUES(1,1.79595291624499607085e+09);
CREATE TABLE countdowns (
    account TEXT NOT NULL,
    stream TEXT NOT NULL,
    name TEXT NOT NULL,
    seconds_left FLOAT NOT NULL,
    at FLOAT NOT NULL,
    runs BOOLEAN NOT NULL,
    over_at FLOAT,
    PRIMARY KEY (account, stream)
);
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
INSERT INTO "grouped_alerts" VALUES('','errors','[]','','default','errors','{"metric":"shop.errors","since":1795952914.2458112,"fired_at":1795952914.2458112,"severity":"critical","spells":[["warning",1795952914.2458112,null,0.0],["critical",1795952914.2458112,null,0.0]],"value":7.0,"evidence":"{\"reason\":\"threshold_breached\",\"metric\":\"shop.errors\",\"value\":7.0,\"severity\":\"critical\",\"threshold\":\"> 5\",\"lowest\":\"> 1\"}","cause":"","baseline":null,"ended":null,"notified":"critical","named":"critical","announced":1795952914.2458112}');
INSERT INTO "grouped_alerts" VALUES('','stock','[["house","north"]]','','default','stock','{"metric":"shop.stock","since":1795952916.244996,"fired_at":1795952916.244996,"severity":"critical","spells":[["critical",1795952916.244996,null,0.0]],"value":1.0,"evidence":"{\"reason\":\"threshold_breached\",\"metric\":\"shop.stock\",\"value\":1.0,\"severity\":\"critical\",\"threshold\":\"< 3\",\"lowest\":\"< 3\"}","cause":"","baseline":null,"ended":null,"notified":"critical","named":"critical","announced":1795952916.244996}');
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
INSERT INTO "journal" VALUES(1,1.79595291424581122398e+09,'errors','[]','fired','critical',7.0,'{"reason":"threshold_breached","metric":"shop.errors","value":7.0,"severity":"critical","threshold":"> 5","lowest":"> 1"}','notified','','push errors@1795952914.246');
INSERT INTO "journal" VALUES(2,1.79595291624499607085e+09,'stock','[["house","north"]]','fired','critical',1.0,'{"reason":"threshold_breached","metric":"shop.stock","value":1.0,"severity":"critical","threshold":"< 3","lowest":"< 3"}','notified','','push stock@1795952916.245');
CREATE TABLE notification_groups (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, name)
);
INSERT INTO "notification_groups" VALUES('default','errors','{"scope": "rule", "name": "errors", "labels": [], "channels": [], "opened": 1795952914.2458112, "sequence": 1, "announced_at": 1795952914.2458112, "highest": "critical", "notified_at": 1795952914.2458112, "changed_at": 1795952914.2458112, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
INSERT INTO "notification_groups" VALUES('default','stock','{"scope": "rule", "name": "stock", "labels": [], "channels": [], "opened": 1795952916.244996, "sequence": 1, "announced_at": 1795952916.244996, "highest": "critical", "notified_at": 1795952916.244996, "changed_at": 1795952916.244996, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
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
INSERT INTO "outbox" VALUES(7,'default','push','stock',1795952916.245,1,0,'push',0,1.79595291624499607085e+09,0.0,'{"content":{"title":"stock (north) is critical","message":"shop.stock{house=\"north\"} is 1 (critical < 3; normal: 3 or more), since 11:48.","interruption_level":"time-sensitive","plain":"stock is critical: 1"},"expires":1796039316.244996,"is_open":true,"at_most_once":false}');
CREATE TABLE owner (
    id INTEGER NOT NULL,
    term TEXT NOT NULL,
    pid INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "owner" VALUES(1,'02afdbfd0d773da0b6be7df42d92587a',18972,'/home/ann/smithd.yaml');
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
INSERT INTO "samples" VALUES(1.79595291358200931548e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595291424574255941e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595291524524354933e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595291624493551252e+09,1,50.0);
INSERT INTO "samples" VALUES(1.7959529172488913536e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595291824515581125e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595291924543571469e+09,1,50.0);
CREATE TABLE sent (
    id INTEGER NOT NULL,
    account TEXT NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    boot TEXT,
    boot_time FLOAT,
    PRIMARY KEY (id)
);
INSERT INTO "sent" VALUES(2,'default','metrics',1.79595291359611701964e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11924.988066484);
INSERT INTO "sent" VALUES(5,'default','notifications',1.79595291429073429111e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11925.682682148);
INSERT INTO "sent" VALUES(6,'default','live-activities',1.79595291429204964635e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11925.683994715);
INSERT INTO "sent" VALUES(8,'default','notifications',1.79595297625424385069e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11987.64618975);
INSERT INTO "sent" VALUES(9,'default','notifications',1.79595297743984246259e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11988.831789532);
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
INSERT INTO "shown" VALUES('default','widget','shop.orders',0.0,0,1.79595291359611701964e+09,'{"value":50,"time":1795952913.5820093,"number":50.0}');
INSERT INTO "shown" VALUES('default','stream','trouble',0.0,0,1.79595291429204964635e+09,'{"content":{"content_state":{"title":"Trouble","type":"stats","metrics":[{"label":"Errors","value":7}]},"as_of":1795952914.2457426},"ended":false,"meaning":"[[\"Trouble\", \"\"], [[\"Errors\", \"\", false]], null, {\"errors\": 2}, null]","bare_end":false,"since":1795952914.2920496,"stage":{"severities":{"errors":2}},"updates":{"used":0.0,"at":0.0,"warned_until":0.0}}');
INSERT INTO "shown" VALUES('default','push','errors',1795952914.246,1,1.79595291429073429111e+09,'{"content":{"title":"errors is critical","message":"shop.errors is 7 (critical > 5; normal: 1 or less), since 11:48.","interruption_level":"time-sensitive","plain":"errors is critical: 7"},"notification_id":"n140606092342992","replaced":false,"is_open":true}');
CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
INSERT INTO "silences" VALUES(1,'rule=orders','deploying','ann',1.79595291389276981355e+09,1.82748891389276981352e+09);
CREATE TABLE slots (
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account)
);
INSERT INTO "slots" VALUES('default','{"records": [{"key": "trouble", "wanted_since": 1795952914.2458112, "slot_since": 1795952914.2458112, "started_at": 1795952914.2920496, "as_critical": true}], "started": [[1795952914.2920496, true]], "lowered": null, "free_since": [1795952912.5938075, 1795952912.5938075, 1795952912.5938075], "folded": [], "folded_at": 0.0}');
CREATE TABLE wall_clock (
    id INTEGER NOT NULL,
    boot TEXT NOT NULL,
    began FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "wall_clock" VALUES(1,'d884339b-15f2-47f1-8602-e29e38cd2d5e',1.79594098860708928106e+09);
CREATE TABLE widget_movements (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, name)
);
INSERT INTO "widget_movements" VALUES('default','shop.orders','[50,50.0,1795952913.596117,0.014032106517247388,0.0,0.0,0.0,50.0,0.0,1.0]');
CREATE INDEX journal_by_rule ON journal (rule, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('silences',1);
COMMIT;
