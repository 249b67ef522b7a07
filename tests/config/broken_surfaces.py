"""Mistakes in widgets and Live Activities."""

from __future__ import annotations

from config.corpus import DURATION, Broken, part


def activity(lines: str, *said: str) -> Broken:
    """The Live Activity ``production`` with these lines; type, title and rows are added where they are not given."""
    stock = {"type": "stats", "title": "Production", "stats": "[{label: Errors, value: prod.error_rate}]"}
    given = "".join(f"    {line}\n" for line in lines.split("\n"))
    rest = "".join(
        f"    {key}: {value}\n" for key, value in stock.items() if f"\n{key}:" not in "\n" + lines.replace("»", "")
    )
    return part(f"live_activities:\n  production:\n{given}{rest}", *said)


def typed(kind: str, line: str, *said: str) -> Broken:
    """A Live Activity of this type; TYPE stands for its type and a title."""
    return part(f"live_activities:\n  {line.replace('TYPE', f'type: {kind}, title: A')}\n", *said)


def several(text: str, *said: str) -> Broken:
    """Sources with metrics that have several series by their options, and these surfaces."""
    stock = "stock: {each: '$.s[*]', value: $.n, labels: {house: $.h}}"
    rows = "rows: {query: 'select house, n from s', labels: [house], values: [n]}"
    sources = (
        f"sources:\n  shop: {{type: http_json, url: 'http://shop.example', metrics: {{{stock}}}}}\n"
        f"  db: {{type: sql, url: 'sqlite:///a.db', metrics: {{{rows}}}}}\n"
    )
    empty = "".join(f"{section}: {{}}\n" for section in ("rules", "widgets", "live_activities") if section not in text)
    return part(f"{sources}{empty}{text}\n", *said)


