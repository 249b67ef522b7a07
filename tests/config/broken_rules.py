"""Mistakes in rules, and in how they are told."""

from __future__ import annotations

from config.corpus import DURATION, Broken, part

THRESHOLD = "expected a comparison like '> 5'"


def rule(lines: str, *said: str) -> Broken:
    """The rule ``error-rate`` with these lines."""
    body = "".join(f"    {line}\n" for line in lines.split("\n"))
    return part(f"rules:\n  error-rate:\n{body}", *said)


def push(lines: str, *said: str) -> Broken:
    """The push of the rule ``error-rate`` with these lines."""
    body = "\n".join(f"  {line}" for line in lines.split("\n"))
    return rule(f'metric: prod.error_rate\nwarning: "> 1"\npush:\n{body}', *said)


RULES: list[Broken] = [
    # rules
    part(
        "rules:\n  »Error Rate: {metric: prod.error_rate, warning: '> 1'}\n",
        "'Error Rate' cannot be the name of a rule / like 'error_rate'",
    ),
    part("rules:\n  a: »text\n", "expected a mapping"),
    part(
        "rules:\n  »error-rate:\n  metric: »prod.error_rate\n",
        "has no value",
        "'metric' belongs in rules.<name>: is it indented far enough?",
    ),
    rule("metric: prod.error_rate\nwarning: »'> 1e999'", "too large"),
    part("rules:\n  »a:\n", "'a' has no value"),
    part("rules:\n  error-rate:\n    »metrc: prod.error_rate\n    warning: '> 1'\n", "did you mean 'metric'?"),
    part(
        "rules:\n  »error-rate: {warning: '> 1'}\n",
        "a rule watches a 'metric' (as source.metric) or has a 'when'",
    ),
    part("rules:\n  »error-rate: {metric: prod.error_rate}\n", "a rule needs a threshold"),
    rule(
        "metric: »prod.error_rates\nwarning: '> 1'",
        "no source declares the metric 'prod.error_rates' / did you mean 'prod.error_rate'?",
    ),
    rule("metric: »error_rate\nwarning: '> 1'", "did you mean 'prod.error_rate'?"),
    rule("metric: »prd.error_rate\nwarning: '> 1'", "did you mean 'prod.error_rate'?"),
    rule("metric: »nothing.like_it\nwarning: '> 1'", "sources declared: shop, prod"),
    rule("metric: »prod.p95\nwarning: '> 1'", "source 'prod' has: error_rate"),
    rule('metric: »""\nwarning: "> 1"', "no source declares"),
    rule("»metric: [prod.error_rate]\nwarning: '> 1'", "expected a text / found a list"),
    rule("metric: prod.error_rate\nwarning: »5", THRESHOLD + " / found the number 5"),
    rule("metric: prod.error_rate\nwarning: »high", THRESHOLD),
    rule('metric: prod.error_rate\nwarning: »"=> 5"', THRESHOLD),
    rule('metric: prod.error_rate\nwarning: »"> five"', THRESHOLD),
    rule('metric: prod.error_rate\nwarning: »"> 5%"', THRESHOLD),
    rule('metric: prod.error_rate\nwarning: »"5 <"', THRESHOLD),
    rule("metric: prod.error_rate\nwarning: »outside 20..10", "runs backwards: expected outside 10..20"),
    rule("metric: prod.error_rate\nwarning: »outside 10", THRESHOLD),
    rule("metric: prod.error_rate\n»warning: ['> 5']", THRESHOLD),
    rule("metric: prod.error_rate\n»warning:", "'warning' has no value"),
    rule("metric: prod.error_rate\nwarning: '> 5'\ncritical: »'> 2'", "must be a stricter form of warning (> 5)"),
    rule("metric: prod.error_rate\nwarning: '> 5'\ncritical: »'< 2'", "must be a stricter form of warning"),
    rule("metric: prod.error_rate\ninfo: '> 5'\nwarning: »'> 3'", "must be a stricter form of info (> 5)"),
    rule("metric: prod.error_rate\ninfo: '> 5'\ncritical: »'> 3'", "critical without being info"),
    rule(
        "metric: prod.error_rate\ninfo: '> 5'\nmute: {during: [»nights], »except: [info]}",
        "there is no time window 'nights'",
        "nothing is muted",
    ),
    rule(
        "metric: prod.error_rate\nwarning: '> 5'\nrecover: »'> 6'", "recover (> 6) must lie on the safe side of warning"
    ),
    rule(
        "metric: prod.error_rate\ncritical: '> 5'\nrecover: »'> 4'",
        "recover (> 4) must lie on the safe side of critical",
    ),
    rule(
        "metric: prod.error_rate\nwarning: '> 3'\ncritical: '> 5'\nrecover: {warning: '< 2', critical: »'< 6'}",
        "recover for critical (< 6) must lie on the safe side of critical (> 5)",
    ),
    rule(
        "metric: prod.error_rate\nwarning: '> 3'\ncritical: '> 5'\nrecover: {warning: »'< 4'}",
        "recover for warning (< 4) must lie on the safe side of warning (> 3)",
    ),
    rule(
        "metric: prod.error_rate\nwarning: '> 3'\ncritical: '> 5'\nrecover: {warning: '< 2', critical: »'< 1'}",
        "recover for critical (< 1) must be met wherever it is no warning any more",
    ),
    rule(
        "metric: prod.error_rate\nwarning: '> 3'\ncritical: '> 5'\nrecover: {critical: »'<= 2'}",
        "recover for critical (<= 2) must be met wherever it is no warning any more",
    ),
    rule(
        "metric: prod.error_rate\nwarning: '> 3'\ncritical: '> 5'\nrecover: {warning: '< 2', »critcal: '< 4'}",
        "did you mean 'critical'?",
    ),
    rule(
        "metric: prod.error_rate\nwarning: '> 3'\nrecover: {critical: »'< 4'}",
        "the rule has no critical: expected warning",
    ),
    rule("metric: prod.error_rate\nwarning: '> 3'\nrecover: {warning: »'<< 2'}", THRESHOLD),
    rule("metric: prod.error_rate\nwarning: '> 5'\nfor: {warning: »10x}", DURATION),
    rule("metric: prod.error_rate\nwarning: '> 5'\nfor: {»warn: 10m}", "did you mean 'warning'?"),
    rule("metric: prod.error_rate\nwarning: '> 5'\nfor: {critical: »10m}", "the rule has no critical"),
    rule("when: prod.error_rate > 5\nseverity: critical\nfor: {warning: »10m}", "has no warning: expected critical"),
    rule("metric: prod.error_rate\nwarning: '> 5'\nkeep_firing_for: {critical: »10m}", "the rule has no critical"),
    rule("metric: prod.error_rate\nwarning: '> 5'\nfor: »long", DURATION),
    rule("metric: prod.error_rate\nwarning: rises > 5% over 1h\nrebase_after: »never", DURATION),
    rule("metric: prod.error_rate\nwarning: '> 5'\nfor: »5", DURATION),
    rule("metric: prod.error_rate\nwarning: '> 5'\nkeep_firing_for: »-1m", DURATION),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»hold: 5m", "unknown key 'hold'"),
    part(
        "rules:\n  »a: {metric: prod.error_rate, warning: '> 5', severity: critical}\n",
        "'when' and 'severity' (info, warning or critical) belong together",
    ),
    part(
        "rules:\n  »a: {when: prod.error_rate > 5}\n",
        "'when' and 'severity' (info, warning or critical) belong together",
    ),
    part(
        "rules:\n  »a: {metric: prod.error_rate, when: prod.error_rate > 5, severity: warning}\n",
        "watches a 'metric' (as source.metric) or has a 'when': one of them",
    ),
    part("rules:\n  »a: {when: prod.error_rate > 5, severity: warning, critical: '> 5'}\n", "'when' is the threshold"),
    rule("when: prod.error_rate > »prd.error_rate\nseverity: warning", "did you mean 'prod.error_rate'?"),
    rule('when: "prod.error_rate > 5 or»"\nseverity: warning', "expected"),
    rule("when: >\n  prod.error_rate > 5\n    and »shop.ordrs < 1\nseverity: warning", "did you mean 'shop.orders'?"),
    rule("when: 1 »> 2\nseverity: warning", "its answer never changes"),
    rule("when: »1 + 2\nseverity: warning", "names no metric"),
    rule("»when: [prod.error_rate]\nseverity: warning", "expected an expression like"),
    rule("when: prod.error_rate > 5\nseverity: »severe", "expected one of 'info', 'warning' or 'critical'"),
    rule("metric: prod.error_rate\nwarning: »drops > 20%", "expected a comparison with the past like"),
    rule("metric: prod.error_rate\nwarning: »drops > 20% vs tomorrow", "expected a comparison with the past like"),
    rule("metric: prod.error_rate\nwarning: »drops > 20% over an hour", "expected a comparison with the past like"),
    rule("metric: prod.error_rate\nwarning: »drops > 20% over 1y", DURATION),
    rule("metric: prod.error_rate\nwarning: »drops > 20% over 9d", "looks back 9d / only 8d are kept / 'history'"),
    rule("metric: prod.error_rate\nwarning: drops > 20% over 1h\ncritical: »drops > 10% over 1h", "must be a stricter"),
    rule("metric: prod.error_rate\nwarning: drops > 20% over 1h\nrecover: »drops < 30% over 1h", "safe side"),
    rule("metric: prod.error_rate\nwarning: drops > 20% over 1h\nrecover: »drops < 10% over 2h", "must compare like"),
    part(
        "rules:\n  »a: {metric: prod.error_rate, warning: '> 5', min_value: 5}\n", "'min_value' belongs to thresholds"
    ),
    rule("metric: prod.error_rate\nwarning: '> 5'\ndamping: »30", DURATION),
    rule("metric: prod.error_rate\nwarning: '> 5'\nmax_alerts: »0", "expected"),
    rule("metric: prod.error_rate\nwarning: '> 5'\nlabels: {»severity: page}", "every alert has it already"),
    rule("metric: prod.error_rate\nwarning: '> 5'\nlabels: {»the-team: shop}", "letters, digits / like 'the_team'"),
    rule("metric: prod.error_rate\nwarning: '> 5'\nlabels: {tier: »1}", "expected a text / in quotes"),
    rule("metric: prod.error_rate\nwarning: '> 5'\nlabels: {team: »''}", "expected"),
    rule("metric: prod.error_rate\nwarning: '> 5'\nlabels: {host: »'{{ labels.host }}'}", "no templates"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»labels: [shop]", "expected a mapping"),
    rule(
        "metric: prod.error_rate\nwarning: '> 5'\n»title: x",
        "unknown key 'title' / 'title' belongs in rules.<name>.push",
    ),
    part(
        """
sources:
  prod: {type: prometheus, url: http://prod.example, metrics: {error_rate: {query: up, empty: clear}, busy: up > 1}}
  shop: {type: http_json, url: https://shop.example, metrics: {orders: $.a, revenue: $.b}}
rules:
  a: {metric: prod.error_rate, warning: "> 5", »no_data: warning}
  b: {metric: prod.busy, warning: "> 5", no_data: warning}
  c: {when: prod.error_rate > 1, severity: warning, »no_data: {severity: keep, after: 5m}}
  d: {when: prod.error_rate > 1 and shop.orders, severity: warning, no_data: ok}
""",
        "an empty answer means clear here: prod.error_rate has 'empty: clear' / use on_error",
        "an empty answer means clear here",
    ),
    rule("metric: prod.error_rate\nwarning: '> 5'\nno_data: »alarm", "expected one of 'keep', 'ok', 'info', 'warning'"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»no_data: {after: 5m}", "the key 'severity' is missing"),
    rule("metric: prod.error_rate\nwarning: '> 5'\non_error: {severity: ok, after: »5}", DURATION),
    rule("metric: prod.error_rate\n»warn: '> 5'\ncritical: '> 6'", "did you mean 'warning'?"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»stale: old", "'stale' belongs in widgets.<name>"),
    # push
    rule("metric: prod.error_rate\nwarning: '> 5'\npush: »maybe", "expected a mapping / true (the default text)"),
    part("»alerts:\n  a: {metric: prod.error_rate, warning: '> 5'}\n", "unknown key 'alerts' / did you mean 'rules'?"),
    part("»groups: []\n", "did you mean 'rules'?"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»notify: true", "did you mean 'push'?"),
    rule("»expr: prod.error_rate > 5\nseverity: warning", "did you mean 'when'?"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»pending_period: 5m", "did you mean 'for'?"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»annotations: {summary: x}", "did you mean 'push'?"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»summary: x", "'title' belongs in rules.<name>.push"),
    part("»notify: true\n", "'push' belongs in rules.<name>"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»push: [warning]", "expected a mapping / found a list"),
    rule("metric: prod.error_rate\nwarning: '> 5'\n»push:", "'push' has no value"),
    push("on: »warning", "expected a list / [warning]"),
    push("on: [»warn]", "expected one of 'info', 'warning' or 'critical' / did you mean 'warning'?"),
    push("»on: []", "expected at least one"),
    push("»severities: [warning]", "unknown key 'severities' / did you mean 'on'?"),
    push("»send_resolved: true", "did you mean 'on_resolve'?"),
    push("»description: x", "did you mean 'message'?"),
    push("»priority: high", "did you mean 'interruption_level'?"),
    push('title: »"{{ valu }}"', "unknown name 'valu' / did you mean 'value'?"),
    push('title: »"{{ value | nmber }}"', "nmber"),
    push('title: »"{{ value "', "the template does not work"),
    push('title: »"{% for x in %}"', "the template does not work"),
    push('title: »"{{ value.nothing }}"', "the template does not work"),
    push('title: »"{{ value / 0 }}"', "the template does not work"),
    push("title: »true", "expected a text"),
    push("»title: [a]", "expected a text"),
    push("»title: {a: b}", "expected a text"),
    push(
        "interruption_level: »loud", "expected one of 'passive', 'active' or 'time-sensitive' / found the text 'loud'"
    ),
    push("interruption_level: »activ", "did you mean 'active'?"),
    push(
        "interruption_level: {»critcal: active}",
        "expected one of 'info', 'warning' or 'critical' / did you mean 'critical'?",
    ),
    push("interruption_level: {critical: »loud}", "expected one of 'passive', 'active' or 'time-sensitive'"),
    push("on_resolve: »never", "expected one of 'replace', 'push' or 'none'"),
    push("on_resolve: »pusch", "did you mean 'push'?"),
    push("»channels: []", "expected at least one"),
    push("tags: [»Production]", "small letters, digits"),
    push("tags: »production", "expected a list"),
    push("redirection: »grafana.example.com", "an address with its scheme"),
    push("»actions: []", "expected at least one"),
    push("actions: [{title: Log, type: open_url, url: »log}]", "an address with its scheme"),
    push("actions: [{title: Log, type: »webhok, url: 'https://a.example'}]", "did you mean 'webhook'?"),
    push("actions: [{title: Log, type: webhook, url: »'http://a.example'}]", "a webhook needs an https address"),
    push("actions: [{title: Log, type: open_url, url: 'https://a.example', »body: {}}]", "belongs to a webhook"),
    push(
        "media: »'https://a.example/p.png'\nactions: [{title: Log, type: open_url, url: 'https://a.example'}]",
        "a notification has either 'media' or 'actions': the service refuses both",
    ),
    push("media: »'http://a.example/p.png'", "expected an https address"),
    push("icon: »bell.fill", "expected an https address"),
    push("metadata: {»run: [1]}", "expected a text, a finite number, true or false"),
    push("»sound: chime", "unknown key 'sound'"),
    push("»min_change: 1", "'min_change' belongs in widgets.<name>"),
]
