"""Texts that the phone cuts are warned of, at their line, as they would be cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.corpus import SOUND
from smithd.config.load import load

RULES = """\
rules:
  the-checkout-is-slow-on-all-hosts: {metric: prod.error_rate, warning: "> 1", critical: "> 5000"}
"""


@pytest.fixture
def warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The warnings about texts, of sections that differ from a sound configuration; first what the file has there."""
    monkeypatch.chdir(tmp_path)

    def read(**sections: str) -> list[str]:
        text = "".join((SOUND | {"rules": RULES} | sections).values())
        Path("smithd.yaml").write_text(text)
        lines, found = text.splitlines(), []
        for warning in load(Path("smithd.yaml"), secrets_required=True).warnings:
            _, line, column, said = warning.split(":", 3)
            if "characters" in said:
                found.append(f"{lines[int(line) - 1][int(column) - 1 :][:12]} {said.removeprefix(' warning: ')}")
        return found

    return read


def _rows(last: str) -> str:
    """Four rows, of which the last one is tried."""
    others = ", ".join(f"{{label: {name}, value: shop.orders}}" for name in "abc")
    return f"type: stats, title: T, stats: [{others}, {last}]"


COUNTRIES = "title: Orders of all shops in all countries, value: shop.orders"
BUTTONS = (
    "type: value, title: T, value: shop.orders, "
    "action: {title: Open the dashboard, type: open_url, url: https://x.example}, "
    "secondary_action: {title: Restart all the workers, type: webhook, url: https://x.example}"
)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("type: value, title: T, value: shop.orders", ""),
        (f"type: value, {COUNTRIES}", ""),
        (
            f"type: value, icon: {{symbol: cart}}, {COUNTRIES}",
            "Orders of al the title may have 36 characters, and the phone shows 31: 'Orders of all shops in all cou…'",
        ),
        (
            "type: value, title: \"Firing: {{ firing | join(', ') }}\", value: shop.orders",
            (
                '"Firing: {{  the title may have 41 characters, and the phone shows 36: '
                "'Firing: the-checkout-is-slow-on-all…'"
            ),
        ),
        (
            BUTTONS,
            (
                "Restart all  the title of the button may have 23 characters, and the phone shows 19: "
                "'Restart all the wo…'"
            ),
        ),
        (
            "type: value, title: T, value: shop.orders, badge: {title: more than usual today}",
            "more than us the badge may have 21 characters, and the phone shows 18: 'more than usual t…'",
        ),
        (
            _rows("{label: Open orders today, value: shop.orders}"),
            "Open orders  the label of the row may have 17 characters, and the phone shows 11: 'Open order…'",
        ),
        # 50,000.25 is ten times the largest bound of the rule; a format makes it fit.
        (
            _rows("{label: d, value: prod.error_rate}"),
            "prod.error_r the value of the row may have 9 characters, and the phone shows 8: '50,000.…'",
        ),
        (_rows("{label: d, value: prod.error_rate, format: '{{ value | number }}'}"), ""),
        (
            _rows("{label: d, value: prod.error_rate, format: '{{ value | number }} errors'}"),
            "'{{ value |  the value of the row may have 13 characters, and the phone shows 8: '50,000…'",
        ),
    ],
)
def test_a_text_of_a_live_activity(warnings: Callable[..., list[str]], keys: str, said: str) -> None:
    assert warnings(live_activities=f"live_activities:\n  a: {{{keys}}}\n") == [said] * bool(said)


def test_a_text_of_a_widget_that_fits_nowhere(warnings: Callable[..., list[str]]) -> None:
    long = 'w: {value: prod.error_rate, format: "{{ value | number }} errors within a minute"}'
    assert warnings(widgets=f"widgets:\n  {long}\n  fine: {{text: all well}}\n") == [
        "\"{{ value |  the text may have 32 characters, and the phone shows 22: '50,000.25 errors with…'"
    ]
