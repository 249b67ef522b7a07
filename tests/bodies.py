"""Requests that may be sent, and some that nearly may, for tests that search."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from smithd.contract.endpoint import Endpoint

CONTRACT = Path(__file__).parent / "contract"
Body = dict[str, Any]


def some(required: Mapping[str, Any], **optional: Any) -> st.SearchStrategy[Body]:
    """Objects with all of the required fields, and any of the others."""
    return st.fixed_dictionaries(dict(required), optional=optional)


texts = st.text(max_size=12)
SIGN = r"[^\s\ufeff]"
"""What ``\\S`` means in JSON Schema: JavaScript takes a byte order mark for a blank."""

named = st.text(min_size=1, max_size=12).filter(lambda text: re.search(SIGN, text))
short = st.text(min_size=1, max_size=32).filter(lambda text: re.search(SIGN, text)) | st.just("x" * 64)
numbers = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 10**18) | st.floats(0, allow_nan=False, allow_infinity=False)
above_zero = st.integers(1, 10**9) | st.floats(0.001, 1e9)
colors = st.sampled_from(["lime", "green", "cyan", "blue", "purple", "magenta", "red", "orange", "yellow", "gray"])
web = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["e.example", "e.example:8443", "[::1]", "bücher.example"]),
    st.sampled_from(["", "/", "/a?b=c#d", "?q", "#f", "/ü%20", "/a@b:c"]),
)
safe_web = web.map(lambda url: url.replace("http:", "https:"))
shortcuts = st.sampled_from(["shortcuts://run-shortcut?name=Jarvis", "shortcuts://run-shortcut?name=a%20b&input=c"])
deep_links = st.sampled_from(["spotify:track:1", "claude://code", "tel:+491234", "x-safari-https://e.example", "a:"])
tags = st.lists(st.from_regex(r"[a-z0-9][a-z0-9._:-]{0,63}", fullmatch=True), max_size=20, unique=True)
scalars = numbers | texts | st.booleans()
metadata = st.dictionaries(named.filter(lambda key: key != "__proto__"), scalars, max_size=5) | st.just(
    {"long": "x" * 4000, "k" * 100: True}
)
json_objects = st.dictionaries(
    texts, st.recursive(scalars | st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=4), max_size=3
)
targets = st.lists(st.sampled_from(["ops", "shop", "night-shift", "büro"]), min_size=1, max_size=4, unique=True).map(
    lambda channels: {"channels": channels}
)
icons = some({"symbol": named}, color=colors)
badges = some({"title": named}, color=colors)
alerts = some({}, title=texts, body=texts)
hooks = some(
    {"title": named, "type": st.just("webhook"), "url": safe_web},
    method=st.sampled_from(["GET", "POST"]),
    body=json_objects,
)
actions = hooks | some({"title": named, "type": st.just("open_url"), "url": web | shortcuts})
push_actions = hooks | some({"title": named, "type": st.just("open_url"), "url": web | shortcuts | deep_links})


def rows(value: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[list[Body]]:
    """The metrics of a state."""
    return st.lists(some({"label": named, "value": value}, unit=texts, color=colors), min_size=1, max_size=most)


@st.composite
def _steps(draw: st.DrawFn) -> Body:
    number = draw(st.integers(1, 40))
    done = draw(st.integers(0, number))
    state: Body = {"number_of_steps": number, "current_step": done}
    return state | draw(some({}, step_colors=st.lists(colors, min_size=done, max_size=done), step_color=colors))


@st.composite
def _bar(draw: st.DrawFn) -> Body:
    if draw(st.booleans()):
        return {"percentage": draw(st.integers(0, 100) | st.floats(0, 100))}
    limit = draw(above_zero)
    return {"upper_limit": limit, "value": draw(st.sampled_from([0, limit, limit / 2]))}


NOTHING: st.SearchStrategy[Body] = st.just({})


def _state(kind: str, own: st.SearchStrategy[Body] = NOTHING, **optional: Any) -> st.SearchStrategy[Body]:
    shared = some({"title": named, "type": st.just(kind)}, icon=icons, **optional)
    return st.tuples(shared, own).map(lambda parts: parts[0] | parts[1])


STATES = {
    "value": _state("value", some({"value": numbers | short}), subtitle=texts, color=colors, badge=badges),
    "stats": _state("stats", some({"metrics": rows(counts | short, 8)}), subtitle=texts),
    "metrics": _state("metrics", some({"metrics": rows(counts, 2)}), subtitle=texts, color=colors),
    "segmented_progress": _state("segmented_progress", _steps(), subtitle=texts, color=colors, badge=badges),
    "progress": _state("progress", _bar(), subtitle=texts, color=colors, badge=badges),
    "alert": _state("alert", some({"message": named}), color=colors, badge=badges),
    "timer": _state(
        "timer",
        some({}, duration_seconds=above_zero, counts_down=st.booleans(), is_running=st.booleans()),
        subtitle=texts,
        color=colors,
    ),
}
states = st.one_of(*STATES.values())
dismissals: st.SearchStrategy[Body] = NOTHING | st.builds(
    lambda name, number: {name: number},
    st.sampled_from(["auto_dismiss_seconds", "auto_dismiss_minutes"]),
    st.integers(0, 10**6),
)
final_states = st.tuples(states, dismissals).map(lambda parts: parts[0] | parts[1])


def _with_buttons(body: Body, first: Body | None, second: Body | None) -> Body:
    if first is not None:
        body["action"] = first
        if second is not None and body["content_state"]["type"] in ("value", "segmented_progress", "progress", "alert"):
            body["secondary_action"] = second
    return body


_around = {"tags": tags, "metadata": metadata, "alert": alerts}
_streams = some({"content_state": states}, target=targets, **_around)
_ends = some({"content_state": final_states}, **_around)
_pushes = {
    "message": texts,
    "subtitle": texts,
    "icon": safe_web,
    "redirection": web | shortcuts | deep_links,
    "tags": tags,
    "metadata": metadata,
}
_replacements = st.one_of(
    some({"title": named}, media=safe_web, **_pushes),
    some({"title": named}, actions=st.lists(push_actions, min_size=1, max_size=4), **_pushes),
)
_envelopes = some({}, target=targets, interruption_level=st.sampled_from(["passive", "active", "time-sensitive"]))
_maybe = st.none() | actions
_moments = st.sampled_from(
    ["2026-05-03T11:30:00Z", "2026-05-03T11:30:00.123+02:00", "2024-02-29t00:00:00.5z", "2026-01-01T00:00:00-00:00"]
)
VALID: dict[Endpoint, st.SearchStrategy[Body]] = {
    Endpoint.SEND: st.tuples(_replacements, _envelopes).map(lambda parts: parts[0] | parts[1]),
    Endpoint.REPLACE: _replacements,
    Endpoint.STREAM_PUT: st.builds(_with_buttons, _streams, _maybe, _maybe),
    Endpoint.STREAM_DELETE: st.builds(_with_buttons, _ends, _maybe, _maybe) | some({}, action=actions, **_around),
    Endpoint.METRIC: some({"value": numbers | short}, timestamp=_moments),
    Endpoint.BADGE: some({"badge": st.integers(0, 2**31 - 1)}, target=targets),
}
NAMES = {
    Endpoint.SEND: "",
    Endpoint.REPLACE: "n/1 ü",
    Endpoint.STREAM_PUT: "prod-web_1",
    Endpoint.STREAM_DELETE: "prod-web_1",
    Endpoint.METRIC: "deploy.success_rate",
    Endpoint.BADGE: "",
}

ODD: list[Any] = [
    *(None, True, False, 0, -1, 0.5, 1.0, 3, 9, 100.1, 2**31, 10**19),
    *("", " ", "x", "x" * 65, "x" * 4001, "pink", "Blue", "red", "value", "timer", "stats", "open_url", "webhook"),
    *("PUT", "GET", "critical", "passive", "yesterday", "2026-05-03", "a b", "-x", "Ops", "__proto__", "ops\n"),
    *("http://e.example", "https://e.example", "https://u:p@e.example", "https://", "e.example/x", "spotify:track:1"),
    *("javascript:alert(1)", "FILE:///etc/passwd", "https://e.example/\x00", "https://e.example/a b", "shortcuts://x"),
    *("https://e.example/" + "a" * 2030, "https://e.example/" + "a" * 2031, "a:\x9f", "mailto:a@b.example\n"),
    *("\ufeff", "https://e.example/\ufeff"),
    *([], ["ops"], ["ops", "ops"], [1], [None], "ops", {}, {"channels": []}, {"channels": ["ops"]}, {"k": None}),
    *({"k": [1]}, {" ": 1}, {"title": "x"}, {"symbol": "bolt"}, {"title": "x", "type": "open_url", "url": "a:b"}),
    [f"t{number}" for number in range(21)],
    {f"k{number}": number for number in range(51)},
    {f"k{number}": "x" * 4000 for number in range(5)},
]
_FIELDS = [
    *("title", "type", "subtitle", "value", "metrics", "number_of_steps", "current_step", "step_color"),
    *("step_colors", "percentage", "upper_limit", "message", "duration_seconds", "counts_down", "is_running"),
    *("color", "icon", "badge", "auto_dismiss_seconds", "auto_dismiss_minutes", "action", "actions"),
    *("secondary_action", "alert", "channels", "target", "tags", "metadata", "media", "redirection"),
    *("interruption_level", "payload", "sound", "unit", "timestamp", "symbol", "label", "url", "method", "body"),
    *("foo"),
]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every holder and key in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)


@st.composite
def nearly_valid(draw: st.DrawFn, endpoint: Endpoint) -> Any:
    """A body that may be sent, with one to two things done to it; it may still be sent, or not."""
    body = deepcopy(draw(VALID[endpoint]))
    for _ in range(draw(st.integers(1, 2))):
        holders = [body, *(holder[key] for holder, key in _places(body) if isinstance(holder[key], dict))]
        places = list(_places(body))
        deed = draw(st.sampled_from(["replace", "remove", "add", "repeat"]))
        if deed == "add" or not places:
            draw(st.sampled_from(holders))[draw(st.sampled_from(_FIELDS))] = deepcopy(draw(st.sampled_from(ODD)))
            continue
        holder, key = draw(st.sampled_from(places))
        if deed == "remove":
            del holder[key]
        elif deed == "repeat" and isinstance(holder[key], list) and holder[key]:
            holder[key] = deepcopy(holder[key] * draw(st.sampled_from([2, 9])))
        else:
            holder[key] = deepcopy(draw(st.sampled_from(ODD)))
    return body


def _strict(schema: Any) -> Any:
    """A schema whose patterns mean what JSON Schema means: Python's ``$`` also stands before a line feed."""
    if isinstance(schema, dict):
        return {
            key: _pattern(item) if key == "pattern" and isinstance(item, str) else _strict(item)
            for key, item in schema.items()
        }
    return [_strict(item) for item in schema] if isinstance(schema, list) else schema


