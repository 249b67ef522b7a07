"""What a plugin of the user's own may do wrong is a mistake at its line; what it does right is known to the rest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smithd.cli.main import run
from smithd.poll.registry import Registry

METER = """
from pydantic import model_validator
from smithd.plugin import Options, Secret, Source

class MeterOptions(Options):
    metrics: list[str] = []
    rooms: dict[str, int] = {}
    mode: str = ""
    token: Secret = ""

    @model_validator(mode="after")
    def _fail(self):
        return {}[self.mode] if self.mode == "lookup" else self

class Meter(Source[MeterOptions]):
    Options = MeterOptions

    @classmethod
    def metrics(cls, options):
        assert options.mode != "assert", f"no {options.token.get_secret_value()!r}"
        if options.mode == "raise":
            raise RuntimeError("no\\nidea")
        if options.mode == "none":
            return None
        if options.mode == "junk":
            return [5, "Bad Name", "fine"]
        return [*options.metrics, *options.rooms]

    def poll(self):
        return []
"""


def _check(plugins: str, source: str, metrics: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """The places and messages of the mistakes of a file with this source, and rules on these metrics of it."""
    rules = "".join(
        f"  rule-{number}: {{metric: meter.{name}, warning: '> 1'}}\n" for number, name in enumerate(metrics.split())
    )
    Path("smithd.yaml").write_text(
        f"activitysmith: {{api_key: k}}\nplugins: [{plugins}]\nsources:\n  meter: {{{source}}}\nrules:\n{rules}"
    )
    run(["check"])
    return re.findall(r"(?m)^smithd\.yaml:(\d+:\d+): (.*)$", capsys.readouterr().err)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("meter.py").write_text(METER)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError"),
        ("def x(:", "SyntaxError"),
        ("x = 1", "defines no source"),
        ("raise SystemExit(3)", "SystemExit"),
        ("raise KeyError('x')", "KeyError"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_mistake_at_its_place(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.py").write_text(text)
    ((place, message),) = _check("broken.py", "type: weather, station: EDDB", "temperature", capsys)
    assert place == "2:11"
    assert said in message


def test_a_file_in_a_folder_that_may_not_be_entered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Registry, "load_plugin_file", refuse)  # root, who runs some tests, may enter everything
    ((place, message),) = _check("priv/meter.py", "type: meter", "a", capsys)
    assert place == "2:11"
    assert "the plugin priv/meter.py cannot be read: permission denied" in message


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("type: meter, mode: raise", ["4:17"]),
        ("type: meter, mode: none", ["4:17"]),
        ("type: meter, mode: lookup", ["4:17"]),
        ("type: meter, mode: lookup, metrics: [a]", ["4:17"]),
        ("type: meter, metrics: [], mode: junk", ["4:24", "4:24"]),
        ("type: meter, mode: junk", ["4:3", "4:3"]),
    ],
)
def test_nonsense_in_the_place_of_metrics_is_the_plugins_mistake(
    source: str, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = _check("meter.py", source, "fine anything", capsys)
    assert [place for place, _ in found] == places


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ("type: meter, metrics: [a, b]", ["c", "d"]),
        ("type: meter, metrics: [a, b], every: soon", ["c", "d"]),  # what else is wrong does not matter
        ("type: meter, metrics: [a, b], mode: 5", ["c", "d"]),
        ("type: meter, metrics: [a, b], moode: x", ["c", "d"]),
        ("type: meter, metrics: [a, 5]", []),  # what it brings cannot be known
        ("type: meter, metrics: [a, b], rooms: {c: x}", []),
        ("type: meter, metrics: a", []),
    ],
)
def test_metrics_are_known_as_far_as_they_can_be(
    source: str, unknown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = _check("meter.py", source, "a b c d", capsys)
    declared = [re.findall(r"no source declares the metric 'meter\.(\w)'", message) for _, message in found]
    assert [name for names in declared for name in names] == unknown
    assert len(found) == len(unknown) + (source != "type: meter, metrics: [a, b]")


def test_what_a_plugin_says_of_its_failure_is_shown_but_for_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    ((_, message),) = _check("meter.py", "type: meter, mode: raise", "x", capsys)
    assert message.endswith("cannot say which metrics it has: RuntimeError: no idea")
    ((_, message),) = _check("meter.py", "type: meter, mode: assert, token: hush-hush", "x", capsys)
    assert "hush" not in message
    assert message.endswith("which metrics it has: the reason is not shown, because it holds a secret")


METRICS = """
import asyncio, itertools
from pydantic import Field, field_validator
from smithd.plugin import Options, Source

