"""What the outbox holds of an account, when that has another address, key or name, or is removed. No I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smithd.outbox.draft import Draft
from smithd.outbox.message import ActivityEnd, Message, Push, PushUpdate
from smithd.outbox.queue import release, try_again
from smithd.outbox.queued import ServiceAccount
from smithd.outbox.settlement import Wait
from smithd.outbox.shown import ShownPush, unknown
from smithd.outbox.state import Outbox, OutboxChanges


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
    """Without anything of an account: it cannot be reached any more."""
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
