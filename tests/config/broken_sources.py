"""Mistakes in sources."""

from __future__ import annotations

from config.corpus import DURATION, PROD, Broken, part


def source(lines: str, *said: str) -> Broken:
    """The source ``shop`` with these lines, given without their indentation."""
    body = "".join(f"    {line}\n" for line in lines.split("\n"))
    return part(f"sources:\n  shop:\n{body}{PROD}widgets: {{}}\n", *said)


def sources(text: str, *said: str) -> Broken:
    """The section ``sources`` with this text, and nothing that refers to it."""
    return part(f"sources:\n{text}\nrules: {{}}\nwidgets: {{}}\nlive_activities: {{}}\n", *said)


def json(lines: str, *said: str) -> Broken:
    """The source ``shop`` of type http_json, with what it needs and these lines."""
    return source("type: http_json\nurl: https://x.example\nmetrics: {orders: $.orders}\n" + lines, *said)


def sql(url: str, metrics: str, *said: str) -> Broken:
    """The source ``shop`` of type sql, with this address and these metrics; more keys may follow."""
    return source(f"type: sql\nurl: {url}\nmetrics: {metrics}", *said)


DB = "postgresql://reader@db.example.com/shop"


def stripe(lines: str, *said: str) -> Broken:
    """The source ``shop`` of type stripe, with a key and these lines."""
    return source("type: stripe\napi_key: rk_test_1\n" + lines, *said)


