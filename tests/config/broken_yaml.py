"""Files that are no good YAML."""

from __future__ import annotations

from config.corpus import Broken, part, whole

QUOTES = "the value needs quotes"

YAML: list[Broken] = [
    # values that only need quotes
    part("sources:\n  shop: {type: http_json, url: https://x.example, metrics: {a: {each: $.a»[*]}}}\n", QUOTES),
    part("sources:\n  shop:\n    metrics:\n      a: {each: $.a»[*], value: $.b}\n", 'each: "$.a[*]", value: $.b'),
    part("rules:\n  a:\n    push:\n      title: Errors»: high\n", 'title: "Errors: high"'),
    part("rules:\n  a:\n    push:\n      title: a»: b: c\n", 'title: "a: b: c"'),
    part("rules:\n  a:\n    push:\n      title: »@home\n", "cannot begin with @ / " + QUOTES),
    part("rules:\n  a:\n    push:\n      title: »%x\n", "cannot begin with % / " + QUOTES),
    part("rules:\n  a:\n    push:\n      title: »`x`\n", "cannot begin with ` / " + QUOTES),
    part("rules:\n  a:\n    push:\n      title: *» x\n", QUOTES),
    part("rules:\n  a:\n    push:\n      title: &» x\n", QUOTES),
    part("activitysmith:\n  api_key: x\n  channels: [»*x]\n", "there is no anchor of this name / needs quotes"),
    part("widgets:\n  a:\n    text: »{{ count }}\n", "a text with {{ }} needs quotes"),
    part("rules:\n  a:\n    push:\n      title: »{{ value }} %\n", 'title: "{{ value }} %"'),
    part("rules:\n  a:\n    push: {title: »{{ value }} is high, on: [warning]}\n", 'title: "{{ value }} is high"'),
    part("rules:\n  a:\n    metric: prod.error_rate\n    warning: > »5\n", 'warning: "> 5"'),
    part("rules:\n  a:\n    metric: prod.error_rate\n    warning: >»= 5\n", QUOTES),
    part("rules:\n  a:\n    metric: prod.error_rate\n    warning: »>5\n", "needs quotes"),
    part("rules:\n  a:\n    metric: prod.error_rate\n    warning: »!= 5\n", "needs quotes"),
    part("rules:\n  a:\n    push:\n      title: | »x\n", QUOTES),
    part("rules:\n  a:\n    push:\n      title: »? x\n", QUOTES),
    part("rules:\n  a:\n    push:\n      title: »- x\n", QUOTES),
    part("rules:\n  a:\n    push:\n      title: 'it'»s'\n", '"it\'s"'),
    part("rules:\n  a:\n    push:\n      title: 'Errors' »are high\n", QUOTES),
    part('rules:\n  a:\n    push:\n      title: "C:»\\q"\n', "backslash"),
    part("sources:\n  shop:\n    headers: {Authorization: Bearer $»{file:x}}\n", '"Bearer ${file:x}"'),
    part("activitysmith:\n  api_key: x\n  channels: [»@ops]\n", 'channels: ["@ops"]'),
    part("widgets:\n  a: {text: x, min_interval: 1m»: 30s}\n", QUOTES),
    # indentation, brackets, quotes
    part("defaults:\n»\tevery: 1m\n", "a tab / spaces"),
    part("defaults:\n  every: 1m\n»\ttimeout: 1s\n", "a tab / spaces"),
    part("defaults:\n  every: 1m\n   timeout»: 1s\n", "same column"),
    part("defaults:\n    every: 1m\n  »timeout: 1s\n", "same column"),
    part('defaults:\n  every: »"1m\n', "not closed on its line"),
    part("defaults:\n  every: »'1m\n", "not closed on its line"),
    part("activitysmith:\n  api_key: x\n  channels: [ops\nsources»: {}\n", "begins on line 3"),
    part("activitysmith:\n  api_key: x\n  channels: [ops]»]\n", "closes nothing"),
    part("defaults: {every: 1m}»}\n", "closes nothing"),
    whole("a: »{b: c\n", "never closed"),
    whole("a: »[b, c\n", "never closed"),
    part("defaults:\n  every:30s\n  timeout»: 1s\n", "line 2: a space is missing after the colon: every: 30s"),
    part("activitysmith\n  api_key»: x\n", "line 1: a colon is missing: activitysmith:"),
    whole("activitysmith:\n  api_key: x\n»nothing\n", "expected 'key: value'"),
    part("activitysmith:\n  api_key: x\n  channels:\n    - ops\n    »also: x\n", "expected '- '"),
    whole("  a: 1\n»b: 2\n", "further left"),
    whole("»: x\n", "expected a key"),
    whole("a: »,b\n", "expected a value"),
    whole("a: »]\n", "closes nothing"),
    whole("»%YAML 3.0\n---\na: 1\n", "version of YAML"),
    # documents
    whole("»", "the file is empty"),
    whole("»# nothing but a comment\n", "the file is empty"),
    whole("»\n\n\n", "the file is empty"),
    whole("»---\n", "the file is empty"),
    whole("»- a\n- b\n", "the file is a list"),
    whole("»just a text\n", "the file is a single text"),
    whole("»42\n", "the file is a single text"),
    whole('»"activitysmith: x"\n', "the file is a single text"),
    whole("a: 1\n»---\nb: 2\n", "a second document"),
    whole("a: 1\n...\n»---\nb: 2\n", "a second document"),
    # keys
    part("activitysmith:\n  api_key: x\n  »api_key: y\n", "'api_key' is given twice; the first is on line 2"),
    part("widgets:\n  a: shop.orders\n  »a: shop.orders\n", "'a' is given twice"),
    part("defaults: {every: 1m, »every: 2m}\n", "'every' is given twice"),
    part("activitysmith:\n  api_key: x\n»activitysmith:\n  api_key: y\n", "'activitysmith' is given twice"),
    part("widgets:\n  »1: shop.orders\n", "this cannot be a key / the number 1 / quotes"),
    part("widgets:\n  »true: shop.orders\n", "this cannot be a key / true / quotes"),
    part("widgets:\n  »null: shop.orders\n", "this cannot be a key / nothing"),
    part("widgets:\n  »1.5: shop.orders\n", "this cannot be a key / the number 1.5"),
    part("widgets:\n  ? »[a, b]\n  : shop.orders\n", "this cannot be a key"),
    part("widgets:\n  ? »{a: b}\n  : shop.orders\n", "this cannot be a key"),
    # tags, anchors, aliases, merges
    part("defaults: »!!python/object:os.system {every: 1m}\n", "a YAML tag"),
    part("defaults:\n  every: »!!python/name:os.system 1m\n", "a YAML tag"),
    part("defaults:\n  every: »!duration 1m\n", "a YAML tag"),
    part("activitysmith:\n  api_key: »!secret key\n", "a YAML tag"),
    part("defaults:\n  every: »!!int 5\n", "a YAML tag"),
    part("plugins: »!!set {a, b}\n", "a YAML tag"),
    part("defaults: &all\n  every: »*all\n", "an alias within its own anchor"),
    part("defaults: {»<<: 5, every: 1m}\n", "merges mappings only"),
    part("defaults: {<<: »*none, every: 1m}\n", "there is no anchor of this name"),
    part("defaults: &d {»every: 1m}\nweb: {<<: *d, listen: 127.0.0.1:1}\n", "unknown key 'every'"),
    whole("a: " + "[" * 99 + "»[" + "[" * 99_900, "nested more than 100 deep"),
    whole("{a: " * 100 + "»{a: " + "{a: " * 99_900, "nested more than 100 deep"),
    whole("- " * 100 + "»- " + "- " * 1000 + "a", "nested more than 100 deep"),
    whole(
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{name}: &{name} [{', '.join([f'*{above}'] * 10)}]\n" for above, name in zip("abc", "bcd", strict=True)
        )
        + "e: [*d, *d, *d, *d, *d, *d, *d, »*d, *d, *d]\n",
        "stand for more than 100000 values",
    ),
]