def end(*_):
    raise SystemExit(4)

class FoulOptions(Options):
    every_thing: int = {default}
    short_form = {short}

class Foul(Source[FoulOptions]):
    Options = FoulOptions
    {extra}

    @classmethod
    def metrics(cls, options):
        {metrics}

    async def poll(self):
        return []
    {poll}
"""


def foul(
    metrics: str = 'return ["a"]', *, default: str = "1", extra: str = "", poll: str = "", short: str = "None"
) -> str:
    return METRICS.format(metrics=metrics, default=default, extra=extra, poll=poll, short=short)


META = """
from smithd.plugin import Source

class Meta(type(Source)):
    def __getattribute__(cls, name):
        if name == "Options":
            raise SystemExit("boom")
        return super().__getattribute__(name)

class Foul(Source, metaclass=Meta):
    pass
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import asyncio\nraise asyncio.CancelledError", "foul.py cannot be imported: CancelledError"),
        ("raise GeneratorExit('x')", "foul.py cannot be imported: GeneratorExit: x"),
        ("class Mute(BaseException):\n    def __str__(self):\n        exit()\nraise Mute", "its text cannot be shown"),
        (META, "SystemExit: boom"),
        (foul("raise SystemExit(4)"), "cannot say which metrics it has: SystemExit: 4"),
        (foul("raise asyncio.CancelledError"), "cannot say which metrics it has: CancelledError"),
        (foul("return itertools.count()"), "more than 10000 names"),
        (foul('return "abc"'), "expected a list of names, found 'abc'"),
        (foul("return [{}]"), "which metrics it has: TypeError"),
        (foul(default="Field(default_factory=end)"), "SystemExit: 4"),
        (foul(poll="poll = 5"), "must define 'poll' as a method"),
        (foul(poll="def poll(self, more): return []"), "must define 'poll' as a method without arguments"),
        (foul(extra="def __init__(self): pass"), "must define '__init__' as Source does"),
        (foul(extra="async def close(self, how): pass"), "must define 'close' with 'async def', and without"),
        (foul(poll="metrics = classmethod(end)").replace("def end(*_)", "async def end(*_)"), "must define 'metrics'"),
        (foul(short='"a text"'), "that is no JSON Schema: expected a dict"),
    ],
)
def test_whatever_a_plugin_does_is_its_own_mistake_for_every_command(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("foul.py").write_text(text)
    Path("smithd.yaml").write_text("activitysmith: {api_key: k}\nplugins: [foul.py]\nsources:\n  foul: {type: foul}\n")
    for command in ("check", "once", "run"):
        assert run([command, "-c", "smithd.yaml"]) == 2
        printed = capsys.readouterr().err
        assert re.search(r"(?m)^smithd\.yaml:[24]:\d+: .*plugin", printed)
        assert said in printed
    for command in ("sources", "schema"):  # these ask for no metrics
        assert run([command, "-c", "smithd.yaml"]) in (0, 1, 2)
        printed = capsys.readouterr().err
        assert "bug in smithd" not in printed
        assert "Traceback" not in printed


def test_an_interruption_says_whose_code_was_running(capsys: pytest.CaptureFixture[str]) -> None:
    Path("slow.py").write_text("raise KeyboardInterrupt")
    Path("smithd.yaml").write_text("plugins: [slow.py]\nsources: {}\n")
    assert run(["check"]) == 130
    assert "Interrupted in plugin" in capsys.readouterr().err


ROOMS = """
from smithd.plugin import MetricOptions, Options, Source

class RoomOptions(MetricOptions):
    @property
    def has_series(self):
        return True

class HouseOptions(Options):
    metrics: dict[str, RoomOptions]

class House(Source[HouseOptions]):
    Options = HouseOptions

    @classmethod
    def metrics(cls, options):
        return options.metrics

    def poll(self):
        return []
"""


def test_a_metric_of_a_plugin_can_say_that_it_has_several_series(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rooms.py").write_text(ROOMS)
    Path("smithd.yaml").write_text(
        "activitysmith: {api_key: key}\nplugins: [rooms.py]\n"
        "sources: {house: {type: house, metrics: {warmth: {}}}}\nwidgets: {a: house.warmth}\n"
    )
    assert run(["check"]) == 2
    assert "smithd.yaml:4:14: house.warmth has several series" in capsys.readouterr().err
