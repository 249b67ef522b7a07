"""The accounts of the last run, or of the configuration before a reload, fitted to those of today's. No I/O.

An account is known by its name; one whose name is gone, and whose key a new one has at the same address, is that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from smithd.delivery.delivery import fingerprint
from smithd.events import AccountForgotten, Event
from smithd.keys import DEFAULT_ACCOUNT, PushKey, StreamKey
from smithd.notify.config import NotifyConfig
from smithd.notify.group import Groups
from smithd.notify.group import renamed as renamed_groups
from smithd.outbox import accounts as outbox_accounts
from smithd.outbox import queue as outbox_queue
from smithd.outbox.queued import ServiceAccount
from smithd.outbox.shown import ShownActivity, ShownBadge
from smithd.outbox.state import Outbox, OutboxChanges
from smithd.setup import Setup
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.slots.memory import joined as joined_slots
from smithd.surfaces.slots.memory import renamed as renamed_slots


@dataclass(frozen=True, slots=True)
class OfAccounts:
    """What is remembered account by account."""

    groups: Mapping[str, Groups]
    slots: Mapping[str, Slots]
    outbox: Outbox
    countdowns: Mapping[StreamKey, Countdown]


def with_names_of_today(left: OfAccounts, setup: Setup) -> tuple[OfAccounts, OutboxChanges]:
    """What is left, with the accounts by their names of today, and what is to be written of the outbox."""
    outbox, written, names = left.outbox, OutboxChanges(), new_names(left.outbox, setup)
    if not names:
        return left, written
    for name, today in sorted(names.items()):
        outbox, changes = outbox_accounts.renamed(outbox, name, today)
        written |= changes
    groups = {
        names.get(account, account): renamed_groups(each, names[account]) if account in names else each
        for account, each in left.groups.items()
    }
    slots = {names.get(account, account): renamed_slots(each, names) for account, each in left.slots.items()}
    countdowns = {
        replace(key, account=names.get(key.account, key.account)): each for key, each in left.countdowns.items()
    }
    return OfAccounts(groups, slots, outbox, countdowns), written


def new_names(outbox: Outbox, setup: Setup) -> dict[str, str]:
    """The accounts that have another name by now, and which: never the name of another one of the outbox."""
    accounts = setup.config.accounts
    new = {
        ServiceAccount(options.base_url, fingerprint(options)): name
        for name, options in accounts.items()
        if name not in outbox.accounts
    }
    return {name: new[each] for name, each in outbox.accounts.items() if name not in accounts and each in new}


def without_unknown(outbox: Outbox, setup: Setup) -> tuple[Outbox, OutboxChanges, list[Event]]:
    """The outbox without the accounts that the configuration does not have: without their keys, nothing that they show
    can be ended. An account that has another name now is known.
    """
    known = setup.config.accounts.keys() | new_names(outbox, setup).keys()
    changes, said = OutboxChanges(), list[Event]()
    for account in sorted({*outbox.accounts} - known):
        shown = [each for key, each in outbox.shown.items() if key.account == account]
        on_phone = sum(isinstance(each, ShownActivity | ShownBadge) and each.is_there for each in shown)
        waiting = sum(isinstance(key, PushKey) and key.account == account for key in outbox.waiting)
        outbox, written = outbox_accounts.without_account(outbox, account)
        changes |= written
        if on_phone or waiting:
            said.append(AccountForgotten(account, on_phone, waiting))
    return outbox, changes, said


def notified(setup: Setup, groups: Iterable[str]) -> dict[str, NotifyConfig]:
    """How each account is notified; of one that the configuration does not have any more, nothing is left."""
    some = setup.notify[DEFAULT_ACCOUNT]
    removed = {
        account: replace(some, pushes={}, own=(), channels=None, account=account)
        for account in groups
        if account not in setup.notify
    }
    return {**setup.notify, **removed}


def slots_for(setup: Setup, left: Mapping[str, Slots]) -> dict[str, Slots]:
    """The slots of each account. Where several have the same ones by now, or no longer, each stream takes with it what
    is remembered of it.
    """
    found = {}
    for owner, surfaces in setup.surfaces.by_account.items():
        before = [left[account] for account in surfaces.accounts if account in left]
        if before:
            found[owner] = joined_slots(before, surfaces.accounts)
    return found


def outbox_for(setup: Setup, before: Outbox) -> tuple[Outbox, OutboxChanges, set[str]]:
    """The outbox for the accounts of this configuration, and those that have another address than before."""
    outbox, written, elsewhere = before, OutboxChanges(), set[str]()
    for account, options in setup.config.accounts.items():
        service = before.accounts.get(account)
        outbox, changes = outbox_accounts.moved(outbox, account, options.base_url, fingerprint(options))
        written |= changes
        if service is not None and service.address != options.base_url:
            elsewhere.add(account)
            # What waits is for the service at the earlier address.
            for message in [each for each in outbox.messages() if each.key.account == account]:
                outbox, dropped = outbox_queue.withdraw(outbox, message.key)
                written |= dropped
    return outbox, written, elsewhere
