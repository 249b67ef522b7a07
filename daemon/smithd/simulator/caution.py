"""Refuses what no source promises to work, so that a client which passes here passes everywhere. No I/O.

The real service may take some of it. What is documented, or what the official SDKs send of themselves, is let through.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from smithd.simulator.exchange import Json

Doubt = tuple[str, str]
"""A dotted path in the body, and what is doubtful there."""

_OF_EVERY_TYPE = {"title", "type", "icon", "auto_dismiss_seconds", "auto_dismiss_minutes"}
_OF_TYPE = {
    "value": {"subtitle", "value", "color", "badge"},
    "stats": {"subtitle", "metrics"},
    "metrics": {"subtitle", "metrics", "color"},
    "segmented_progress": {
        "subtitle", "number_of_steps", "current_step", "step_color", "step_colors", "color", "badge",
    },
    "progress": {"subtitle", "percentage", "value", "upper_limit", "color", "badge"},
    "alert": {"message", "color", "badge"},
    "timer": {"subtitle", "duration_seconds", "counts_down", "is_running", "color"},
}  # fmt: skip
# The official Python SDK adds these to the content of every type, and each is true.
_TRUE_FROM_SDKS = {"counts_down", "is_running"}
_TWO_BUTTONS = {"value", "alert", "segmented_progress", "progress"}
_MAX_VALUE = 64
_MAX_METRICS = 2
_MAX_URL = 2048
_MAX_SHOWN_BYTES = 3500

_WEB_URL = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")
_SHORTCUT = re.compile(r"shortcuts://run-shortcut\?name=\S+")
_CAPITAL = re.compile(r"[A-Z]")


def units(text: str) -> int:
    """A text's length in UTF-16, as the service's own command counts its characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def doubts(body: Json) -> Iterator[Doubt]:
    """What is doubtful in a body that its schema takes, in no particular order of weight."""
    # Apple takes 4 KB, and the service puts something of its own around; tags and metadata stay on the server.
    shown = {name: value for name, value in body.items() if name not in ("tags", "metadata")}
    size = len(json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode())
    if size > _MAX_SHOWN_BYTES:
        yield "", f"{size} bytes without tags and metadata; more than {_MAX_SHOWN_BYTES} may not reach a phone"

    yield from _blank_texts(body)

    for path, holder in (("channels", body), ("target.channels", body.get("target", {}))):
        if any(not re.fullmatch(r"\S+", slug) for slug in holder.get("channels", ())):
            yield path, "a channel's slug has no blanks"
    if any(_CAPITAL.search(tag) for tag in body.get("tags", ())):
        # The service's pattern has capitals, and its error text names lower case only.
        yield "tags", "tags are lower case"

    yield from _urls(body)
    yield from _buttons(body)
    if "content_state" in body:
        yield from _content(body["content_state"])


def _content(content: Json) -> Iterator[Doubt]:
    kind = content.get("type")
    if kind is None:
        return
    for name in sorted(content.keys() - _OF_EVERY_TYPE - _OF_TYPE[kind]):
        if name not in _TRUE_FROM_SDKS or content[name] is not True:
            yield f"content_state.{name}", f"is not documented for the type {kind}"
    if kind == "value" and isinstance(content["value"], str) and units(content["value"]) > _MAX_VALUE:
        yield "content_state.value", f"is longer than {_MAX_VALUE} characters"
    metrics = content["metrics"] if kind == "metrics" else []
    if len(metrics) > _MAX_METRICS:
        yield "content_state.metrics", "the type metrics shows two related values; stats takes eight"
    for index, metric in enumerate(metrics):
        if isinstance(metric["value"], str):
            yield f"content_state.metrics.{index}.value", "the type metrics shows numbers; stats takes texts too"
    colors = content.get("step_colors") if kind == "segmented_progress" else None
    if colors is not None and len(colors) != content["current_step"]:
        yield "content_state.step_colors", "should hold one colour for each completed step"
    if kind == "progress" and "percentage" not in content and not 0 <= content["value"] <= content["upper_limit"]:
        yield "content_state.value", "is not between 0 and upper_limit"


def _blank_texts(body: Json) -> Iterator[Doubt]:
    content = body.get("content_state", {})
    holders: list[tuple[str, Json, tuple[str, ...]]] = [
        ("", body, ("title", "value")),
        ("content_state.", content, ("title", "value", "message")),
        ("content_state.icon.", content.get("icon", {}), ("symbol",)),
        ("content_state.badge.", content.get("badge", {}), ("title",)),
    ]
    for index, metric in enumerate(content.get("metrics", ())):
        holders.append((f"content_state.metrics.{index}.", metric, ("label", "value")))
    holders += [(f"{path}.", action, ("title",)) for path, action in _actions(body)]

    for path, holder, names in holders:
        for name in names:
            text = holder.get(name)
            if isinstance(text, str) and not text.strip():
                yield f"{path}{name}", "is blank"


def _actions(body: Json) -> Iterator[tuple[str, Json]]:
    """The buttons of a Live Activity or of a push, each with its path."""
    for name in ("action", "secondary_action"):
        if name in body:
            yield name, body[name]
    for index, action in enumerate(body.get("actions", ())):
        yield f"actions.{index}", action


def _urls(body: Json) -> Iterator[Doubt]:
    for name in ("icon", "media"):
        if name in body and not _WEB_URL.fullmatch(body[name]):
            yield name, "must be a URL with a host, without credentials and blanks"
        if units(body.get(name, "")) > _MAX_URL:
            yield name, f"is longer than {_MAX_URL} characters"
    if re.search(r"\s", body.get("redirection", "")):
        yield "redirection", "a URL has no blanks"
    for path, action in _actions(body):
        url = action["url"]
        # A push also opens other apps' links; a webhook is for the web.
        if path.startswith("actions") and action["type"] == "open_url":
            is_sound = not re.search(r"\s", url)
        else:
            is_sound = bool(_WEB_URL.fullmatch(url) or _SHORTCUT.fullmatch(url))
        if not is_sound:
            yield f"{path}.url", "must be a URL with a host and without blanks, or shortcuts://run-shortcut?name=…"
        if action["type"] == "open_url" and units(url) > _MAX_URL:
            yield f"{path}.url", f"is longer than {_MAX_URL} characters"


def _buttons(body: Json) -> Iterator[Doubt]:
    for path, action in _actions(body):
        # A method is let through beside open_url, since the Python SDK adds one to every such button.
        if action["type"] == "open_url" and "body" in action:
            yield f"{path}.body", "only a webhook has a body"
    if "secondary_action" in body:
        if "action" not in body:
            yield "secondary_action", "a second button without a first is not documented"
        # Where the type is not known, it may be one that has two buttons.
        kind = body.get("content_state", {}).get("type", "value")
        if kind not in _TWO_BUTTONS:
            yield "secondary_action", f"is not documented for the type {kind}"
