"""Why an alert was notified, or was not: stable identifiers, and their sentences. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from smithd.alerts.reason import Evidence
from smithd.plugin.sample import Series


class Reason(StrEnum):
    """Why something was notified, or was not; docs/rules.md explains each."""

    NOTIFIED = "notified"
    DIGEST = "digest"
    STORM = "storm_summary"
    REMINDED = "reminded"
    UPDATED = "updated_in_place"
    GROUP_WAIT = "group_wait"
    GROUP_INTERVAL = "group_interval"
    UPDATE_INTERVAL = "update_interval"
    SILENCED = "silenced"
    MUTED = "muted"
    INHIBITED = "inhibited"
    DEPENDENT = "dependent"
    UNCONFIRMED = "unconfirmed"
    PREVIOUS_UNSENT = "previous_unsent"
    NOT_REPLACEABLE = "not_replaceable"
    SEVERITY_NOT_LISTED = "severity_not_listed"
    NO_PUSH = "no_push"
    INTERMEDIATE = "intermediate"
    SEVERITY_LOWERED = "severity_lowered"
    FIRED_AGAIN = "fired_again"
    RESOLVED_BEFORE_NOTIFIED = "resolved_before_notified"
    RESOLVE_NOT_NOTIFIED = "resolve_not_notified"
    REFUSED = "refused"
    ALERT_LIMIT = "alert_limit"
    CLOSED = "closed"
    UNCHANGED = "unchanged"


SENTENCES: dict[str, str] = {
    Reason.NOTIFIED: "notified",
    Reason.DIGEST: "notified in a digest",
    Reason.STORM: "in the storm summary",
    Reason.REMINDED: "reminded",
    Reason.UPDATED: "notification updated in place",
    Reason.GROUP_WAIT: "waits for group_wait",
    Reason.GROUP_INTERVAL: "waits for group_interval",
    Reason.UPDATE_INTERVAL: "waits for the next update in place",
    Reason.SILENCED: "silenced",
    Reason.MUTED: "muted",
    Reason.INHIBITED: "inhibited",
    Reason.DEPENDENT: "depends on another rule",
    Reason.UNCONFIRMED: "not confirmed since the start",
    Reason.PREVIOUS_UNSENT: "the previous notification still waits to be sent",
    Reason.NOT_REPLACEABLE: "the notification cannot be replaced; the next one says it",
    Reason.SEVERITY_NOT_LISTED: "severity not listed",
    Reason.NO_PUSH: "no push",
    Reason.INTERMEDIATE: "no change of severity",
    Reason.SEVERITY_LOWERED: "severity lowered",
    Reason.FIRED_AGAIN: "fired again soon after it was notified",
    Reason.RESOLVED_BEFORE_NOTIFIED: "resolved before it was notified",
    Reason.RESOLVE_NOT_NOTIFIED: "ends are not notified (on_resolve: none)",
    Reason.REFUSED: "not notified: the service refused it until it ended",
    Reason.ALERT_LIMIT: "its place went to a worse alert (max_alerts)",
    Reason.CLOSED: "no longer configured",
    Reason.UNCHANGED: "nothing new",
}


def reason_text(reason: str, detail: str = "") -> str:
    """A reason for a person, with what it is about; an identifier that is not known is shown as it is."""
    text = SENTENCES.get(reason, reason)
    return f"{text}: {detail}" if detail else text


@dataclass(frozen=True, slots=True)
class AlertDecision:
    """What was decided about an alert at ``at`` (seconds since 1970), for the journal and the log.

    ``change``: what had happened to it, "" where nothing had and only its notification changed; ``evidence``: why
    it changed; ``detail``: what the reason is about, as in "nights until 07:00"; ``notification``: the key of the
    notification, where there is one.
    """

    at: float
    rule: str
    series: Series
    change: str
    severity: str
    value: float | None
    evidence: Evidence | None
    reason: Reason
    detail: str = ""
    notification: str = ""

    def __str__(self) -> str:
        return reason_text(self.reason, self.detail)
