"""Every mistake is pointed at, and said in words that help to mend it; through the command, as its user sees it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.broken_notifications import NOTIFICATIONS
from config.broken_rules import RULES
from config.broken_secrets import SECRETS, TOGETHER
from config.broken_sections import SECTIONS
from config.broken_sources import SOURCES
from config.broken_surfaces import SURFACES
from config.broken_yaml import YAML
from config.corpus import SOUND, Broken
from smithd.cli.main import run

CORPUS = [*YAML, *SECTIONS, *SOURCES, *RULES, *SURFACES, *NOTIFICATIONS, *SECRETS, *TOGETHER]
_PROBLEM = re.compile(r"(?ms)^smithd\.yaml:(\d+:\d+): (.*?)\n\n")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_corpus_is_large_and_what_it_is_made_of_is_sound() -> None:
    assert len(CORPUS) >= 350
    Path("smithd.yaml").write_text("".join(SOUND.values()))
    assert run(["check"]) == 0


@pytest.mark.parametrize("broken", CORPUS, ids=lambda broken: repr(broken.text[:70]))
def test_each_mistake_is_reported_at_its_place_in_words_that_help(
    broken: Broken, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    Path("smithd.yaml").write_text(broken.written, encoding="utf-8")
    assert run(["check", "smithd.yaml"]) == 2
    assert [str(each.message) for each in recwarn] == []
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    problems = _PROBLEM.findall(printed.err)
    assert [place for place, _ in problems] == broken.places
    for (_, text), said in zip(problems, broken.said, strict=True):
        assert all(words in text for words in said.split(" / ")), text
    count = f"{len(problems)} mistake{'s' if len(problems) > 1 else ''} in smithd.yaml\n"
    assert printed.err.endswith(f"\n\n{count}")


@pytest.mark.parametrize("section", ["rules:\n  a: {metric: shop.orders, warning: '> 1', push: nope}\n", "web: nope\n"])
def test_a_key_at_its_place_is_not_said_to_belong_elsewhere(section: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("smithd.yaml").write_text("".join({**SOUND, "rules": ""}.values()) + section)
    assert run(["check"]) == 2
    printed = capsys.readouterr().err
    assert "expected a mapping (keys with values), found the text 'nope'" in printed
    assert "belongs in" not in printed


@pytest.mark.parametrize("broken", CORPUS, ids=lambda broken: repr(broken.text[:70]))
def test_the_line_is_shown_with_a_caret_under_the_place(broken: Broken, capsys: pytest.CaptureFixture[str]) -> None:
    Path("smithd.yaml").write_text(broken.written, encoding="utf-8")
    run(["check"])
    lines = capsys.readouterr().err.split("\n")
    shown = [index for index, line in enumerate(lines) if re.match(r" +\d+ \| ", line)]
    assert len(shown) == len(broken.places) or not broken.written
    for index in shown:
        assert re.fullmatch(r" +\| +\^+", lines[index + 1])
        assert len(lines[index]) <= 160
