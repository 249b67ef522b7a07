"""The widths in characters that the documentation states are those that smithd fits texts to."""

from __future__ import annotations

from pathlib import Path

from smithd.lockscreen import widths

DOCS = Path(__file__).parents[2] / "docs"


def test_the_documentation_states_the_widths() -> None:
    page = (DOCS / "live-activities.md").read_text()
    labels = ", ".join(str(widths.row_label(rows)) for rows in (1, 2, 3, 4))
    values = ", ".join(str(widths.row_value(rows)) for rows in (1, 2, 3, 4))
    for row in (
        f"| title, without and with an icon | {widths.TITLE}, {widths.TITLE_BESIDE_ICON} |",
        f"| subtitle, without and with an icon | {widths.SUBTITLE}, {widths.SUBTITLE_BESIDE_ICON} |",
        f"| value of the type `value` | {widths.READOUT} |",
        f"| badge | {widths.BADGE} |",
        f"| label of a row, of 1, 2, 3 and 4 in a line | {labels} |",
        f"| value of a row with its unit, of 1, 2, 3 and 4 in a line | {values} |",
        f"| title of a button, alone and beside another | {widths.BUTTON}, {widths.BUTTON_OF_TWO} |",
    ):
        assert row in page
    text = " ".join((DOCS / "widgets.md").read_text().split())
    assert f"more than {widths.INLINE} characters" in text
    assert (
        f"In a circle there is room for {widths.CIRCULAR} characters, in a rectangle for {widths.RECTANGULAR}." in text
    )
