"""The outbox's functions: each takes the outbox and returns the next one, with what a transaction must write. No I/O.

What replaces what is explained in ``state``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

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
from smithd.outbox.ordered import Ordered
from smithd.outbox.queued import Boot, Claim, Queued, SentRequest, ServiceAccount, WallClock
from smithd.outbox.settlement import Accept, Drop, Retry, Settlement, Wait
from smithd.outbox.shown import (
    Shown,
    ShownActivity,
    ShownPush,
    TimerWindow,
    differs,
    is_like,
    says_same,
    unknown,
)
from smithd.outbox.state import Outbox, OutboxChanges, StoredMessage
from smithd.outbox.worth import seen, updated

PUSHES_KEPT_FOR = 7 * 86400.0
PUSHES_KEPT = 500
"""How long (seconds), and how many, accepted pushes are remembered; those whose alert is open stay as long as it is."""

SENT_KEPT_FOR = 300.0
"""Seconds for which requests are remembered; the service's limits look back on 60."""

CLOCK_STEP = 2.0
"""Seconds by which the wall clock must leave the machine's own one to count as set."""

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
    # The claim counted the request up to its time-out; by now it is known when it can have arrived at the latest.
    if (request := outbox.sent.get(claim.sent)) is not None:
        late = LATE_ARRIVAL if isinstance(settlement, Retry) and settlement.sent else 0.0
        by = replace(boot, time=boot.time + late) if boot is not None else None
        draft.count(replace(request, at=now + late, boot=by))
    held = outbox.claimed.get(key)
    if held is None or held.sent != claim.sent:
        return draft.result
    # Its times are others than those of the sender's, where the clock was set since.
    claim = held
    if isinstance(settlement, Drop):
        _refuse(draft, claim.queued.message, off=settlement.off)
    place = (key, type(claim.queued.message))
    if isinstance(settlement, Accept) and place in draft.outbox.refused:
        draft.outbox = replace(draft.outbox, refused=draft.outbox.refused.remove(place))
    draft.unclaim(key)
    shown = presumed.settled(claim, settlement, now)
    draft.show(key, shown)

    stays = draft.outbox.waiting.get(key)
    message = claim.queued.message
    is_state = isinstance(message, WidgetValue | ActivityState) or (isinstance(message, BadgeCount) and message.count)
    # A surface that the configuration has lost while its request was in flight is not sent again.
    is_wanted = not is_state or outbox.wanted is None or key in outbox.wanted
    if isinstance(settlement, Retry) and is_wanted:
        stays = _back(claim.queued, stays, settlement)
    if stays is not None and isinstance(shown, ShownActivity):
        stays = _put_off_by_warning(stays, shown)
    draft.wait(key, stays if stays is not None and _is_worth(draft.outbox, stays.message, shown) else None)

    if isinstance(shown, ShownPush):
        _forget_old_pushes(draft, shown, now)
    if isinstance(settlement, Accept):
        _accept(draft, message, now)
    return draft.result


def _accept(draft: Draft, message: Message, now: float) -> None:
    """What else it means that a message was accepted."""
    match message:
        case WidgetValue(key):
            movement = draft.outbox.movements.get(key) or seen(None, message.value, now)
            draft.move(key, updated(movement, now), is_written=True)
        case Push() | PushUpdate() | ActivityState():
            _release_badge(draft, message.key.account)


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


def shift(outbox: Outbox, seconds: float) -> tuple[Outbox, OutboxChanges]:
    """The wall clock was set by ``seconds``: ages and waits keep their length."""
    if not seconds:
        return outbox, OutboxChanges()
    waiting = {key: _shifted(queued, seconds) for key, queued in outbox.waiting.items()}
    claimed = {key: replace(claim, queued=_shifted(claim.queued, seconds)) for key, claim in outbox.claimed.items()}
    clock = replace(outbox.clock, began=outbox.clock.began + seconds) if outbox.clock is not None else None
    messages = {queued.id: StoredMessage(queued.message, claimed=False) for queued in waiting.values()}
    messages |= {claim.queued.id: StoredMessage(claim.queued.message, claimed=True) for claim in claimed.values()}
    streams = {key: shown.shifted(seconds) for key, shown in outbox.shown.items() if isinstance(shown, ShownActivity)}
    shifted = replace(
        outbox,
        waiting=HashTrieMap(waiting),
        claimed=HashTrieMap(claimed),
        shown=outbox.shown.update(HashTrieMap(streams)),
        clock=clock,
    )
    written = {key: unknown(shown) if key in claimed else shown for key, shown in streams.items()}
    return ordered(shifted), OutboxChanges(messages=HashTrieMap(messages), shown=HashTrieMap(written), clock=clock)


def go_on(outbox: Outbox, now: float, boot: Boot | None) -> tuple[Outbox, OutboxChanges]:
    """After a start, with the outbox of the last run: where the wall clock was set meanwhile, ages keep their length.
    ``boot``: now, by the machine's own clock.
    """
    before, clock = outbox.clock, WallClock(boot.id, now - boot.time) if boot is not None else None
    changes = OutboxChanges()
    if before is not None and clock is not None and before.boot == clock.boot:
        seconds = clock.began - before.began
        outbox, changes = shift(outbox, seconds if abs(seconds) >= CLOCK_STEP else 0.0)
    # The machine was off meanwhile, or has no such clock, so that only the wall clock remains. No message is from the
    # future, whatever that says.
    draft = Draft(replace(outbox, clock=clock))
    for key, queued in outbox.waiting.items():
        if queued.message.created > now:
            draft.wait(key, _shifted(queued, now - queued.message.created))
    return draft.outbox, changes | replace(draft.changes, clock=clock if clock != before else None)


