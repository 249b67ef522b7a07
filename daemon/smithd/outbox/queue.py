"""Messages enqueued, claimed, settled and taken out: each function takes the outbox and returns the next one, with what
a transaction must write. No I/O.

What replaces what is explained in ``state``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rpds import HashTrieMap

from smithd.keys import BadgeKey, Key, SurfaceKey
from smithd.outbox import presumed
from smithd.outbox.draft import Draft
from smithd.outbox.message import (
    LATE_ARRIVAL,
    LONGEST_REQUEST,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    LevelMessage,
    Message,
    Push,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.queued import Boot, Claim, Queued, SentRequest
from smithd.outbox.settlement import Accept, Drop, Retry, Settlement, Wait
from smithd.outbox.shown import (
    Shown,
    ShownActivity,
    ShownPush,
    TimerWindow,
    differs,
    is_like,
    says_same,
)
from smithd.outbox.state import Outbox, OutboxChanges
from smithd.outbox.worth import seen, updated

PUSHES_KEPT_FOR = 7 * 86400.0
PUSHES_KEPT = 500
"""How long (seconds), and how many, accepted pushes are remembered; those whose alert is open stay as long as it is."""

SENT_KEPT_FOR = 300.0
"""Seconds for which requests are remembered; the service's limits look back on 60."""

_PRUNE_EVERY = 64


def enqueue(outbox: Outbox, message: Message) -> tuple[Outbox, OutboxChanges]:
    """Keep what the phone should show: what waits for the key is replaced, or withdrawn where the phone shows (or will,
    once a request is answered) just that. The very same outbox where that changes nothing.
    """
    draft = Draft(outbox)
    waiting, claim = outbox.waiting.get(message.key), outbox.claimed.get(message.key)
    # A stream ends once: a request in flight that ends it carries any other end too, whatever its final state is.
    ends = isinstance(message, ActivityEnd)
    is_sent = claim is not None and (
        claim.queued.message == message or (ends and isinstance(claim.queued.message, ActivityEnd))
    )
    if is_sent or not _is_worth(outbox, message, outbox.shown.get(message.key)):
        # A push that waits says something else, and is still to be seen; a level that waits is out of date.
        draft.wait(message.key, waiting if isinstance(message, Push | PushUpdate) else None)
    elif waiting is None:
        draft.wait(message.key, Queued(draft.new_id(), message))
    # Where it is the very same, nothing is written.
    elif (following := _succession(waiting, message)) is not waiting:
        draft.wait(message.key, following)
    if isinstance(message, WidgetValue):
        _watch(draft, message)
    return draft.result


def _watch(draft: Draft, message: WidgetValue) -> None:
    """Remember how a widget's value moves. That alone is no reason to write."""
    before = draft.outbox.movements.get(message.key)
    if (movement := seen(before, message.value, message.created)) is not before:
        draft.move(message.key, movement, is_written=bool(draft.changes))


def withdraw(outbox: Outbox, key: Key) -> tuple[Outbox, OutboxChanges]:
    """Take out what waits for a key; what is in flight stays."""
    draft = Draft(outbox)
    draft.wait(key, None)
    return draft.result


def forget(outbox: Outbox, key: Key) -> tuple[Outbox, OutboxChanges]:
    """Forget what a key shows, and leave it on the phone as it is: it is not ours."""
    draft = Draft(outbox)
    draft.show(key, None)
    return draft.result


def fill_lanes(outbox: Outbox, now: float) -> Outbox:
    """The outbox with what may go by now in its lanes: before anything is chosen from them."""
    draft = Draft(outbox)
    draft.fill_lanes(now)
    return draft.outbox


def claim(
    outbox: Outbox, queued: Queued, family: str, now: float, window: TimerWindow | None = None, boot: Boot | None = None
) -> tuple[Outbox, OutboxChanges, Claim]:
    """A message's request goes out, once this is written. ``window``: that of the timer which is shown if the message
    is accepted, or may be; ``boot``: now, by the machine's own clock.
    """
    draft, message, before = Draft(outbox), queued.message, outbox.shown.get(queued.message.key)
    shown: Shown | None = None
    if not isinstance(message, Push | PushUpdate):
        shown = presumed.in_flight(message, before, now, window) if differs(message, before) else before
    until = replace(boot, time=boot.time + LONGEST_REQUEST) if boot is not None else None
    request = SentRequest(draft.new_id(), message.key.account, family, now + LONGEST_REQUEST, until)
    found = Claim(queued, before, shown, request.id)
    draft.claim(found)
    draft.count(request)
    if shown is not None:
        draft.show(message.key, shown, is_certain=False)
    # Looking at every request costs too much for each of them.
    if request.id % _PRUNE_EVERY == 0:
        for sent in list(draft.outbox.sent.values()):
            if sent.age(now, boot) > SENT_KEPT_FOR:
                draft.count_no_more(sent.id)
    return *draft.result, found