SURFACES: list[Broken] = [
    # widgets
    part("widgets:\n  »Revenue: shop.revenue\n", "'Revenue' cannot be a metric key of ActivitySmith / like 'revenue'"),
    part("widgets:\n  »my revenue: shop.revenue\n", "cannot be a metric key"),
    part("widgets:\n  »-a: shop.revenue\n", "cannot be a metric key"),
    part(f"widgets:\n  »{'a' * 65}: shop.revenue\n", "cannot be a metric key / 1 to 64"),
    part("widgets:\n  a: »shop.revenu\n", "no source declares the metric 'shop.revenu' / did you mean 'shop.revenue'?"),
    part("widgets:\n  a: {value: »shop.revenu}\n", "did you mean 'shop.revenue'?"),
    part("widgets:\n  a: »5\n", "expected a mapping / found the number 5 / source.metric"),
    part("widgets:\n  »a: [shop.revenue]\n", "expected a mapping / found a list"),
    part("widgets:\n  »a:\n", "'a' has no value"),
    part("widgets:\n  »a: {}\n", "either a metric ('value') or a 'text'"),
    part("widgets:\n  »a: {value: shop.revenue, text: x}\n", "either a metric ('value') or a 'text'"),
    part("widgets:\n  a: {text: x, min_change: »2}\n", "'min_change' belongs to 'value', not to 'text'"),
    part("widgets:\n  a: {value: shop.revenue, format: »' '}\n", "expected a text that is not blank"),
    part("widgets:\n  a: {text: »''}\n", "expected a text that is not blank"),
    part("widgets:\n  »a: {value: shop.revenue, stale: x}\n", "it needs 'format'"),
    part("widgets:\n  a: {format: »y, text: x}\n", "'format' belongs to 'value', not to 'text'"),
    part("widgets:\n  a: {value: shop.revenue, »formt: x}\n", "did you mean 'format'?"),
    part("widgets:\n  a: {value: shop.revenue, format: »'{{ valu }}'}\n", "did you mean 'value'?"),
    part("widgets:\n  a: {value: shop.revenue, min_interval: »fast}\n", DURATION),
    part("widgets:\n  a: {value: shop.revenue, min_change: »-1}\n", "expected 0 or more"),
    part("widgets:\n  a: {value: shop.revenue, priority: »11}\n", "expected 10 or less"),
    part("widgets:\n  a: {value: shop.revenue, priority: »0}\n", "expected 1 or more"),
    part("widgets:\n  a: {value: shop.revenue, priority: »high}\n", "expected a whole number, found the text 'high'"),
    part("widgets:\n  a: {value: shop.revenue, send_within: »soon}\n", DURATION),
    part("widgets:\n  a: {value: shop.revenue, pick: »mx}\n", "did you mean 'max'?"),
    part("widgets:\n  a: {text: x, pick: »max}\n", "'pick' belongs to 'value'"),
    part("widgets:\n  a: »count(shop.orders) or 0\n", "is an expression, and no metric / a name under 'derived'"),
    part("widgets:\n  a: {value: »shop.orders > 1}\n", "is an expression, and no metric / a name under 'derived'"),
    part("badge: count(»fring)\n", "no source declares the metric 'fring' / did you mean 'firing'?"),
    # several series
    several(
        "widgets: {a: »shop.stock, b: {value: shop.stock, pick: sum}}", "has several series / 'pick', too: max, min"
    ),
    several("widgets: {a: {value: »db.rows.n, format: '{{ value }}'}}", "db.rows.n has several series"),
    several("badge: »shop.stock", "has several series / sum(shop.stock), max(shop.stock)"),
    several(
        "live_activities:\n"
        "  a: {type: value, title: A, value: »shop.stock, badge: {value: »shop.stock}}\n"
        "  b: {type: stats, title: B, stats: [{label: a, value: »shop.stock}, {each: shop.stock, by: house}]}\n"
        "  c: {type: progress, title: C, value: max(shop.stock), from: 0, to: »shop.stock}\n"
        "  d: {type: timer, title: D, until: »shop.stock, paused_when: shop.stock > 5}\n"
        "  e: {type: segmented_progress, title: E, step: shop.stock, steps: [a, b]}",
        *["has several series"] * 2,
        "has several series / 'each' and 'by', for a row of each series",
        *["has several series"] * 2,
    ),
    part("widgets:\n  a: {value: shop.revenue, min_change: »little}\n", "expected a number, found the text 'little'"),
    part("widgets:\n  a: {value: shop.revenue, min_change: »true}\n", "expected a number, found true"),
    part("widgets:\n  a: {value: shop.revenue, min_change: »inf}\n", "expected a number, found the text 'inf'"),
    part("widgets:\n  a: {value: shop.revenue, min_change: ».inf}\n", "not a finite number"),
    part("widgets:\n  a: {text: »'{{ nothing }}'}\n", "unknown name 'nothing'"),
    # live_activities
    part(
        "live_activities:\n  »prod.main: {type: stats, title: A, stats: [{label: a, value: shop.orders}]}\n",
        "'prod.main' cannot be a stream key of ActivitySmith / like 'prod_main'",
    ),
    part(
        "live_activities:\n  »ä: {type: stats, title: A, stats: [{label: a, value: shop.orders}]}\n",
        "cannot be a stream key",
    ),
    part(
        "live_activities:\n  »smithd-more: {type: stats, title: A, stats: [{label: a, value: shop.orders}]}\n",
        "'smithd-more' is the stream key of the activity that folded ones share / choose another",
    ),
    activity("priority: »0", "expected 1 or more"),
    activity("priority: »11", "expected 10 or less"),
    activity("min_hold: »long", DURATION),
    activity("fold: »maybe", "expected true or false"),
    part(
        "live_activities:\n  prod: {type: stats, title: A, stats: [{label: a, value: shop.orders}]}\n"
        "  »Prod: {type: stats, title: A, stats: [{label: a, value: shop.orders}]}\n",
        "differ in capitals only",
    ),
    part("live_activities:\n  »a: {title: A, stats: [{label: a, value: shop.orders}]}\n", "the key 'type' is missing"),
    part(
        "live_activities:\n  »a: {type: stats, stats: [{label: a, value: shop.orders}]}\n", "the key 'title' is missing"
    ),
    part("live_activities:\n  »a: {type: stats, title: A}\n", "the key 'stats' is missing in 'live_activities.a'"),
    activity("type: »stat", "expected one of / found the text 'stat' / did you mean 'stats'?"),
    activity("type: »gauge", "'stats' / 'value'"),
    activity("»badge: {title: a}", "expected one of: / only other types have 'badge'"),
    activity("»color: red", "only other types have 'color'"),
    part("live_activities:\n  a: {type: value, title: A, value: shop.orders, »colour: red}\n", "did you mean 'color'?"),
    part("live_activities:\n  a: {type: value, title: A, value: shop.orders, »stats: []}\n", "only other types have"),
    part("live_activities:\n  a: {type: value, title: A, value: »shop.order + 1}\n", "did you mean 'shop.orders'?"),
    part("live_activities:\n  a: {type: value, title: A, value: rate(shop.orders»)}\n", "a window"),
    part(
        "live_activities:\n  a: {type: value, title: A, value: »'change(shop.orders, 30d)'}\n",
        "this looks back 33d, but only 8d are kept",
    ),
    activity("title: »'{{ cont }}'", "unknown name 'cont' / did you mean 'count'?"),
    activity("title: »true", "expected a text"),
    activity("»titel: x", "did you mean 'title'?"),
    activity("show: »alwys", "expected 'always' or a mapping / found the text 'alwys' / did you mean 'always'?"),
    activity("show: {while_firing: [»error-rat]}", "there is no rule 'error-rat' / did you mean 'error-rate'?"),
    activity("show: {while_firing: [»nothing]}", "rules declared: error-rate"),
    activity("show: {»while_firing: []}", "expected at least one"),
    activity("show: {while_firing: »error-rate}", "expected a list / [error-rate]"),
    activity("show: {»while-firing: [error-rate]}", "did you mean 'while_firing'?"),
    activity("»show: {}", "expected exactly one of the keys while_firing, when, between, all, any"),
    activity("»show: {when: shop.orders, while_firing: [error-rate]}", "'all' and 'any' combine several"),
    activity("show: {while_firing: {»error-rat: critical}}", "did you mean 'error-rate'?"),
    activity("show: {while_firing: {error-rate: »criticl}}", "did you mean 'critical'?"),
    part(
        "rules:\n  slow: {metric: shop.orders, warning: '> 1'}\n"
        "live_activities:\n  a: {type: alert, title: A, show: {any: [{while_firing: {slow: »critical}}]}}\n"
        "  b: {type: alert, title: B, show: {while_firing: {slow: warning}}}\n",
        "the rule 'slow' never fires at critical / its worst severity is warning",
    ),
    activity("show: {»while_firing: {}}", "expected at least one"),
    activity("show: {when: »shop.order > 1}", "did you mean 'shop.orders'?"),
    activity("show: {when: shop.orders >»}", "the end is not where a value may begin"),
    activity("show: {when: »'1'}", "an expression with a metric in it"),
    activity("show: {when: »'avg_over(shop.orders, 20d)'}", "this looks back 20d, but only 8d are kept"),
    activity("show: {between: »night}", "there is no time window 'night'"),
    activity("show: {between: {from: »'25:00'}}", "expected a time of day"),
    activity("show: {between: {from: '22:00', »dys: [mon]}}", "did you mean 'days'?"),
    activity("show: {»between: {from: '22:00', to: '22:00'}}", "cannot begin and end at the same time of day"),
    activity("show: {»between: [nights]}", "expected a mapping / found a list"),
    activity("show: {»all: []}", "expected at least one"),
    activity("show: {»any: {when: shop.orders}}", "expected a list / found a mapping"),
    activity("show: {all: [{when: shop.orders}, {any: [{»wen: 1}]}]}", "did you mean 'when'?"),
    activity("show: {all: [{when: shop.orders}, »alwys]}", "did you mean 'always'?"),
    activity("»show:", "'show' has no value"),
    activity("end: {dismiss_after: »5h}", "expected 4h or less: iOS removes an activity that has ended then"),
    activity("end: {final: {»subtile: x}}", "did you mean 'subtitle'?"),
    activity("end: {final: {subtitle: »'since {{ nw }}'}}", "unknown name 'nw' / did you mean 'now'?"),
    activity("end: {final: {»message: x}}", "unknown key 'message'"),
    activity("subtitle: »'{{ now }}'", "unknown name 'now'"),
    activity("on_shutdown: »ends", "'keep' or 'end' / did you mean 'end'?"),
    activity("end: {when_no_data: »0}", "expected more than 0"),
    activity("mute: [»night]", "there is no time window 'night'"),
    activity("mute: »nights", "expected a list / [nights]"),
    activity("»stats: []", "expected at least one"),
    activity("stats: »text", "expected a list"),
    activity("»stats: {label: a, value: shop.orders}", "expected a list / found a mapping"),
    activity("»stats: [" + ", ".join(["{label: a, value: shop.orders}"] * 9) + "]", "at most 8, not 9"),
    activity("stats: [»{label: a}]", "either one metric ('value') or several series ('each')"),
    activity("stats: [»{value: shop.orders}]", "a row needs a 'label'"),
    activity("stats: [»{each: shop.orders}]", "'by'"),
    activity("stats: [»{label: a, value: shop.orders, each: shop.orders}]", "either one metric"),
    activity("stats: [{label: a, value: »shop.order}]", "did you mean 'shop.orders'?"),
    activity("stats: [{each: »shop.order, by: x}]", "did you mean 'shop.orders'?"),
    activity("stats: [{each: shop.orders, by: x, top: »9}]", "8 or less"),
    activity("stats: [{each: shop.orders, by: x, top: »0}]", "1 or more"),
    activity("stats: [{each: shop.orders, by: x, top: »many}]", "expected a whole number"),
    activity("stats: [{label: a, value: shop.orders, color: »pink}]", "'lime', 'green'"),
    activity("stats: [{label: a, value: shop.orders, color: »grey}]", "did you mean 'gray'?"),
    activity("stats: [{label: a, value: shop.orders, color_by: »error-rates}]", "did you mean 'error-rate'?"),
    activity("stats: [{label: a, value: shop.orders, »colour: red}]", "did you mean 'color'?"),
    activity("stats: [{label: »' ', value: shop.orders}]", "not blank"),
    activity("stats: [»shop.orders]", "expected a mapping / found the text 'shop.orders'"),
    activity("icon: »server.rack", "expected a mapping"),
    activity("»icon: {color: red}", "the key 'symbol' is missing"),
    activity("update_every: »1s", "expected 5s or more"),
    activity("update_every: »0", "expected 5s or more"),
    activity("update_every: »often", DURATION),
    activity("»update_evry: 5s", "did you mean 'update_every'?"),
    activity("»action: {title: a, type: open_url}", "the key 'url' is missing in 'live_activities.production.action'"),
    activity("action: {title: a, type: »open, url: https://x.example}", "did you mean 'open_url'?"),
    activity("action: {title: a, type: webhook, url: https://x.example, method: »PUT}", "'GET' or 'POST'"),
    activity("action: {title: a, type: webhook, url: https://x.example, body: »text}", "expected a mapping"),
    activity("action: {title: a, type: webhook, url: »http://x.example}", "needs an https address"),
    activity("action: {title: a, type: webhook, url: »https://u:p@x.example}", "needs an https address"),
    activity("action: {title: a, type: open_url, url: »spotify:track:1}", "open_url needs"),
    activity("action: {title: a, type: open_url, url: https://x.example, method: »GET}", "belongs to a webhook"),
    activity(
        f"»action: {{title: a, type: webhook, url: https://x.example, body: {{a: {'x' * 2500}}}}}", "too little room"
    ),
    activity("»channels: []", "expected at least one"),
    activity("»channels: [ops, ops]", "'ops' is there twice"),
    activity("channels: [»a b]", "without blanks"),
    activity("tags: [»Ops]", "small letters, digits"),
    activity("»tags: [a, b, a]", "'a' is there twice"),
    activity("end: {dismiss_after: »soon}", DURATION),
    activity("end: {»cooldown: 5m}", "did you mean 'cool_down'?"),
    activity("end: »5m", "expected a mapping"),
    # progress
    typed(
        "progress",
        "»a: {TYPE}",
        "a bar is 'percentage', or 'value' with 'upper_limit', or 'value' with 'from' and 'to'",
    ),
    typed("progress", "»a: {TYPE, value: shop.orders}", "a bar is"),
    typed("progress", "»a: {TYPE, percentage: shop.orders, upper_limit: 5}", "a bar is"),
    typed("progress", "»a: {TYPE, value: shop.orders, from: 5}", "a bar is"),
    typed("progress", "»a: {TYPE, value: shop.orders, upper_limit: 0}", "must be above 0"),
    typed("progress", "»a: {TYPE, value: shop.orders, from: 5, to: 5}", "no length"),
    typed("progress", "a: {TYPE, percentage: »shop.order}", "did you mean 'shop.orders'?"),
    typed("progress", "a: {TYPE, value: shop.orders, upper_limit: »shop.order}", "did you mean 'shop.orders'?"),
    typed("progress", "a: {TYPE, percentage: shop.orders, »message: x}", "only other types have 'message'"),
    typed("progress", "a: {TYPE, percentage: shop.orders, monotonic: »maybe}", "expected true or false"),
    # segmented_progress
    typed("segmented_progress", "»a: {TYPE, steps: [x]}", "the key 'step' is missing"),
    typed("segmented_progress", "a: {TYPE, step: shop.orders, »steps: []}", "expected at least one"),
    typed("segmented_progress", "»a: {TYPE, step: shop.orders, steps: [x, x]}", "the step 'x' is there twice"),
    typed(
        "segmented_progress",
        "»a: {TYPE, step: shop.orders, steps: [x], failed: [y]}",
        "give step: {of: metric, label: name}",
    ),
    typed(
        "segmented_progress",
        "»a: {TYPE, step: {of: shop.orders, label: l}, steps: [x], failed: [x]}",
        "both a step and in 'failed'",
    ),
    typed(
        "segmented_progress", "a: {TYPE, step: {of: »shop.order, label: l}, steps: [x]}", "did you mean 'shop.orders'?"
    ),
    typed(
        "segmented_progress",
        "»a: {TYPE, step: shop.orders, steps: [x, y], step_colors: [red]}",
        "a colour for each of the 2 steps",
    ),
    typed(
        "segmented_progress",
        "»a: {TYPE, step: shop.orders, steps: [x], step_colors: [red], step_color: red}",
        "either one colour",
    ),
    typed("segmented_progress", "a: {TYPE, step: shop.orders, steps: [x], step_color: »pink}", "'lime', 'green'"),
    typed(
        "segmented_progress",
        "a: {TYPE, step: shop.orders, steps: [x], »value: shop.orders}",
        "only other types have 'value'",
    ),
    # alert
    typed("alert", "»a: {TYPE}", "an alert needs a 'message', or rules"),
    typed("alert", "a: {TYPE, message: »'{{ cont }}'}", "did you mean 'count'?"),
    typed("alert", "a: {TYPE, message: x, »subtitle: y}", "only other types have 'subtitle'"),
    # timer
    typed("timer", "»a: {TYPE}", "'until' a time, 'for' a duration, or 'since' a time"),
    typed("timer", "»a: {TYPE, for: 5m, until: shop.orders}", "give one of them"),
    typed("timer", "a: {TYPE, for: »soon}", DURATION),
    typed("timer", "a: {TYPE, for: »0}", "expected more than 0"),
    typed("timer", "a: {TYPE, until: »shop.order}", "did you mean 'shop.orders'?"),
    typed("timer", "»a: {TYPE, since: shop.orders, when_over: {title: x}}", "'since' has no end"),
    typed("timer", "a: {TYPE, for: 5m, »when_over: {}}", "expected a 'title', a 'subtitle', or both"),
    typed("timer", "a: {TYPE, for: 5m, paused_when: shop.orders »=}", "did you mean '=='?"),
    typed("timer", "a: {TYPE, for: 5m, »badge: {title: x}}", "only other types have 'badge'"),
    typed(
        "timer",
        "a: {TYPE, for: 5m, »secondary_action: {title: a, type: open_url, url: 'https://x.example'}}",
        "only other types have",
    ),
]
