"""What became of a request, in words for a person. No I/O."""

from __future__ import annotations

from smithd.keys import Key, WidgetKey
from smithd.outbox.message import ActivityEnd, ActivityState, BadgeCount, Message, Push, PushUpdate, WidgetValue
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
    DeliveryReason.NOT_REPEATED: "{detail}; with delivery: at_most_once it is not sent again",
    DeliveryReason.EXPIRED: "it was not accepted in time ({detail})",
}


def sentence(reason: DeliveryReason, detail: str, name: str = "") -> str:
    """Why a message was not accepted. ``name``: the metric key of a widget."""
    if reason is DeliveryReason.NOT_CONFIRMED and not detail:
        return "the service did not confirm it"
    template = _SENTENCES.get(reason, "{detail}")
    return template.format(detail=detail, name=name)


def why(key: Key, reason: DeliveryReason, detail: str) -> str:
    """Why a message was not accepted, in a sentence."""
    return sentence(reason, detail, key.name if isinstance(key, WidgetKey) else "")


def summary(message: Message, *, is_plain: bool = False) -> str:
    """What the phone shows once a message was accepted, in a few words. ``is_plain``: it went as its plainest text."""
    match message:
        case WidgetValue():
            return str(message.value)
        case BadgeCount():
            return str(message.count)
        case ActivityEnd():
            return "leaves the Lock Screen"
        case ActivityState():
            state = message.content.content_state
            rows = [f"{row.get('label')} {row.get('value')}{row.get('unit', '')}" for row in state.get("metrics", ())]
            return ", ".join([str(state.get("title", "")), *rows])
        case Push() | PushUpdate():
            return message.content.plainest.title if is_plain else message.content.title