def shift_sent(outbox: Outbox, seconds: float) -> tuple[Outbox, OutboxChanges]:
    """The clock was set: requests of which only its time is known are as old as they were."""
    draft = Draft(outbox)
    for request in outbox.sent.values():
        if request.boot is None:
            draft.count(replace(request, at=request.at + seconds))
    return draft.result


def ordered(outbox: Outbox) -> Outbox:
    """The outbox with its lanes and times made anew from what waits."""
    idle = [queued for key, queued in outbox.waiting.items() if key not in outbox.claimed]
    later = sorted((queued.ready_at, queued.id, queued.message.key) for queued in idle)
    expiring = sorted((queued.expires, queued.id, queued.message.key) for queued in idle if queued.can_expire)
    late = sorted((queued.late_at, queued.id, queued.message.key) for queued in idle if queued.late_at < math.inf)
    return replace(
        outbox,
        lanes=HashTrieMap(),
        later=Ordered.of(later),
        expiring=Ordered.of(expiring),
        late=Ordered.of(late),
    )


def moved(outbox: Outbox, account: str, address: str, fingerprint: str) -> tuple[Outbox, OutboxChanges]:
    """An account is reached at this address, with this key, from now on.

    At another address nothing is shown, nothing is in flight that matters there, and nothing that waits can replace or
    end what is not there. With another key levels are sent once more, for they may be shown on another phone; the
    service's names of notifications are kept and tried. Requests that were sent count all the same. An account of which
    no address is known yet is taken to be where it was.
    """
    before, service = outbox.accounts.get(account), ServiceAccount(address, fingerprint)
    draft = Draft(outbox)
    if before == service:
        return draft.result
    draft.name(account, service)
    if before is not None and before.address != address:
        _forget_all(draft, account)
    elif before is not None:
        for key, shown in outbox.shown.items():
            if key.account == account and not isinstance(shown, ShownPush):
                draft.show(key, unknown(shown))
    if before is not None:
        for wait in Wait:
            draft.outbox = release(draft.outbox, wait, account)
        draft.outbox = try_again(draft.outbox, account)
    return draft.result


def _forget_all(draft: Draft, account: str) -> None:
    """Nothing of an account is shown or in flight any more; what waits to change or end it is taken out."""
    for key in [key for key in draft.outbox.claimed if key.account == account]:
        draft.unclaim(key)
    for key in [key for key in draft.outbox.shown if key.account == account]:
        draft.show(key, None)
    for key, queued in list(draft.outbox.waiting.items()):
        if key.account == account and isinstance(queued.message, ActivityEnd | PushUpdate):
            draft.wait(key, None)


def without_account(outbox: Outbox, account: str) -> tuple[Outbox, OutboxChanges]:
    """Without anything of an account: nobody can reach it any more."""
    draft = Draft(outbox)
    _forget_all(draft, account)
    for key in [key for key in draft.outbox.waiting if key.account == account]:
        draft.wait(key, None)
    draft.forget(account)
    return draft.result


def renamed(outbox: Outbox, account: str, name: str) -> tuple[Outbox, OutboxChanges]:
    """An account has another name from now on. What is in flight may be accepted or not, as after a crash: it is sent
    again, but for what may not be.
    """
    draft = Draft(outbox)
    in_flight = {key: claim for key, claim in outbox.claimed.items() if key.account == account}
    again = [claim.queued for key, claim in in_flight.items() if key not in outbox.waiting]
    waiting = [each for each in again if not _is_sent_once(each.message)]
    waiting += [queued for key, queued in outbox.waiting.items() if key.account == account]
    draft.outbox, draft.changes = without_account(outbox, account)
    for key, shown in outbox.shown.items():
        if key.account == account:
            # One class for each kind of key, of which type checkers do not know.
            there: Any = unknown(shown) if key in in_flight else shown
            draft.show(replace(key, account=name), replace(there, key=replace(key, account=name)))
    for queued in sorted(waiting, key=lambda queued: queued.id):
        message: Any = queued.message
        message = replace(message, key=replace(message.key, account=name))
        draft.wait(message.key, replace(queued, id=draft.new_id(), message=message))
    for request in outbox.sent.values():
        if request.account == account:
            draft.count(replace(request, account=name))
    for widget, movement in outbox.movements.items():
        if widget.account == account:
            draft.move(replace(widget, account=name), movement, is_written=True)
    if (service := outbox.accounts.get(account)) is not None:
        draft.name(name, service)
    return draft.result


def _is_sent_once(message: Message) -> bool:
    return isinstance(message, Push | PushUpdate) and message.at_most_once


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


def _shifted(queued: Queued, seconds: float) -> Queued:
    """A message with its times by another wall clock; a time of 0 means that there is none."""
    message = queued.message
    moved = replace(message, created=message.created + seconds, due=message.due + seconds if message.due else 0.0)
    if isinstance(moved, Push | PushUpdate) and moved.expires is not None:
        moved = replace(moved, expires=moved.expires + seconds)
    return replace(queued, message=moved, retry_at=queued.retry_at + seconds if queued.retry_at else 0.0)


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
