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
INSERT INTO "alembic_version" VALUES('0024');
CREATE TABLE alerts (
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (origin, name, labels)
);
INSERT INTO "alerts" VALUES('','errors','[]','{"metric":"shop.errors","holds":[["warning","firing",1795952931.3463557,1795952931.3463557,null],["critical","firing",1795952931.3463557,1795952931.3463557,null]],"severity":"critical","since":1795952931.3463557,"fired_at":1795952931.3463557,"value":7.0,"spells":[["warning",1795952931.3463557,null,0.0],["critical",1795952931.3463557,null,0.0]],"cause":["value",""],"absence":["present",0.0],"flapping":null}');
INSERT INTO "alerts" VALUES('','stock','[["house","north"]]','{"metric":"shop.stock","holds":[["critical","firing",1795952933.3452458,1795952933.3452458,null]],"severity":"critical","since":1795952933.3452458,"fired_at":1795952933.3452458,"value":1.0,"spells":[["critical",1795952933.3452458,null,0.0]],"cause":["value",""],"absence":["present",0.0],"flapping":null}');
CREATE TABLE alive (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "alive" VALUES(1,1.79595293334524583814e+09);
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
CREATE TABLE deliveries (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    account TEXT NOT NULL,
    "key" TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    outcome TEXT NOT NULL,
    operation TEXT NOT NULL,
    status INTEGER,
    seconds FLOAT,
    detail TEXT NOT NULL,
    is_final BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "deliveries" VALUES(1,1.79595293062452316277e+09,'default','widget shop.orders','metric-value','accepted','set',NULL,1.18391289997816784307e-02,'',1);
INSERT INTO "deliveries" VALUES(2,1.79595293143098044394e+09,'default','push errors@1795952931.346','push-notification-send','accepted','sent',NULL,5.80313379996368894353e-02,'',1);
INSERT INTO "deliveries" VALUES(3,1.79595293144068264955e+09,'default','Live Activity trouble','live-activity-stream-put','accepted','started',NULL,6.77335019991005538031e-02,'',1);
INSERT INTO "deliveries" VALUES(4,1.79595293336446976658e+09,'default','push stock@1795952933.345','push-notification-send','unknown','',503,7.74425499912467785179e-03,'HTTP 503, fault: as ordered',0);
INSERT INTO "deliveries" VALUES(5,1.79595293434087252613e+09,'default','push stock@1795952933.345','push-notification-send','unknown','',503,0.00943243099936808,'HTTP 503, fault: as ordered',0);
INSERT INTO "deliveries" VALUES(6,1.79595293606856703759e+09,'default','push stock@1795952933.345','push-notification-send','unknown','',503,3.74072600061481352895e-03,'HTTP 503, fault: as ordered',0);
CREATE TABLE firing_intervals (
    metric TEXT NOT NULL,
    labels TEXT NOT NULL,
    rule TEXT NOT NULL,
    start FLOAT NOT NULL,
    "end" FLOAT,
    PRIMARY KEY (metric, labels, rule, start)
);
CREATE TABLE grouped_alerts (
    account TEXT NOT NULL,
    origin TEXT NOT NULL,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    source TEXT NOT NULL,
    group_name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, origin, rule, labels, source)
);
INSERT INTO "grouped_alerts" VALUES('default','','errors','[]','','errors','{"metric":"shop.errors","since":1795952931.3463557,"fired_at":1795952931.3463557,"severity":"critical","spells":[["warning",1795952931.3463557,null,0.0],["critical",1795952931.3463557,null,0.0]],"value":7.0,"evidence":"{\"reason\":\"threshold_breached\",\"metric\":\"shop.errors\",\"value\":7.0,\"severity\":\"critical\",\"threshold\":\"> 5\",\"lowest\":\"> 1\"}","cause":"","baseline":null,"ended":null,"notified":"critical","named":"critical","announced":1795952931.3463557}');
INSERT INTO "grouped_alerts" VALUES('default','','stock','[["house","north"]]','','stock','{"metric":"shop.stock","since":1795952933.3452458,"fired_at":1795952933.3452458,"severity":"critical","spells":[["critical",1795952933.3452458,null,0.0]],"value":1.0,"evidence":"{\"reason\":\"threshold_breached\",\"metric\":\"shop.stock\",\"value\":1.0,\"severity\":\"critical\",\"threshold\":\"< 3\",\"lowest\":\"< 3\"}","cause":"","baseline":null,"ended":null,"notified":"critical","named":"critical","announced":1795952933.3452458}');
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
INSERT INTO "journal" VALUES(1,1.79595293134635567667e+09,'errors','[]','fired','critical',7.0,'{"reason":"threshold_breached","metric":"shop.errors","value":7.0,"severity":"critical","threshold":"> 5","lowest":"> 1"}','notified','','push errors@1795952931.346');
INSERT INTO "journal" VALUES(2,1.79595293334524583814e+09,'stock','[["house","north"]]','fired','critical',1.0,'{"reason":"threshold_breached","metric":"shop.stock","value":1.0,"severity":"critical","threshold":"< 3","lowest":"< 3"}','notified','','push stock@1795952933.345');
CREATE TABLE notification_groups (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, name)
);
INSERT INTO "notification_groups" VALUES('default','errors','{"scope": "rule", "name": "errors", "labels": [], "channels": [], "opened": 1795952931.3463557, "sequence": 1, "announced_at": 1795952931.3463557, "highest": "critical", "notified_at": 1795952931.3463557, "changed_at": 1795952931.3463557, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
INSERT INTO "notification_groups" VALUES('default','stock','{"scope": "rule", "name": "stock", "labels": [], "channels": [], "opened": 1795952933.3452458, "sequence": 1, "announced_at": 1795952933.3452458, "highest": "critical", "notified_at": 1795952933.3452458, "changed_at": 1795952933.3452458, "reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": false}');
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
INSERT INTO "outbox" VALUES(7,'default','push','stock',1795952933.345,1,0,'push',0,1.79595293334524583814e+09,0.0,'{"content":{"title":"stock (north) is critical","message":"shop.stock{house=\"north\"} is 1 (critical < 3; normal: 3 or more), since 11:48.","interruption_level":"time-sensitive","plain":"stock is critical: 1"},"expires":1796039333.3452458,"is_open":true,"at_most_once":false}');
CREATE TABLE owner (
    id INTEGER NOT NULL,
    term TEXT NOT NULL,
    pid INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "owner" VALUES(1,'1b75ea4722c882fbd2d8c2d6a7302a9d',19270,'/home/ann/smithd.yaml');
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
INSERT INTO "samples" VALUES(1.79595293058961081502e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595293134629869461e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595293235779762263e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595293334519219398e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595293434507179263e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595293534893703461e+09,1,50.0);
INSERT INTO "samples" VALUES(1.79595293635370945929e+09,1,50.0);
CREATE TABLE sent (
    id INTEGER NOT NULL,
    account TEXT NOT NULL,
    family TEXT NOT NULL,
    at FLOAT NOT NULL,
    boot TEXT,
    boot_time FLOAT,
    PRIMARY KEY (id)
);
INSERT INTO "sent" VALUES(2,'default','metrics',1.79595293062452316277e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11942.016474687);
INSERT INTO "sent" VALUES(5,'default','notifications',1.79595293143098044394e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11942.822932256);
INSERT INTO "sent" VALUES(6,'default','live-activities',1.79595293144068264955e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',11942.832634369);
INSERT INTO "sent" VALUES(8,'default','notifications',1.79595299336446976657e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',12004.756421138);
INSERT INTO "sent" VALUES(9,'default','notifications',1.79595299434087252621e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',12005.732823146);
INSERT INTO "sent" VALUES(10,'default','notifications',1.79595299606856703754e+09,'d884339b-15f2-47f1-8602-e29e38cd2d5e',12007.460517267);
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
INSERT INTO "shown" VALUES('default','widget','shop.orders',0.0,0,1.79595293062452316277e+09,'{"value":50,"time":1795952930.5896108,"number":50.0}');
INSERT INTO "shown" VALUES('default','stream','trouble',0.0,0,1.79595293144068264955e+09,'{"content":{"content_state":{"title":"Trouble","type":"stats","metrics":[{"label":"Errors","value":7}]},"as_of":1795952931.3462987},"ended":false,"meaning":"[[\"Trouble\", \"\"], [[\"Errors\", \"\", false]], null, {\"errors\": 2}, null]","bare_end":false,"since":1795952931.4406826,"stage":{"severities":{"errors":2}},"updates":{"used":0.0,"at":0.0,"warned_until":0.0}}');
INSERT INTO "shown" VALUES('default','push','errors',1795952931.346,1,1.79595293143098044394e+09,'{"content":{"title":"errors is critical","message":"shop.errors is 7 (critical > 5; normal: 1 or less), since 11:48.","interruption_level":"time-sensitive","plain":"errors is critical: 7"},"notification_id":"n140596499051536","replaced":false,"is_open":true}');
CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    matchers TEXT NOT NULL,
    comment TEXT NOT NULL,
    author TEXT NOT NULL,
    starts FLOAT NOT NULL,
    ends FLOAT NOT NULL
);
INSERT INTO "silences" VALUES(1,'rule=orders','deploying','ann',1.79595293088467025752e+09,1.82748893088467025749e+09);
CREATE TABLE slots (
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account)
);
INSERT INTO "slots" VALUES('default','{"records": [{"key": "trouble", "wanted_since": 1795952931.3463557, "slot_since": 1795952931.3463557, "started_at": 1795952931.4406826, "as_critical": true}], "started": [[1795952931.4406826, true]], "lowered": null, "free_since": [1795952929.694332, 1795952929.694332, 1795952929.694332], "folded": [], "folded_at": 0.0, "away": []}');
CREATE TABLE wall_clock (
    id INTEGER NOT NULL,
    boot TEXT NOT NULL,
    began FLOAT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "wall_clock" VALUES(1,'d884339b-15f2-47f1-8602-e29e38cd2d5e',1.79594098860327386858e+09);
CREATE TABLE widget_movements (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (account, name)
);
INSERT INTO "widget_movements" VALUES('default','shop.orders','[50,50.0,1795952930.6245232,0.03483868117565959,0.0,0.0,0.0,50.0,0.0,1.0]');
CREATE INDEX deliveries_by_key ON deliveries ("key", id);
CREATE INDEX journal_by_rule ON journal (rule, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('silences',1);
COMMIT;
