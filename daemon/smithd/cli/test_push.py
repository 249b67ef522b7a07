"""``smithd test-push``: tests the key and the phone with one push."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from smithd.cli.options import files_argument, format_option, print_json
from smithd.keys import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from smithd.config.files import ConfigFiles
    from smithd.config.model import Config
    from smithd.delivery.outcome import Outcome


@click.command("test-push")
@files_argument
@click.option("--title", default="smithd works", show_default=True, help="The notification's title.")
@click.option("--account", default=DEFAULT_ACCOUNT, help="One of 'accounts'; left out: that of activitysmith.")
@format_option
def test_push(config: ConfigFiles, title: str, account: str, output: str) -> int:
    """Send one push to the configured channels of an account, and print its outcome.

    It may be used while the daemon runs. Exit status 1 if the service did not accept it.
    """
    from smithd.config.load import load
    from smithd.delivery.reply import Accepted
    from smithd.delivery.sentences import sentence
    from smithd.errors import ConfigError
    from smithd.outbox.settlement import Accept
    from smithd.suggestion import did_you_mean

    loaded = load(config, secrets_required=True)
    if account not in loaded.accounts:
        hint = did_you_mean(account, loaded.accounts) or f"accounts: {', '.join(loaded.accounts)}"
        raise ConfigError(f"there is no account '{account}' in {config.first}; {hint}")
    outcome = asyncio.run(_push(loaded, title, account))
    if isinstance(outcome.reply, Accepted) and outcome.reply.is_confirmed:
        if output == "json":
            print_json({"accepted": True, "devices": outcome.reply.devices, "why": ""})
            return 0
        receivers = ", ".join(loaded.accounts[account].channels or ()) or "everybody on the account"
        devices = outcome.reply.devices
        receivers += f" ({devices} device{'' if devices == 1 else 's'})" if devices is not None else ""
        click.echo(f"Accepted, for {receivers}. If no phone shows it, check the phone's notification settings.")
        return 0
    settlement = outcome.settlement
    why = "" if isinstance(settlement, Accept) else sentence(settlement.reason, settlement.detail)
    if output == "json":
        print_json({"accepted": False, "devices": None, "why": loaded.redactor.clean(why)})
    else:
        click.echo(loaded.redactor.clean(f"Not sent: {why}"), err=True)
    return 1


async def _push(config: Config, title: str, account: str) -> Outcome:
    from smithd.clock import SystemClock
    from smithd.delivery import outcome, wire
    from smithd.delivery.client import Client
    from smithd.http import Http
    from smithd.keys import PushKey
    from smithd.outbox.message import Priority, Push, PushContent

    clock, http = SystemClock(), Http()
    options, now = config.accounts[account], clock.now()
    content = PushContent(title, "A test push. Alerts will look like this.")
    message = Push(PushKey(account, "test", now, 1), content, Priority.PUSH, now)
    request = wire.request(message, None, options.channels, now, config.zone)
    try:
        return outcome.judge(request, await Client(options, http, clock.now)(request), 0, now, 0.0)
    finally:
        await http.aclose()
