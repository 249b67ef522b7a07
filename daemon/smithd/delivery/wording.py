"""What became of a request, in a sentence for a person. No I/O."""

from __future__ import annotations

from smithd.outbox.settlement import DeliveryReason

_SENTENCES = {
    DeliveryReason.STREAM_PAUSED: "the stream is paused in the app; its newest state waits until it is resumed there",
    DeliveryReason.NO_EFFECT: "the service says that it had no effect ({detail})",
    DeliveryReason.TIMER_RESTARTED: "the timer was started anew, without its window",
    DeliveryReason.KEY_REFUSED: "the service refuses the key ({detail})",
    DeliveryReason.BILLING: "the account must be paid for ({detail})",
    DeliveryReason.RATE_LIMITED: "too many requests ({detail})",
    DeliveryReason.SLOTS_FULL: "no slot for another Live Activity ({detail})",
    DeliveryReason.NO_RECIPIENTS: "nobody to send to ({detail})",
    DeliveryReason.FORBIDDEN: "the key may not do this ({detail})",
    DeliveryReason.METRIC_MISSING: "the metric '{name}' does not exist: create it in the app ({detail})",
    DeliveryReason.EXPIRED: "it was not accepted in time ({detail})",
}


def sentence(reason: DeliveryReason, detail: str, name: str = "") -> str:
    """Why a message was not accepted. ``name``: the metric key of a widget."""
    if reason is DeliveryReason.NOT_CONFIRMED and not detail:
        return "the service did not confirm it"
    template = _SENTENCES.get(reason, "{detail}")
    return template.format(detail=detail, name=name)
