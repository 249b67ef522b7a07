"""The commands of a running daemon: arguments that make no sense are refused in a sentence."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runtime.test_status import components_in
from smithd.runtime import commands


def asked(folder: Path, command: str, line: str) -> Any:
    """What a command answers to arguments that came as JSON."""

    async def main() -> Any:
        async with components_in(folder, lambda _: None) as components:
            return await commands.of(components)[command](json.loads(line))

    return asyncio.run(main())


@pytest.mark.parametrize("seconds", ["1e400", "-1e400", "1e308", "1e11", "NaN", "1" + "0" * 400, "true", '"2h"', "0"])
def test_a_silence_of_no_sensible_length_is_refused(tmp_path: Path, seconds: str) -> None:
    line = f'{{"matchers": "rule=errors", "seconds": {seconds}, "comment": "", "author": ""}}'
    with pytest.raises(ValueError, match=r"expected a number as 'seconds'|at most ten years"):
        asked(tmp_path, "silence.add", line)


def test_the_longest_silence_is_ten_years(tmp_path: Path) -> None:
    line = f'{{"matchers": "rule=errors", "seconds": {10 * 366 * 86400}, "comment": "", "author": ""}}'
    made = asked(tmp_path, "silence.add", line)
    length = datetime.fromisoformat(made["ends_at"]) - datetime.fromisoformat(made["starts_at"])
    assert length.total_seconds() == 10 * 366 * 86400


@pytest.mark.parametrize("id_", ["1e400", "1e308", "1.5", "NaN", "null"])
def test_no_silence_has_such_an_id(tmp_path: Path, id_: str) -> None:
    with pytest.raises(ValueError, match=r"expected a (whole )?number as 'id'"):
        asked(tmp_path, "silence.expire", f'{{"id": {id_}}}')


@pytest.mark.parametrize("broken", ["matchers", "comment", "author"])
def test_a_text_that_cannot_be_written_is_refused(tmp_path: Path, broken: str) -> None:
    given = {"matchers": "rule=errors", "seconds": 60, "comment": "", "author": ""}
    with pytest.raises(ValueError, match=f"'{broken}', and this one is not valid Unicode"):
        asked(tmp_path, "silence.add", json.dumps(given | {broken: "rule=\udcff"}))


def test_letters_of_any_script_are_a_text(tmp_path: Path) -> None:
    given = {"matchers": "rule=errors", "seconds": 60, "comment": "Wartung 🛠", "author": "Zoë"}
    assert asked(tmp_path, "silence.add", json.dumps(given))["comment"] == "Wartung 🛠"
