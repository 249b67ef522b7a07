"""What an editor is message: the schema accepts all that check accepts, and knows every key, a plugin's too."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from campaign import rounds
from config.test_mutations import EXAMPLE, mutated
from smithd.cli.main import run
from smithd.config.load import load
from smithd.config.schema import configuration_schema
from smithd.config.yaml.compose import compose
from smithd.config.yaml.document import read
from smithd.config.yaml.positions import ListNode, MappingNode, Node, ScalarNode
from smithd.config.yaml.scalars import value_of
from smithd.errors import ConfigError
from smithd.plugin.options import Options
from smithd.plugin.sample import RawSample
from smithd.plugin.source import Source
from smithd.poll.registry import Registry

TYPES = {name: Registry().find(name) for name in Registry().names()}
SCHEMA, FAILED = configuration_schema(TYPES)
VALIDATOR = Draft202012Validator(SCHEMA)


def plain(node: Node) -> Any:
    match node:
        case ScalarNode():
            return value_of(node)
        case ListNode():
            return [plain(item) for item in node.items]
        case MappingNode():
            return {name: plain(entry.value) for name, entry in node.entries.items()}


def mistakes(path: Path) -> list[str]:
    root = compose(read(path)).tree
    assert root is not None
    data = plain(root)
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(data)]


def test_every_type_is_described_and_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert FAILED == {}
    assert {"host_source", "http_json_source", "prometheus_source"} <= SCHEMA["$defs"].keys()


def test_the_example_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "smithd.yaml"
    path.write_text(EXAMPLE)
    assert mistakes(path) == []


@pytest.mark.campaign
@settings(max_examples=rounds(100, 10_000), suppress_health_check=list(HealthCheck))
@given(text=mutated())
def test_what_check_accepts_the_schema_accepts(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "smithd.yaml"
    path.write_bytes(re.sub(r"\$\{env:\w+\}", "a-secret", text).encode())
    try:
        load(path, secrets_required=True)
    except ConfigError:
        return
    assert mistakes(path) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("  stretch: 1m\n", "'stretch' was unexpected"),
        ("  every: soon\n", "'soon' is not valid"),
        ("  type: http_jsom\n", "'http_jsom' is not one of"),
        ("  max_size: [5]\n", "[5] is not of type"),
        ("  method: ${env:METHOD}\n  every: ${env:EVERY}\n", ""),
    ],
)
def test_mistakes_are_underlined_and_references_are_not(tmp_path: Path, changed: str, message: str) -> None:
    path = tmp_path / "smithd.yaml"
    source = "sources:\n shop:\n  url: https://shop.example.com\n  metrics: {orders: $.orders}\n"
    source += changed if "type:" in changed else f"  type: http_json\n{changed}"
    path.write_text(f"activitysmith: {{api_key: k}}\n{source}")
    assert (message in "\n".join(mistakes(path))) if message else mistakes(path) == []


def test_a_plugin_of_the_file_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "weather.py").write_text(
        "from pydantic import Field\n"
        "from smithd.plugin import Options, Source\n"
        "class WeatherOptions(Options):\n"
        "    station: str = Field(description='an airport')\n"
        "class Weather(Source[WeatherOptions]):\n"
        "    'What the weather is.'\n"
        "    Options = WeatherOptions\n"
        "    @classmethod\n"
        "    def metrics(cls, options): return ['wind']\n"
        "    def poll(self): return []\n"
    )
    path = tmp_path / "smithd.yaml"
    path.write_text(
        "activitysmith: {api_key: k}\nplugins: [weather.py]\nsources: {garden: {type: weather, station: EDDB}}\n"
    )
    assert run(["schema", "-c", str(path)]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["$defs"]["weather_source"]["properties"]["station"] == {"type": "string", "description": "an airport"}
    assert made["$defs"]["weather_source"]["description"] == "What the weather is."


def test_a_type_whose_options_cannot_be_described_is_named_and_admitted() -> None:
    class Odd(Options):
        @classmethod
        def __get_pydantic_json_schema__(cls, *_: Any) -> Any:
            raise RuntimeError("no words for it")

    class OddSource(Source[Odd]):
        Options = Odd

        @classmethod
        def metrics(cls, options: Odd) -> list[str]:
            return list(options.model_fields_set)

        def poll(self) -> list[RawSample]:
            return []

    made, failed = configuration_schema({**TYPES, "odd": OddSource})
    assert failed == {"odd": "RuntimeError: no words for it"}
    config = {"activitysmith": {"api_key": "k"}, "sources": {"x": {"type": "odd", "anything": [1]}}}
    assert list(Draft202012Validator(made).iter_errors(config)) == []
