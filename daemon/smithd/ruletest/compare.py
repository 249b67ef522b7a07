"""Compares the result of a test with what it expects, and renders the differences. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from smithd.alerts.alert import Alert
from smithd.alerts.machine import Phase
from smithd.config.yaml.positions import Path
from smithd.contract.endpoint import Endpoint
from smithd.formatting import labels_text
from smithd.keys import DEFAULT_ACCOUNT
from smithd.ruletest.expected import AlertIs, RequestIs, When
from smithd.ruletest.model import Case
from smithd.ruletest.played import Played, Sent

MOST_TRANSITIONS = 8
"""The latest transitions of alerts that are shown with a difference."""

_PUSHES = (Endpoint.SEND, Endpoint.REPLACE)
_STREAMS = (Endpoint.STREAM_PUT, Endpoint.STREAM_DELETE)


class Difference(NamedTuple):
    """Something that is not as expected: the part of the file that says so, and the lines that show the difference."""

    at: Path
    lines: Sequence[str]


def differences(case: Case, at: Path, played: Played) -> Iterator[Difference]:
    """All that is not as the case expects it; ``at`` is the place of the case in the file."""
    yield from _alerts(case, at, played)
    if case.pushes is not None:
        sent = [each for each in played.sent if each.endpoint in _PUSHES]
        yield from _in_order((*at, "pushes"), case.pushes, sent, played)
    for key, values in case.widgets.items():
        sent = [each for each in played.sent if each.endpoint is Endpoint.METRIC and each.name == key]
        yield from _in_order((*at, "widgets", key), values, sent, played)
    for key, shows in case.activities.items():
        sent = [each for each in played.sent if each.endpoint in _STREAMS and each.name == key]
        yield from _in_order((*at, "activities", key), shows, sent, played)
    if case.badge is not None:
        sent = [each for each in played.sent if each.endpoint is Endpoint.BADGE]
        yield from _in_order((*at, "badge"), case.badge, sent, played)
    # A request that the service refuses is a difference even where the test says nothing of it.
    for each in played.sent:
        if each.refused:
            yield Difference(at, [f"the service refuses a request at {clock(each.at)}: {each.refused}"])


def _alerts(case: Case, at: Path, played: Played) -> Iterator[Difference]:
    asked: dict[tuple[float, str], list[int]] = defaultdict(list)
    for index, expected in enumerate(case.alerts):
        asked[expected.at, expected.rule].append(index)
    for (moment, rule), indices in asked.items():
        wanted = [case.alerts[index] for index in indices]
        found = [alert for alert in played.alerts[moment] if alert.rule == rule]
        if not _same_alerts(wanted, found):
            active = [each for each in wanted if each.state != "inactive"]
            expected_lines = [_described(each.state, each.severity, each.labels) for each in active]
            got_lines = [_described(_state(alert), alert.severity, dict(alert.series.labels)) for alert in found]
            lines = [f"{rule} at {clock(moment)}"]
            lines += [f"  expected  {line}" for line in expected_lines or ["no alert"]]
            lines += [f"  got       {line}" for line in got_lines or ["no alert"]]
            yield Difference((*at, "alerts", indices[0]), [*lines, *_transitions(played, moment)])


def _same_alerts(wanted: Sequence[AlertIs], found: Sequence[Alert]) -> bool:
    """Whether each alert that was found is one that was wanted, and each that was wanted was found."""
    left = list(found)
    # Those with the most labels first: one with few would else take the alert that only another can mean.
    for each in sorted(wanted, key=lambda each: -len(each.labels)):
        if each.state == "inactive":
            continue
        for alert in left:
            # An alert that recovers fires still.
            is_state = _state(alert) == each.state or (_state(alert), each.state) == ("recovering", "firing")
            is_severity = each.severity is None or each.severity is alert.severity
            if is_state and is_severity and each.labels.items() <= dict(alert.series.labels).items():
                left.remove(alert)
                break
        else:
            return False
    return not left


def _state(alert: Alert) -> str:
    if alert.severity is None:
        return "pending"
    recovers = all(hold.phase is Phase.RECOVERING for hold in alert.holds if hold.fires)
    return "recovering" if recovers else "firing"


def _described(state: str, severity: str | None, labels: Mapping[str, str]) -> str:
    return " ".join(filter(None, [state, severity, labels_text(labels.items())]))


def _in_order(at: Path, wanted: Sequence[RequestIs], sent: Sequence[Sent], played: Played) -> Iterator[Difference]:
    """One difference for a list: what is missing and what was not expected, among what is as expected."""
    expected = [each.written for each in wanted]
    hidden = _HIDDEN.difference(*(each.get("content_state", ()) for each in expected))
    lines: list[tuple[float, str]] = []
    missing: list[int] = []
    left = list(sent)

    def unexpected(requests: Sequence[Sent]) -> Iterator[tuple[float, str]]:
        yield from ((each.at, f"+ {clock(each.at)}  {_rendered(_worth_showing(each, hidden))}") for each in requests)

    for index, (when, fields) in enumerate(zip((each.at for each in wanted), expected, strict=True)):
        found = next((place for place, request in enumerate(left) if _meets(when, fields, request)), None)
        if found is None:
            window = clock(when.first) + (f"..{clock(when.last)}" if when.last != when.first else "")
            missing.append(index)
            lines.append((when.first, f"- {window}  {_rendered(fields)}"))
            continue
        lines += unexpected(left[:found])
        lines.append((left[found].at, f"  {clock(left[found].at)}  {_rendered(fields)}"))
        del left[: found + 1]
    lines += unexpected(left)
    if any(line[0] in "+-" for _, line in lines):
        heading = f"{'.'.join(map(str, at[2:]))}, as it came (- expected and not come, + come and not expected)"
        shown = [f"  {line}" for _, line in sorted(lines, key=lambda line: line[0])]
        last = max(moment for moment, _ in lines)
        yield Difference((*at, missing[0]) if missing else at, [heading, *shown, *_transitions(played, last)])


def _fields(sent: Sent) -> dict[str, Any]:
    """What a request says, by the names that a test has for it."""
    body = {**sent.body, "account": sent.account}
    channels = {"channels": body.pop("target", {}).get("channels")}
    if sent.endpoint in _PUSHES:
        return body | channels | {"in_place": sent.endpoint is Endpoint.REPLACE}
    if sent.endpoint is Endpoint.BADGE:
        return {"count": body["badge"], "account": sent.account} | channels
    if sent.endpoint is Endpoint.METRIC:
        return {"value": body["value"], "account": sent.account}
    state = body.pop("content_state", {})
    rows = {row["label"]: row["value"] for row in state.get("metrics", ())}
    shown = {"title": state.get("title"), "subtitle": state.get("subtitle"), "stats": rows, "content_state": state}
    return shown | body | channels | {"ended": sent.endpoint is Endpoint.STREAM_DELETE}


def _meets(when: When, expected: Mapping[str, Any], sent: Sent) -> bool:
    fields = _fields(sent)
    # The end of a Live Activity is only what a test that expects its end means.
    if sent.at not in when or (fields.get("ended") and not expected.get("ended")):
        return False
    return all(_has(fields.get(name), part) for name, part in expected.items())


def _has(sent: Any, expected: Any) -> bool:
    """Whether what was sent has what is expected: parts that a test does not name may be there, too."""
    if expected in ("", [], {}):
        return sent in (None, "", [], {})
    if isinstance(expected, dict):
        return isinstance(sent, dict) and all(_has(sent.get(name), part) for name, part in expected.items())
    if isinstance(expected, list):
        same_length = isinstance(sent, list) and len(sent) == len(expected)
        return same_length and all(map(_has, sent, expected))
    # To Python, True is the number 1; in JSON it is not.
    return isinstance(sent, bool) is isinstance(expected, bool) and sent == expected


_HIDDEN = frozenset({"title", "subtitle", "metrics", "type", "icon"})
"""The fields of a content state that are not shown of a request unless a test names them: others say the same, or they
say nothing.
"""


def _worth_showing(sent: Sent, hidden: Set[str]) -> dict[str, Any]:
    """What a request says, without what is empty and without some fields of its content state."""
    fields = _fields(sent)
    if isinstance(state := fields.get("content_state"), dict):
        fields["content_state"] = {name: part for name, part in state.items() if name not in hidden}
    if sent.account == DEFAULT_ACCOUNT:
        del fields["account"]
    # 0 is equal to False, and says something.
    return {name: part for name, part in fields.items() if part is not False and part not in (None, "", [], {})}


def _rendered(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value!r}" for name, value in fields.items()) or "anything"


def _transitions(played: Played, until: float) -> list[str]:
    lines = [f"    {clock(at)}  {line}" for at, line in played.transitions if at <= until + 1][-MOST_TRANSITIONS:]
    return ["  the alerts until then:", *lines] if lines else ["  no alert has changed until then"]


def clock(seconds: float) -> str:
    """Seconds since the start, as a test file writes them: ``1h2m``, ``90s`` as ``1m30s``."""
    rest = int(seconds + 0.0005)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return "".join(parts) or "0s"
