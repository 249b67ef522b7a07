"""The demo's configuration: real addresses go in, and it works without the host plugin."""

from __future__ import annotations

from typing import Any

import yaml

from smithd.demo.configuration import configuration


def _parsed(*, with_host: bool) -> Any:
    return yaml.safe_load(configuration("127.0.0.1:1111", "127.0.0.1:2222", "127.0.0.1:3333", with_host=with_host))


def test_the_real_addresses_go_in() -> None:
    parsed = _parsed(with_host=True)
    assert parsed["sources"]["shop"]["url"] == "http://127.0.0.1:1111/stats.json"
    assert parsed["activitysmith"]["base_url"] == "http://127.0.0.1:2222/api"
    assert parsed["accounts"]["team"]["base_url"] == "http://127.0.0.1:3333/api"


def test_without_the_host_plugin_nothing_speaks_of_it() -> None:
    assert "host" in _parsed(with_host=True)["sources"]
    rest = _parsed(with_host=False)
    assert list(rest["sources"]) == ["shop"]
    assert "host." not in configuration("", "", "", with_host=False)
    # What is left of a list of rows is a list.
    assert all(activity.get("stats", [None]) for activity in rest["live_activities"].values())
