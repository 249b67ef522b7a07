"""The accounts of a file together: their names and keys, which of them are one, and whether something uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from smithd.config.model import Config, File, account_names
from smithd.config.partial import is_complete
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path
from smithd.delivery.account import AccountOptions, FurtherAccountOptions, budget_of
from smithd.keys import DEFAULT_ACCOUNT
from smithd.surfaces.activity.options import ActivityOptions


def are_known(file: File) -> bool:
    """Whether every account is known, so far that all else can be checked."""
    return all(isinstance(each, AccountOptions) for each in (file.activitysmith, *file.accounts.values()))


def of(file: File) -> dict[str, AccountOptions]:
    """All accounts, by their names. One that is the same as another is reached where that one is."""
    found: dict[str, AccountOptions] = {DEFAULT_ACCOUNT: file.activitysmith, **file.accounts}
    for name, options in file.accounts.items():
        if options.same_account_as is not None:
            found[name] = options.model_copy(update={"base_url": found[options.same_account_as].base_url})
    return found


def check(validator: Validator, file: File) -> None:
    """Report names and keys that are taken, and accounts that cannot be the same. ``file`` may be partial."""
    if DEFAULT_ACCOUNT in file.accounts:
        expected = "choose another name, or leave this account out"
        message = f"'{DEFAULT_ACCOUNT}' is the account of activitysmith"
        validator.report_at(("accounts", DEFAULT_ACCOUNT), message, expected=expected, at_key=True)
    _check_keys(validator, file)
    _check_same(validator, file)
    for path, names in _named(file):
        of: dict[str, str] = {}
        for name in names:
            first = of.setdefault(budget_of(file.accounts, name), name)
            if first != name:
                message = f"'{first}' and '{name}' are the same ActivitySmith account, so this would come twice"
                validator.report_at(path, message, expected="leave one of them out")


def _check_keys(validator: Validator, file: File) -> None:
    """Two names for one key would send everything twice, and count its limits twice."""
    places: list[tuple[str, Path, AccountOptions]] = [(DEFAULT_ACCOUNT, ("activitysmith",), file.activitysmith)]
    places += [(name, ("accounts", name), options) for name, options in file.accounts.items()]
    first_with: dict[tuple[str, str], str] = {}
    for name, path, options in places:
        at = (*path, "api_key")
        if not isinstance(options, AccountOptions) or not is_complete(options) or not validator.is_known(at):
            continue
        first = first_with.setdefault((options.base_url, options.api_key.get_secret_value()), name)
        if first != name:
            message = f"this is the key of '{first}', too"
            validator.report_at(
                at, message, expected=f"expected the key of another account, or '{first}' in place of '{name}'"
            )


def _check_same(validator: Validator, file: File) -> None:
    for name, options in file.accounts.items():
        if not isinstance(options, FurtherAccountOptions) or options.same_account_as is None:
            continue
        at, other = ("accounts", name, "same_account_as"), options.same_account_as
        named = file.accounts.get(other)
        if other == name:
            validator.report_at(at, f"'{name}' cannot be the same as itself", expected="expected another account")
        elif isinstance(named, FurtherAccountOptions) and named.same_account_as is not None:
            expected = f"expected '{named.same_account_as}', as there"
            validator.report_at(at, f"'{other}' is itself the same as another account", expected=expected)
        for key in ("base_url", "limits"):
            if key in options.model_fields_set:
                message = f"'{name}' has the {key} of '{other}', which is the same account"
                validator.report_at(("accounts", name, key), message, expected=f"leave '{key}' out", at_key=True)


def advise(validator: Validator, config: Config) -> None:
    """Warn of the accounts that nothing uses."""
    used = {name for rule in config.rules.values() if rule.push is not None for name in rule.accounts}
    used |= {name for each in config.widgets.values() for name in account_names(each.account)}
    # The type of an activity may be a secret that is missing.
    activities = [each for each in config.live_activities.values() if isinstance(each, ActivityOptions)]
    used |= {name for each in activities for name in account_names(each.account)}
    used |= {*account_names(config.badge.account)} if config.badge is not None else set()
    for name in config.accounts:
        if name not in used and name != DEFAULT_ACCOUNT:
            message = f"nothing is sent to '{name}': no rule, widget or Live Activity says 'account: {name}'"
            validator.warn(("accounts", name), message)


def _named(file: File) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Where accounts are named, and which."""
    sections: dict[str, Mapping[str, object]] = {"rules": file.rules, "widgets": file.widgets}
    sections |= {"live_activities": file.live_activities}
    options: list[tuple[Path, object]] = [
        ((section, name), each) for section, entries in sections.items() for name, each in entries.items()
    ]
    options += [((*path, "push"), getattr(each, "push", None)) for path, each in options]
    for path, each in [*options, (("badge",), file.badge)]:
        given = getattr(each, "account", None)
        if isinstance(given, str | list):
            yield (*path, "account"), account_names(given)
