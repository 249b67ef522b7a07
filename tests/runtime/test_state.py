"""The state belongs to a configuration: the earlier one is taken over, and another's Live Activities are not ended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.harness import DrivenEngine, DrivenOutbox
from smithd.config.load import default_state, load
from smithd.config.model import Config
from smithd.events import Event, Events
from smithd.outbox.message import ActivityEnd
from smithd.outbox.settlement import Accept
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.runtime.state import open_state, state_file
from smithd.storage.database import Database

EARLIER = Path(__file__).parents[1] / "storage" / "earlier.sql"
CONFIG = """
activitysmith: {api_key: ask_test}
sources:
  shop: {type: http_json, url: "http://127.0.0.1:9", metrics: {orders: $.orders}}
widgets: {shop.orders: shop.orders}
live_activities:
"""
STREAM = "  {name}: {{type: stats, title: Shop, show: always, stats: [{{label: Orders, value: shop.orders}}]}}\n"


def configure(file: Path, *streams: str, state: str = "") -> Config:
    file.write_text(CONFIG + "".join(STREAM.format(name=name) for name in streams) + state)
    return load(file, secrets_required=True)


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    (tmp_path / "user" / "smithd").mkdir(parents=True)
    return tmp_path / "user" / "smithd"


def earlier(folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "smithd.db")) as state:
        state.executescript(EARLIER.read_text())
        # These configurations have no rules.
        state.execute("DELETE FROM alerts")
        state.commit()
    return folder / "smithd.db"


def test_the_earlier_default_state_is_taken_over_by_the_configuration_that_has_its_surfaces(
    tmp_path: Path, user: Path
) -> None:
    said: list[Event] = []
    path = earlier(user)
    theirs = configure(tmp_path / "theirs.yaml", "other")
    ours = configure(tmp_path / "ours.yaml", "shop", "trouble")
    assert (state_file(theirs), state_file(ours)) == (theirs.state, path)
    open_state(theirs, Events([said.append])).close()
    assert path.exists()
    open_state(ours, Events([said.append])).close()
    assert not path.exists()
    assert state_file(ours) == ours.state == default_state(tmp_path / "ours.yaml")
    for config in (ours, theirs):
        open_state(config, Events([said.append])).close()
    names = [type(event).__name__ for event in said]
    assert names == ["StateLeftAlone", "StateAdopted", "StateUpgrading", "StateUpgraded"]
    assert f"the state in {path} is kept in {ours.state} from now on" in str(said[1])
    assert f"{theirs.state} is begun" in str(said[0])


def test_a_configuration_that_names_its_state_takes_nothing_over(tmp_path: Path, user: Path) -> None:
    path = earlier(user)
    config = configure(tmp_path / "ours.yaml", "shop", "trouble", state="state: sqlite:///own.db\n")
    open_state(config, Events()).close()
    assert path.exists()
    assert state_file(config) == tmp_path / "own.db"


def life(config: Config, now: float) -> list[str]:
    """What is sent in a life of a configuration, by kind and name; all of it is accepted."""
    sent = []
    with closing(Database.open(config.state, config.path)) as database:
        engine = DrivenEngine(config, database, [], now)
        outbox = DrivenOutbox(engine)
        engine.ingest(Poll("shop", now, 160.0, (Sample(Series("shop.orders", ()), now, now),)))
        engine.tick(now)
        while (queued := next(outbox.ready(now), None)) is not None:
            message = queued.message
            claim = outbox.claim(queued, "any", now)
            outbox.settle(claim, Accept(None, ended=isinstance(message, ActivityEnd)), now)
            sent.append(f"{type(message).__name__} {message.key.subject}")
    return sent


def test_live_activities_that_another_configuration_started_are_not_ended(tmp_path: Path) -> None:
    shared = "state: sqlite:///shared.db\n"
    first = configure(tmp_path / "first.yaml", "first", state=shared)
    second = configure(tmp_path / "second.yaml", "second", state=shared)
    assert "ActivityState Live Activity first" in life(first, 1000.0)
    for now in (2000.0, 3000.0):
        assert "ActivityEnd Live Activity first" not in life(second, now)


def test_live_activities_that_this_configuration_started_are_ended_when_they_are_taken_out(tmp_path: Path) -> None:
    own = "state: sqlite:///own.db\n"
    assert "ActivityState Live Activity first" in life(configure(tmp_path / "own.yaml", "first", state=own), 1000.0)
    assert "ActivityEnd Live Activity first" in life(configure(tmp_path / "own.yaml", "second", state=own), 2000.0)
