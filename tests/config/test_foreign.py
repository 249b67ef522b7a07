"""Keys by the names that they have in other tools."""

from __future__ import annotations

import pytest

from smithd.config.fields import every_field
from smithd.config.model import PLACES
from smithd.config.report import foreign
from smithd.poll.registry import Registry


def test_every_word_leads_to_a_key_that_there_is() -> None:
    registry = Registry()
    of_sources = {path[-1] for name in registry.names() for path, _ in every_field(registry.find(name).Options)}
    assert [key for key in foreign.ELSEWHERE if key not in of_sources and not PLACES.of(key)] == []


@pytest.mark.parametrize(
    ("word", "allowed", "key"),
    [
        ("interval", ["every", "timeout"], "every"),
        ("interval", ["min_interval", "value"], "min_interval"),
        ("Scrape-Interval", ["every"], "every"),
        ("alerts", ["rules", "sources"], "rules"),
        ("alerts", ["metric", "push"], "push"),
        ("notify", ["metric", "push"], "push"),
        ("anything", ["metric", "push"], None),
    ],
)
def test_a_word_means_a_key_of_its_place(word: str, allowed: list[str], key: str | None) -> None:
    assert foreign.meant(word, allowed) == key
