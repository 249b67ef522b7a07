"""Whatever becomes of a file, it is loaded or there is a report: nothing else, and soon."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign import LONG
from smithd.config.files import ConfigFiles
from smithd.config.load import load, load_effective
from smithd.errors import ConfigError

EXAMPLE = (Path(__file__).parents[2] / "config.example.yaml").read_text(encoding="utf-8")
LINES = EXAMPLE.split("\n")
TOKENS = (
    *"{}[]:,-#&*!|>'\"%@`?~$<=.\t\n ",
    *(
        "null",
        "true",
        "1e999",
        ".nan",
        "0755",
        "{{",
        "}}",
        "${env:NO}",
        "${",
        "$${",
        "!!set",
        "!x ",
        "<<: *a",
        "&a ",
        "*a",
    ),
    *(
        "---\n",
        "...\n",
        "%YAML",
        "\r\n",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x00",
        "ä",
        "warning",
        "shop.orders",
        "> 5",
        "{}",
        "[]",
    ),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The example, with a few lines moved, cut, doubled, indented, or with something put into them."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        index = draw(st.integers(0, len(lines) - 1))
        line = lines[index]
        at = draw(st.integers(0, len(line)))
        match draw(st.sampled_from(["delete", "double", "cut", "indent", "put", "value"])):
            case "delete":
                lines[index] = ""
            case "double":
                lines.insert(draw(st.integers(0, len(lines))), line)
            case "cut":
                lines[index] = line[:at]
            case "indent":
                lines[index] = " " * draw(st.integers(0, 6)) + line.lstrip()
            case "put":
                lines[index] = line[:at] + draw(st.sampled_from(TOKENS)) + line[at:]
            case "value":
                lines[index] = line.partition(":")[0] + ": " + draw(st.sampled_from(TOKENS))
    return "\n".join(lines)


def _try(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        load(path, secrets_required=False)
    except ConfigError as error:
        text = str(error)
        assert re.match(rf"{re.escape(str(path))}:\d+:\d+: .", text)
        assert re.search(r"\n\n\d+ mistakes? in ", text)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations") / "smithd.yaml"


@pytest.mark.campaign
@settings(max_examples=20_000 if LONG else 200, suppress_health_check=[HealthCheck.too_slow])
@given(text=mutated())
def test_a_mutated_configuration_is_loaded_or_reported(path: Path, text: str) -> None:
    _try(path, text.encode())


@pytest.mark.campaign
@settings(max_examples=5_000 if LONG else 25, suppress_health_check=[HealthCheck.too_slow])
@given(text=mutated(), at=st.integers(0, len(LINES)))
def test_a_mutated_configuration_in_two_files_is_loaded_or_reported(path: Path, text: str, at: int) -> None:
    lines, more = text.split("\n"), path.with_name("more.yaml")
    path.write_bytes("\n".join(["include: more.yaml", *lines[:at]]).encode())
    more.write_bytes("\n".join(lines[at:]).encode())
    named = {str(path)}
    try:
        load(path, secrets_required=False)
    except ConfigError as error:
        named = {each.file for each in error.mistakes}
    assert named
    assert named <= {str(path), str(more)}


@pytest.mark.campaign
@settings(max_examples=5_000 if LONG else 25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(text=mutated())
def test_whatever_is_loaded_has_an_effective_configuration(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    try:
        found = load_effective(ConfigFiles((path,)))
    except ConfigError:
        return
    assert set(yaml.safe_load(yaml.safe_dump(found))) >= {"activitysmith", "sources", "state"}


@settings(max_examples=5_000 if LONG else 100)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_loaded_or_reported(path: Path, content: bytes) -> None:
    _try(path, content)


@settings(max_examples=5_000 if LONG else 100)
@given(text=st.text(alphabet="{}[]:,-#&*!|>'\"%@?ab \n", max_size=60))
def test_any_yaml_is_loaded_or_reported(path: Path, text: str) -> None:
    _try(path, text.encode())
