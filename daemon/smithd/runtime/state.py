"""The state of a configuration: where it is, and opening it."""

from __future__ import annotations

from pathlib import Path

from smithd.config.load import default_state
from smithd.config.model import Config
from smithd.events import Events
from smithd.storage.adoption import EARLIER, Adoption, ConfiguredNames, adopt, outcome
from smithd.storage.database import Database
from smithd.storage.events import StateAdopted, StateLeftAlone, StateUpgraded, StateUpgrading
from smithd.storage.migration import is_earlier


def open_state(config: Config, events: Events) -> Database:
    """Open the state of a configuration, and say so where one of an earlier version was upgraded, taken over, or left
    alone.

    Raises DatabaseError where another smithd uses it, or it cannot be used.
    """
    if config.state == default_state(config.path):
        earlier = str(config.state.with_name(EARLIER))
        match adopt(config.state, _names(config)):
            case Adoption.ADOPTED:
                events.publish(StateAdopted(earlier, str(config.state)))
            case Adoption.LEFT_ALONE:
                events.publish(StateLeftAlone(earlier, str(config.state)))
    if is_earlier(config.state):
        events.publish(StateUpgrading(str(config.state)))
    database = Database.open(config.state, config.path)
    if (made := database.upgrade) is not None:
        backup = str(made.backup) if made.backup is not None else ""
        events.publish(StateUpgraded(str(config.state), made.before, made.after, backup, made.reason))
    return database


def state_file(config: Config) -> Path:
    """Where the state of a configuration is now, for commands that only look: it may not have been taken over yet."""
    is_default = config.state == default_state(config.path)
    if is_default and outcome(config.state, _names(config)) is Adoption.ADOPTED:
        return config.state.with_name(EARLIER)
    return config.state


def _names(config: Config) -> ConfiguredNames:
    return ConfiguredNames(config.widgets, config.live_activities, config.rules)
