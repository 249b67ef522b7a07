"""The configuration reference: every key says what it is for, and the page is what the models say."""

from __future__ import annotations

import pytest

from smithd.config.described import described_keys
from smithd.config.fields import Model
from smithd.config.model import File
from smithd.config.reference import PAGE, built_in, reference
from smithd.poll.schedule import ScheduleOptions

MODELS: list[Model] = [File, ScheduleOptions, *(source.Options for source in built_in().values())]


@pytest.mark.parametrize("model", MODELS)
def test_every_key_says_what_it_is_for(model: Model) -> None:
    assert [key.key for key in described_keys(model) if not key.description] == []


def test_every_source_type_is_described() -> None:
    assert sorted(built_in()) == ["http_json", "prometheus", "sql", "stripe"]


def test_the_page_is_what_the_models_say() -> None:
    assert PAGE.read_text() == reference(built_in()), "run: .venv/bin/python -m smithd.config.reference"


@pytest.mark.parametrize(
    "row",
    [
        "| `history` | duration, default 8d | how far back rules",
        "| `push.title` | text | the bold line",
        "| `every` | duration | the time between two polls",
        "| `trusted_proxies` | list of text | ",
        "### Live Activity type timer",
    ],
)
def test_keys_stand_on_the_page_with_what_may_be_written(row: str) -> None:
    assert row in reference(built_in())
