"""``smithd sources``: what may be written for each key is said in words that a file can hold."""

from __future__ import annotations

import pytest

from smithd.cli.main import run


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("metrics.<name>.path", "text"),
        ("metrics.<name>.labels", "mapping of key or text"),
        ("metrics.<name>.scale", "number"),
        ("metrics.<name>.as", "number or boolean or duration or timestamp or age, default number"),
        ("auth.bearer", "secret"),
        ("format", "json or json_lines or number, default json"),
    ],
)
def test_kinds_are_named_by_what_is_written(key: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "http_json"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == [key])
    assert f"{line}  ".split(maxsplit=1)[1].startswith(f"{kind}  ")