SOURCES: list[Broken] = [
    source(
        "type: http_json\nurl: https://x.example\nmetrics: {orders: {path: $.o, counter: »hourly}}", "'daily' or true"
    ),
    source("type: http_json\nurl: https://x.example\nmetrics: {orders: {path: $.o, »counters: true}}", "'counter'?"),
    json("timezone: »Europe/Berln", "there is no time zone 'Europe/Berln' / 'Europe/Berlin'?"),
    sources(
        "  »my-shop: {type: prometheus, url: http://x.example, metrics: {a: up}}",
        "'my-shop' cannot be the name of a source / like 'my_shop'",
    ),
    sources("  »2nd: {type: prometheus, url: http://x.example, metrics: {a: up}}", "cannot be the name of a source"),
    sources("  shop: »none", "expected a mapping"),
    sources("  »shop:", "'shop' has no value"),
    sources("  »shop: {}", "the key 'type' is missing / http_json"),
    sources("  »shop: [a]", "expected a mapping / found a list"),
    source(
        "type: »http-json\nurl: https://x.example\nmetrics: {orders: $.a}",
        "no source type 'http-json' / did you mean 'http_json'?",
    ),
    source("type: »promethus\nurl: https://x.example\nmetrics: {orders: up}", "did you mean 'prometheus'?"),
    source("type: »snmp\nhost: x", "there is no source type 'snmp' / expected one of: "),
    source("type: »5\nurl: x", "expected a text"),
    source("»type:\nurl: x", "'type' has no value"),
    source("»type: [http_json]\nurl: x", "expected a text / found a list"),
    json("every: »often", DURATION),
    json("»evry: 5s", "unknown key 'evry' / did you mean 'every'?"),
    json("»interval: 5s", "unknown key 'interval' / did you mean 'every'?"),
    json("every: »0s", "expected more than 0"),
    json("»every:", "'every' has no value"),
    part(
        "sources:\n  »shop:\n    type: http_json\n    url: https://x.example\n    every: 5s\n    cron: '* * * * *'\n"
        "    metrics: {orders: $.a, revenue: $.b}\n" + PROD,
        "either 'every' or 'cron', not both",
    ),
    json('cron: »"* * * *"', "cron"),
    json('cron: »"61 * * * *"', "61"),
    json('cron: »"* * * * 9"', "9"),
    json('cron: »"every day"', "cron"),
    json("cron: »5", "expected a text"),
    json("timeout: »-1s", DURATION),
    json("every: »10000000d", "at most ten years"),
    json("timeout: »true", DURATION),
    json("method: »get", "expected one of 'GET', 'POST', 'PUT' or 'PATCH' / did you mean 'GET'?"),
    json("method: »DELETE", "expected one of 'GET', 'POST', 'PUT' or 'PATCH'"),
    json("headers: »X-Test", "expected a mapping"),
    json("headers: {»bad header: x}", "expected the name of a header"),
    json("»auth: {}", "expected exactly one of 'basic', 'digest', 'bearer' and 'oauth2'"),
    json(
        "»auth: {bearer: aaaa, basic: {username: a, password: bbbb}}",
        "expected exactly one of 'basic', 'digest', 'bearer' and 'oauth2'",
    ),
    json("auth: {»basic: {username: a}}", "the key 'password' is missing in 'sources.shop.auth.basic'"),
    json("auth: {basic: {username: a, »pasword: bbbbbb, password: bbbbb}}", "did you mean 'password'?"),
    json("tls: {verify: »maybe}", "expected true or false"),
    json("»tls: {key_file: a.pem}", "'key_file' needs 'cert_file'"),
    json("tls: {»cafile: a.pem}", "did you mean 'ca_file'?"),
    json("max_size: »huge", "expected a size"),
    json("»metric: {a: $.a}", "unknown key 'metric' / did you mean 'metrics'?"),
    json("»query: [a]", "expected a mapping / found a list"),
    part(
        "sources:\n  »shop:\n    type: http_json\n    metrics: {orders: $.a, revenue: $.b}\n"
        "  prod: {type: prometheus, url: http://x.example, metrics: {error_rate: up}}\n",
        "the key 'url' is missing in 'sources.shop'",
    ),
    source("type: http_json\nurl: »shop.example.com\nmetrics: {orders: $.a}", "expected an address like https://"),
    source(
        "type: http_json\nurl: »ftp://shop.example.com\nmetrics: {orders: $.a}", "expected an address like https://"
    ),
    source("type: http_json\nurl: »5\nmetrics: {orders: $.a}", "expected a text"),
    source("type: http_json\nurl: https://x.example\n»metrics: {}", "expected at least one"),
    source("type: http_json\nurl: https://x.example\n»metrics: [a, b]", "expected a mapping / found a list"),
    source("type: http_json\nurl: https://x.example\nmetrics: {»Orders: $.a}", "expected a name of small letters"),
    source("type: http_json\nurl: https://x.example\nmetrics: {a: »orders}", "$"),
    source('type: http_json\nurl: https://x.example\nmetrics: {a: »"$.a["}', "JSONPath"),
    source("type: http_json\nurl: https://x.example\nmetrics: {»a: {scale: 2}}", "either 'path' or 'each'"),
    source("type: http_json\nurl: https://x.example\nmetrics: {»a: {each: $.a}}", "'each' needs 'value' and 'labels'"),
    source("type: http_json\nurl: https://x.example\nmetrics: {»a: {path: $.a, labels: {b: $.c}}}", "go with 'each'"),
    source("type: http_json\nurl: https://x.example\nmetrics: {a: {path: $.a, scale: »0}}", "a number other than 0"),
    source("type: http_json\nurl: https://x.example\nmetrics: {a: {path: $.a, scale: »big}}", "number"),
    source("type: http_json\nurl: https://x.example\nmetrics: {a: {»pth: $.a, path: $.a}}", "did you mean 'path'?"),
    source("type: prometheus\nurl: »http://x.example/api/v1/query\nmetrics: {orders: up}", "without /api/v1"),
    source('type: prometheus\nurl: http://x.example\nmetrics: {orders: »""}', "expected a PromQL query"),
    source("type: prometheus\nurl: http://x.example\nmetrics: {orders: »5}", "expected a text"),
    source("type: prometheus\nurl: http://x.example\n»quries: {a: up}\nmetrics: {orders: up}", "unknown key 'quries'"),
    sql("»db.example.com/shop", "{orders: SELECT 1}", "expected the address of a database, like postgresql://"),
    sql("»postgress://db.example.com/shop", "{orders: SELECT 1}", "no driver for postgress:// / postgresql://?"),
    sql("»postgresql://reader@db.example.com", "{orders: SELECT 1}", "the name of the database is missing"),
    sql("»postgresql://reader:hush@hush/hush@db.example.com:x/shop", "{orders: SELECT 1}", "the port must be a number"),
    sql("»postgresql://reader@db.example.com:x/shop", "{orders: SELECT 1}", "the port must be a number"),
    sql(
        '»"postgresql://db.example.com/shop?password=hush-hush"', "{orders: SELECT 1}", "an option of its own: password"
    ),
    sql('»"sqlite:///my shop.db"', "{orders: SELECT 1}", "a blank in the path is written %20"),
    sql(
        "»postgresql://reader@db.example.com/shop?sslpassword=hush-hush",
        "{orders: SELECT 1}",
        "a key with a password cannot be used: name one without under tls.key_file",
    ),
    sql(
        "postgresql://reader@db.example.com/shop?sslmode=disable",
        "{orders: SELECT 1}\n»tls: {}",
        "expected either 'tls' or sslmode in 'url', not both",
    ),
    sql("»sqlite://shop.db", "{orders: SELECT 1}", "expected sqlite:////absolute/path"),
    sql(DB, "{orders: »SELECT :tommorow}", ":tommorow is no parameter: expected :now, :today or :yesterday"),
    sql(DB, "{orders: »DELETE FROM jobs}", "DELETE writes, and smithd only reads"),
    sql(DB, '{orders: »"SELECT 1; SELECT 2"}', "expected one statement"),
    sql(DB, '{orders: »"SELECT \'x"}', "the ' at its character 8 is not closed"),
    sql(DB, "{orders: »COMMIT, revenue: {query: »SET x = 1}}", "smithd begins and ends", "SET has no place here"),
    sql(DB, "{»orders: {labels: [a]}}", "the key 'query' is missing"),
    sql(DB, "{»orders: {query: SELECT 1, labels: [a]}}", "'labels' needs 'value' or 'values'"),
    sql(DB, "{»orders: {query: SELECT 1, value: a, values: [b]}}", "either 'value' (a column) or 'values' (a list)"),
    sql(DB, "{»orders: {query: SELECT 1, value: a, labels: [a]}}", "the column 'a' is named twice"),
    sql(DB, "{orders: {query: SELECT 1, values: [»Depth]}}", "expected a name of small letters"),
    sql(DB, "{orders: {query: SELECT 1, as: »agee}}", "did you mean 'age'?"),
    sql(DB, "{orders: {query: SELECT 1, »label: [a]}}", "did you mean 'labels'?"),
    sql(DB, "{orders: SELECT 1}\nmax_rows: »0", "expected more than 0"),
    sql(DB, "{orders: SELECT 1}\ntimezone: »Berlin/Europe", "there is no time zone 'Berlin/Europe'"),
    sql(DB, "{orders: SELECT 1}\n»pasword: hush-hush", "did you mean 'password'?"),
    stripe("metrics: [mrr, »mmr]", "expected one of 'mrr', 'arr', / and 31 more / did you mean 'mrr'?"),
    stripe("metrics: »mrr", "expected a list / written [mrr]"),
    stripe("metrics: [mrr]\ncurrency: »euro", "expected the three letters of a currency"),
    stripe("metrics: [mrr]\nmrr: {discounts: »some}", "expected one of 'recurring', 'forever', 'all' or 'none'"),
    stripe("query: {open: {»lst: invoices}}", "unknown key 'lst' / did you mean 'list'?"),
    stripe("metrics: [arr]\nquery: {open: {list: invoices, filters: {»created: {gte: monday}}}}", "not monday"),
]
