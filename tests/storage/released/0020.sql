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
INSERT INTO "alembic_version" VALUES('0020');
CREATE TABLE alerts (
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (origin, name, labels)
);
INSERT INTO "alerts" VALUES('','errors','[]','{"metric":"shop.errors","holds":[["warning","firing",1795952905.136857,1795952905.136857,null],["critical","firing",1795952905.136857,1795952905.136857,null]],"severity":"critical","since":1795952905.136857,"fired_at":1795952905.136857,"value":7.0,"spells":[["warning",1795952905.136857,null,0.0],["critical",1795952905.136857,null,0.0]],"cause":["value",""],"absence":["present",0.0],"flapping":null}');
INSERT INTO "alerts" VALUES('','stock','[["house","north"]]','{"metric":"shop.stock","holds":[["critical","firing",1795952907.129225,1795952907.129225,null]],"severity":"critical","since":1795952907.129225,"fired_at":1795952907.129225,"value":1.0,"spells":[["critical",1795952907.129225,null,0.0]],"cause":["value",""],"absence":["present",0.0],"flapping":null}');
CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "alive" VALUES(1,1.79595290712922501562e+09);
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
INSERT INTO "grouped_alerts" VALUES('','errors','[]','','default','errors','{"metric":"shop.errors","since":1795952905.136857,"fired_at":1795952905.136857,"severity":"critical","spells":[["warning",1795952905.136857,null,0.0],["critical",1795952905.136857,null,0.0]],"value":7.0,"evidence":"{\"reason\":\"threshold_breached\",\"metric\":\"shop.errors\",\"value\":7.0,\"severity\":\"critical\",\"threshold\":\"> 5\",\"lowest\":\"> 1\"}","cause":"","baseline":null,"ended":null,"notified":"critical","named":"critical","announced":1795952905.136857}');
INSERT INTO "grouped_alerts" VALUES('','stock','[["house","north"]]','','default','stock','{"metric":"shop.stock","since":1795952907.129225,"fired_at":1795952907.129225,"severity":"critical","spells":[["critical",1795952907.129225,null,0.0]],"value":1.0,"evidence":"{\"reason\":\"threshold_breached\",\"metric\":\"shop.stock\",\"value\":1.0,\"severity\":\"critical\",\"threshold\":\"< 3\",\"lowest\":\"< 3\"}","cause":"","baseline":null,"ended":null,"notified":"critical","named":"critical","announced":1795952907.129225}');
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
INSERT INTO "journal" VALUES(1,1.79595290513685703279e+09,'errors','[]','fired','critical',7.0,'{"reason":"threshold_breached","metric":"shop.errors","value":7.0,"severity":"critical","threshold":"> 5","lowest":"> 1"}','notified','','push errors@1795952905.137');
INSERT INTO "journal" VALUES(2,1.79595290712922501562e+09,'stock','[["house","north"]]','fired','critical',1.0,'{"reason":"threshold_breached","metric":"shop.stock","value":1.0,"severity":"critical","threshold":"< 3","lowest":"< 3"}','notified','','push stock@1795952907.129');
CREATE TABLE notification_groups (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, name)
);
INSERT INTO "notification_groups" VALUES('default','errors','{"scope": "rule", "name": "errors", "labels": [], "channels": [], "opened": 1795952905.136857, "sequence": 1, "announced_at": 1795952905.136857, "highest": "critical", "notified_at": 1795952905.136857, "changed_at": 1795952905.136857, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
INSERT INTO "notification_groups" VALUES('default','stock','{"scope": "rule", "name": "stock", "labels": [], "channels": [], "opened": 1795952907.129225, "sequence": 1, "announced_at": 1795952907.129225, "highest": "critical", "notified_at": 1795952907.129225, "changed_at": 1795952907.129225, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
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
INSERT INTO "outbox" VALUES(7,'default','push','stock',1795952907.129,1,0,'push',0,1.79595290712922501562e+09,0.0,'{"content":{"title":"stock (north) is critical","message":"shop.stock{house=\"north\"} is 1 (critical < 3; normal: 3 or more), since 11:48.","interruption_level":"time-sensitive","plain":"stock is critical: 1"},"expires":1796039307.129225,"is_open":true,"at_most_once":false}');
CREATE TABLE owner (
    id INTEGER NOT NULL,
    term TEXT NOT NULL,
    pid INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "owner" VALUES(1,'f1c4041b0b9d4962023684463d33de50',18828,'/home/ann/smithd.yaml');
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
INSERT INTO "samples" VALUES(1.7959529044226164818e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595290513677787779e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595290612940645218e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595290712917375567e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595290813164067261e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595290912906837459e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595291012892985344e+09,1,50.0);
CREATE TABLE sent (
    id INTEGER NOT NULL,
    account TEXT NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    boot TEXT,
    boot_time FLOAT,
    PRIMARY KEY (id)
);
INSERT INTO "sent" VALUES(2,'default','metrics',1.79595290445663976672e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11915.848590833);
INSERT INTO "sent" VALUES(5,'default','notifications',1.7959529052045035362e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11916.596451646);
INSERT INTO "sent" VALUES(6,'default','live-activities',1.79595290520504713058e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11916.596990289);
INSERT INTO "sent" VALUES(8,'default','notifications',1.79595296714062404629e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11978.532572897);
INSERT INTO "sent" VALUES(9,'default','notifications',1.79595296816068100923e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11979.552629798);
INSERT INTO "sent" VALUES(10,'default','notifications',1.79595297003247356421e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11981.424419514);
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
INSERT INTO "shown" VALUES('default','widget','shop.orders',0.0,0,1.79595290445663976672e+09,'{"value":50,"time":1795952904.4226165,"number":50.0}');
INSERT INTO "shown" VALUES('default','stream','trouble',0.0,0,1.79595290520504713058e+09,'{"content":{"content_state":{"title":"Trouble","type":"stats","metrics":[{"label":"Errors","value":7}]},"as_of":1795952905.1367779},"ended":false,"meaning":"[[\"Trouble\", \"\"], [[\"Errors\", \"\", false]], null, {\"errors\": 2}, null]","bare_end":false,"since":1795952905.2050471,"stage":{"severities":{"errors":2}},"updates":{"used":0.0,"at":0.0,"warned_until":0.0}}');
INSERT INTO "shown" VALUES('default','push','errors',1795952905.137,1,1.7959529052045035362e+09,'{"content":{"title":"errors is critical","message":"shop.errors is 7 (critical > 5; normal: 1 or less), since 11:48.","interruption_level":"time-sensitive","plain":"errors is critical: 7"},"notification_id":"n140372864973200","replaced":false,"is_open":true}');
CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
INSERT INTO "silences" VALUES(1,'rule=orders','deploying','ann',1.79595290481285405157e+09,1.82748890481285405154e+09);
CREATE TABLE slots (
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account)
);
INSERT INTO "slots" VALUES('default','{"holders": [["trouble", 1795952905.136857, null]], "started": [1795952905.136857], "lowered": null}');
CREATE TABLE wall_clock (
    id INTEGER NOT NULL,
    boot TEXT NOT NULL,
    began FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "wall_clock" VALUES(1,'d884339b-15f2-47f1-8602-e29e38cd2d5e',1.7959409886071164608e+09);
CREATE INDEX journal_by_rule ON journal (rule, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('silences',1);
COMMIT;