def repeat(outbox: Outbox, message: LevelMessage) -> tuple[Outbox, OutboxChanges, Queued]:
    """Have a level wait that changes nothing: its request is to find out whether the service answers."""
    draft = Draft(outbox)
    queued = Queued(draft.new_id(), message)
    draft.wait(message.key, queued)
    return *draft.result, queued


def settle(
    outbox: Outbox, claim: Claim, settlement: Settlement, now: float, boot: Boot | None = None
) -> tuple[Outbox, OutboxChanges]:
    """How a request ended; what waits for the key by now is compared with what is shown. A claim that is not the key's
    any more (its account has moved) only counts as sent.
    """
    draft, key = Draft(outbox), claim.queued.message.key
    _count_answered(draft, claim, settlement, now, boot)
    held = outbox.claimed.get(key)
    if held is None or held.sent != claim.sent:
        return draft.result
    # Its times are others than those of the sender's, where the clock was set since.
    claim = held
    draft.unclaim(key)
    shown = presumed.settled(claim, settlement, now)
    draft.show(key, shown)
    match settlement:
        case Accept():
            _accept(draft, claim.queued.message, now)
        case Drop(off=off):
            _refuse(draft, claim.queued.message, off=off)
    draft.wait(key, _after_settling(draft.outbox, claim.queued, settlement, shown))
    if isinstance(shown, ShownPush):
        _forget_old_pushes(draft, shown, now)
    return draft.result


def _count_answered(draft: Draft, claim: Claim, settlement: Settlement, now: float, boot: Boot | None) -> None:
    """The claim counted the request up to its time-out; by now it is known when it can have arrived at the latest."""
    if (request := draft.outbox.sent.get(claim.sent)) is not None:
        late = LATE_ARRIVAL if isinstance(settlement, Retry) and settlement.sent else 0.0
        by = replace(boot, time=boot.time + late) if boot is not None else None
        draft.count(replace(request, at=now + late, boot=by))


def _accept(draft: Draft, message: Message, now: float) -> None:
    """What else it means that a message was accepted."""
    draft.outbox = replace(draft.outbox, refused=draft.outbox.refused.discard((message.key, type(message))))
    match message:
        case WidgetValue(key):
            movement = draft.outbox.movements.get(key) or seen(None, message.value, now)
            draft.move(key, updated(movement, now), is_written=True)
        case Push() | PushUpdate() | ActivityState():
            _release_badge(draft, message.key.account)


def _after_settling(outbox: Outbox, sent: Queued, settlement: Settlement, shown: Shown | None) -> Queued | None:
    """What waits for a key once the request of ``sent`` ended, as far as it is still worth sending."""
    waits, message = outbox.waiting.get(sent.message.key), sent.message
    is_state = isinstance(message, WidgetValue | ActivityState) or (isinstance(message, BadgeCount) and message.count)
    # A surface that the configuration has lost while its request was in flight is not sent again.
    is_wanted = not is_state or outbox.wanted is None or message.key in outbox.wanted
    if isinstance(settlement, Retry) and is_wanted:
        waits = _back(sent, waits, settlement)
    if waits is not None and isinstance(shown, ShownActivity):
        waits = _put_off_by_warning(waits, shown)
    return waits if waits is not None and _is_worth(outbox, waits.message, shown) else None


def _release_badge(draft: Draft, account: str) -> None:
    """The account's devices were reached: a badge that waits for that may go."""
    badge = draft.outbox.waiting.get(BadgeKey(account))
    if badge is not None and badge.wait is Wait.DEVICES:
        draft.wait(badge.message.key, replace(badge, retry_at=0.0, wait=Wait.TIME))


def expire(outbox: Outbox, now: float) -> tuple[Outbox, OutboxChanges, list[Queued]]:
    """Take out what is too old to be worth sending; the third is that."""
    draft, expired = Draft(outbox), list[Queued]()
    while (first := draft.outbox.expiring.first) is not None and first[0] <= now:
        expired.append(draft.outbox.waiting[first[2]])
        draft.wait(first[2], None)
    return *draft.result, expired


def put_off(outbox: Outbox, queued: Queued, retry: Retry) -> tuple[Outbox, OutboxChanges]:
    """A push that waits cannot be sent as it is: it is tried again as ``retry`` says."""
    draft = Draft(outbox)
    draft.wait(queued.message.key, _back(queued, None, retry))
    return draft.result


def drop(outbox: Outbox, queued: Queued) -> tuple[Outbox, OutboxChanges]:
    """Take out a message that cannot be sent as it is; as a level it is not tried again until it changes."""
    draft = Draft(outbox)
    _refuse(draft, queued.message, off=False)
    draft.wait(queued.message.key, None)
    return draft.result


def not_repeated(outbox: Outbox, queued: Queued, now: float) -> tuple[Outbox, OutboxChanges]:
    """Take out a push that may have been accepted, and is not to be sent twice."""
    draft = Draft(outbox)
    draft.wait(queued.message.key, None)
    draft.show(queued.message.key, presumed.not_repeated(queued.message, now))
    return draft.result


