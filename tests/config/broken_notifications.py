"""Mistakes in when a rule notifies: time windows, mutes, rules that wait for others, groups and reminders."""

from __future__ import annotations

from config.corpus import DURATION, Broken, part

NIGHTS = "time_windows:\n  nights: {from: '22:00', to: '07:00'}\n"


def windows(text: str, *said: str) -> Broken:
    """The time window ``nights``."""
    return part(f"time_windows:\n  nights: {text}\n", *said)


def rule(keys: str, *said: str) -> Broken:
    """The rule ``error-rate`` with these keys, beside ``other`` and the window ``nights``."""
    rest = "  other: {metric: shop.orders, warning: '> 1'}\n" + NIGHTS
    return part(f"rules:\n  error-rate: {{metric: prod.error_rate, warning: '> 1', {keys}}}\n{rest}", *said)


def waiting(first: str, second: str, *said: str) -> Broken:
    """The rules ``a`` and ``b``, with a key of each."""
    metric = "metric: shop.orders, warning: '> 1'"
    return part(f"rules:\n  a: {{{metric}, {first}}}\n  b: {{{metric}, {second}}}\nlive_activities: {{}}\n", *said)


NOTIFICATIONS: list[Broken] = [
    windows("{from: »'22', to: '07:00'}", "expected a time of day like 07:30"),
    windows("{from: »25:00}", "expected a time of day"),
    windows("{to: »7}", "expected a time of day"),
    windows("{»from: [22:00]}", "expected a time of day"),
    windows("{days: [»monday]}", "expected one of 'mon'"),
    windows("{»days: []}", "expected at least one"),
    windows("{from: 22:00, »until: 07:00}", "unknown key 'until'"),
    windows("{from: 22:00, timezone: »Europe/Berln}", "did you mean 'Europe/Berlin'?"),
    part("time_windows:\n  »nights: {}\n", "this window never ends"),
    part("time_windows:\n  »nights: {from: 07:00, to: 07:00}\n", "cannot begin and end at the same time"),
    part("time_windows:\n  »Nights: {days: [sat]}\n", "cannot be the name of a time window"),
    rule("mute: »nights", "expected a list / a list of one is written [nights]"),
    rule("mute: [»night]", "there is no time window 'night' / did you mean 'nights'?"),
    rule("mute: {during: [»weekends]}", "time windows declared: nights"),
    rule("»mute: {digest: true}", "the key 'during' is missing"),
    rule("mute: {during: [nights], except: [»crit]}", "did you mean 'critical'?"),
    rule("mute: {during: [nights], except: »critical}", "expected a list"),
    rule("mute: {during: [nights], »except: [warning, critical]}", "leave 'mute' out"),
    rule("mute: {during: [nights], digest: »often}", "expected true or false"),
    rule("mute: {during: [nights], »unless: [critical]}", "unknown key 'unless'"),
    rule("unless_firing: [»othr]", "there is no rule 'othr' / did you mean 'other'?"),
    rule("depends_on: [»network]", "rules declared: error-rate, other"),
    rule("depends_on: »other", "expected a list"),
    rule("unless_firing: [»error-rate]", "these rules wait for each other: error-rate → error-rate"),
    waiting("depends_on: [»b]", "unless_firing: [a]", "these rules wait for each other: a → b → a"),
    rule("push: {group_by: »host}", "expected a list"),
    rule("push: {group_by: ['...'], group_wait: »30s}", "group_wait is for groups; with group_by: ['...'] each alert"),
    rule("push: {»group_by: [host, '...']}", "'...' stands for all labels: leave out the others"),
    rule("push: {group_by: [], group_interval: »often}", DURATION),
    rule("push: {repeat: »hourly}", DURATION),
    rule("push: {repeat: »10s}", "expected"),
    rule("push: {repeat: {every: 1h, factor: »0.5}}", "expected"),
    rule("push: {repeat: {»evry: 1h}}", "did you mean 'every'?"),
    rule("push: {max_series: »0}", "expected"),
]