def _pattern(pattern: str) -> str:
    return re.sub(r"(?<!\\)\$$", r"\\Z", pattern).replace(r"\s", r"\s\ufeff").replace(r"\S", SIGN)


SCHEMAS = {
    endpoint: Draft202012Validator(_strict(json.loads((CONTRACT / f"{endpoint}.client.schema.json").read_text())))
    for endpoint in Endpoint
}


def allowed(endpoint: Endpoint, body: Any) -> bool:
    """Whether the contract's own schema, and the rules that it names but cannot say, allow a client this body."""
    return bool(SCHEMAS[endpoint].is_valid(body)) and _keeps_the_prose(body)


def _keeps_the_prose(body: Body) -> bool:
    state = body.get("content_state", {})
    weighed = {name: part for name, part in body.items() if name not in ("tags", "metadata")}
    is_bar = state.get("type") == "progress" and "upper_limit" in state
    return (
        _size(weighed) <= 3500
        and _size(body.get("metadata", {})) <= 16384
        and state.get("current_step", 0) <= state.get("number_of_steps", 10**9)
        and len(state.get("step_colors", "x" * state.get("current_step", 0))) == state.get("current_step", 0)
        and (not is_bar or 0 <= state["value"] <= state["upper_limit"])
        and _is_moment(body.get("timestamp", "2026-05-03T11:30:00Z"))
        and not any(unicodedata.category(sign) == "Cc" for url in _links(body) for sign in url)
    )


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _is_moment(text: str) -> bool:
    if not re.match(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d", text):
        return False
    try:
        return datetime.fromisoformat(text.upper()).tzinfo is not None
    except ValueError:
        return False


def _links(body: Body) -> list[str]:
    """What a push opens; elsewhere the schema's own patterns leave no place for a control character."""
    actions = [action["url"] for action in body.get("actions", ()) if action["type"] == "open_url"]
    return [*actions, body.get("redirection", "")]