def release(outbox: Outbox, wait: Wait, account: str) -> Outbox:
    """End the waits of this kind, of one account."""
    draft = Draft(outbox)
    for key, queued in outbox.waiting.items():
        if queued.wait is wait and key.account == account and queued.retry_at:
            draft.wait(key, replace(queued, retry_at=0.0, wait=Wait.TIME))
    return draft.outbox


def want(outbox: Outbox, keys: Iterable[SurfaceKey]) -> Outbox:
    """Which surfaces there are by now: the level of another one that is in flight is not tried again."""
    return replace(outbox, wanted=frozenset(keys))


def try_again(outbox: Outbox, account: str) -> Outbox:
    """Forget what was refused or put off: the configuration, or what it needs in the app, may be right by now."""
    refused = {place: message for place, message in outbox.refused.items() if place[0].account != account}
    draft = Draft(replace(outbox, refused=HashTrieMap(refused)))
    for key, queued in outbox.waiting.items():
        if queued.refusals and key.account == account:
            draft.wait(key, replace(queued, retry_at=0.0, wait=Wait.TIME, refusals=0))
    return release(draft.outbox, Wait.TIME, account)


def _succession(waiting: Queued, message: Message) -> Queued:
    """What waits for the key in place of ``waiting``, once ``message`` came, which is worth sending."""
    old = waiting.message
    if _is_another_matter(message, old):
        return Queued(waiting.id, message)
    if isinstance(message, Push | PushUpdate):
        if message == old:
            return waiting
        # That the old text was refused says nothing about another one.
        is_new = waiting.refusals > 0 and isinstance(old, Push | PushUpdate) and message.content != old.content
        return Queued(waiting.id, message) if is_new else replace(waiting, message=message)
    if isinstance(message, WidgetValue) and isinstance(old, WidgetValue):
        # It has differed from the screen since the first of them.
        message = replace(message, created=min(message.created, old.created))
    if not is_like(message, old):
        return replace(waiting, message=message)
    if message.priority >= old.priority and message.due >= old.due:
        return waiting
    sooner = replace(message, priority=min(message.priority, old.priority), due=min(message.due, old.due))
    return replace(waiting, message=sooner)


def _is_another_matter(message: Message, other: Message) -> bool:
    """Whether a message does not continue another of its key: an end instead of an update."""
    return isinstance(message, ActivityEnd) is not isinstance(other, ActivityEnd)


def _is_worth(outbox: Outbox, message: Message, shown: Shown | None) -> bool:
    place = (message.key, type(message))
    if place in outbox.refused:
        refused = outbox.refused[place]
        if refused is None or says_same(message, refused):
            return False
    return differs(message, shown)


def _refuse(draft: Draft, message: Message, *, off: bool) -> None:
    if not isinstance(message, Push | PushUpdate):
        refused = draft.outbox.refused.insert((message.key, type(message)), None if off else message)
        draft.outbox = replace(draft.outbox, refused=refused)


def _back(queued: Queued, newer: Queued | None, retry: Retry) -> Queued:
    """The message that waits after a try that must be repeated: the newer one, if there is one; the wait is the key's.

    A newer one that is another matter (an end instead of an update), or another text than the one that was refused,
    does not wait.
    """
    attempts = {Wait.ANSWER: queued.attempts + 1, Wait.PROBE: queued.attempts}.get(retry.wait, 0)
    if newer is not None and (retry.refused or _is_another_matter(newer.message, queued.message)):
        return newer
    base = newer or queued
    if not isinstance(base.message, Push | PushUpdate):
        # What made the first one urgent is not shown yet: the newer one takes over its priority.
        old = queued.message
        sooner = replace(
            base.message, priority=min(base.message.priority, old.priority), due=min(base.message.due, old.due)
        )
        base = replace(base, message=sooner)
    return replace(
        base,
        retry_at=retry.at,
        wait=retry.wait,
        attempts=attempts,
        refusals=base.refusals + retry.refused,
        reason=retry.reason,
        detail=retry.detail,
    )


def _put_off_by_warning(queued: Queued, shown: ShownActivity) -> Queued:
    """What waits for a stream, once the service has warned that iOS may drop its updates: it waited already then."""
    message = queued.message
    if not isinstance(message, ActivityState) or message.stage.is_beyond(shown.stage):
        return queued
    return replace(queued, message=replace(message, due=max(message.due, shown.updates.warned_until)))


def _forget_old_pushes(draft: Draft, newest: ShownPush, now: float) -> None:
    """Forget pushes that are too old to be replaced, and the oldest of too many."""
    shown = draft.outbox.shown.values()
    closed = [push for push in shown if isinstance(push, ShownPush) and push.key != newest.key and not push.is_open]
    closed.sort(key=lambda push: push.at)
    # The newest push is not among them, and takes one of the places.
    surplus, oldest = len(closed) + 1 - PUSHES_KEPT, now - PUSHES_KEPT_FOR
    for index, push in enumerate(closed):
        if index < surplus or push.at < oldest:
            draft.show(push.key, None)
