"""Mistakes in references to secrets, and several mistakes at once."""

from __future__ import annotations

from config.corpus import PROD, Broken, part

SECRETS: list[Broken] = [
    # secrets
    part(
        "activitysmith:\n  api_key: »${ACTIVITYSMITH_KEY}\n",
        "does not say where / did you mean ${env:ACTIVITYSMITH_KEY}?",
    ),
    part("activitysmith:\n  api_key: »${foo:x}\n", "of an unknown kind / ${env:NAME}"),
    part("activitysmith:\n  api_key: »${evn:X}\n", "did you mean 'env'?"),
    part("activitysmith:\n  api_key: »${env:X\n", "without its '}'"),
    part("activitysmith:\n  api_key: »${env:}\n", "cannot be the name of an environment variable"),
    part("activitysmith:\n  api_key: »${env:A B}\n", "cannot be the name of an environment variable"),
    part("activitysmith:\n  api_key: »${file:}\n", "cannot be the name of a file"),
    part("activitysmith:\n  api_key: »${credential:../key}\n", "cannot be the name of a credential"),
    part("activitysmith:\n  api_key: »${}\n", "does not say where"),
    part("widgets:\n  a: {value: shop.orders, format: '$${env:X} »${y}'}\n", "does not say where"),
]

TOGETHER: list[Broken] = [
    # several mistakes: none hides another, and none is made up
    part(
        "sources:\n  shop:\n    type: http_json\n    url: »nowhere\n    »evry: 5s\n    metrics:\n"
        f"      orders: $.a\n      revenue: »b\n{PROD}"
        "rules:\n  error-rate:\n    metric: »shop.order\n    warning: »five\n    »recovr: '< 1'\n",
        "expected an address",
        "did you mean 'every'?",
        "$",
        "did you mean 'shop.orders'?",
        "expected a comparison",
        "did you mean 'recover'?",
    ),
    part(
        f"sources:\n  shop: {{type: »htp_json, url: https://x.example}}\n{PROD}",
        "did you mean 'http_json'?",
    ),
    part(
        f"plugins: [»nowhere.py]\nsources:\n  shop: {{type: mine, station: a}}\n{PROD}",
        "there is no such file",
    ),
    part(
        "rules: »none\nlive_activities:\n  a: {type: stats, title: A, show: {while_firing: [x]},\n"
        "    stats: [{label: a, value: shop.orders}]}\n",
        "expected a mapping",
    ),
    part(
        "»sources:\nrules:\n  a: {metric: shop.orders, warning: »high}\n",
        "'sources' has no value",
        "expected a comparison",
    ),
    part(
        "web: {»listn: 127.0.0.1:80}\ndefaults: {»evry: 1m}\nwidgets:\n  »A: shop.orders\n",
        "did you mean 'listen'?",
        "did you mean 'every'?",
        "cannot be a metric key",
    ),
    part(
        "rules:\n  a:\n    when: »x > 1\n    severity: critical\n    push: {group_by: [], title: »'{{ chance }}'}\n"
        "live_activities: {}\n",
        "no source declares the metric 'x'",
        "unknown name 'chance'",
    ),
    part(
        "rules:\n  »a: {metric: shop.orders, »xyz: 1}\nlive_activities: {}\n", "needs a threshold", "unknown key 'xyz'"
    ),
    part("rules:\n  a: {metric: shop.orders, »warn: '> 1'}\nlive_activities: {}\n", "did you mean 'warning'?"),
    part("widgets:\n  »a: {»foo: {b: }, »bar: }\n", "either a metric", "unknown key 'foo'", "unknown key 'bar'"),
]
