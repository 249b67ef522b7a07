"""``smithd check`` and the command line around it: what is printed, and with which exit status it ends."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.corpus import PROD, SOUND
from smithd import __version__
from smithd.cli import check, main
from smithd.cli.main import run
from smithd.errors import DatabaseError
from smithd.plugin.sample import Sample, Series
from smithd.series import rows
from smithd.series.history import History, HistoryDraft
from smithd.storage.database import Database

HEAVY = ("sqlalchemy", "alembic", "apscheduler", "httpx", "aiohttp", "starlette", "uvicorn", "requests", "jsonschema")


@pytest.fixture(autouse=True)
def _sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("smithd.yaml").write_text("".join(SOUND.values()))


@pytest.fixture(autouse=True)
def _log_level() -> Iterator[None]:
    log = logging.getLogger("smithd")
    level = log.level
    yield
    log.setLevel(level)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "arguments", [[], ["smithd.yaml"], ["-c", "smithd.yaml"], ["smithd.yaml", "-c", "smithd.yaml"]]
)
def test_a_sound_file_is_fine(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", *arguments]) == 0
    printed = capsys.readouterr()
    first = printed.out.splitlines()[0]
    assert first == "smithd.yaml is fine: 2 sources, 3 metrics, 1 rule, 1 widget, 1 Live Activity."
    assert printed.err == ""


def test_it_ends_with_what_must_be_created_in_the_app(capsys: pytest.CaptureFixture[str]) -> None:
    text = "orders: {value: shop.orders, format: '{{ value }}'}"
    widgets = f"widgets:\n  shop.revenue: shop.revenue\n  {text}\n  all: {{text: ok}}\n"
    Path("smithd.yaml").write_text("".join((SOUND | {"widgets": widgets}).values()))
    assert run(["check"]) == 0
    assert capsys.readouterr().out.splitlines()[-6:] == [
        "Widgets with numbers, which cannot be marked as stale (a text by 'format' can): shop.revenue",
        "",
        "Create these metrics in the ActivitySmith app, with this key and format (the API cannot create them):",
        "  shop.revenue  number, currency, percent or unit",
        "  orders        string",
        "  all           string",
    ]


def test_warnings_are_printed_and_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    account = {"activitysmith": "activitysmith:\n  api_key: ${env:SMITHD_TEST_NOT_SET}\n"}
    Path("smithd.yaml").write_text("".join((SOUND | account).values()))
    assert run(["check"]) == 0
    assert "\nsmithd.yaml:2:12: warning: ${env:SMITHD_TEST_NOT_SET} is not set\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("limit", "said"), [(0, None), (-1, "connections to sources are closed and opened again"), (-17, "polls fail")]
)
def test_it_says_how_many_descriptors_the_configuration_needs(
    limit: int, said: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host = "{type: http_json, url: 'http://127.0.0.1', metrics: {a: $.a}}"
    sources = "".join(f"  h{number}: {host}\n" for number in range(32))
    Path("smithd.yaml").write_text(f"{SOUND['activitysmith']}sources:\n{sources}")
    monkeypatch.setattr("smithd.cli.check.hard_limit", lambda: 10_000)
    assert run(["check"]) == 0
    found = re.search(r"^File descriptors needed: (\d+); allowed here: 10000\.$", capsys.readouterr().out, re.MULTILINE)
    assert found is not None
    monkeypatch.setattr("smithd.cli.check.hard_limit", lambda: int(found[1]) + limit)
    assert run(["check"]) == 0
    printed = capsys.readouterr().out
    assert said is None or said in printed
    assert said is not None or "With" not in printed


def test_two_different_files_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "a.yaml", "-c", "b.yaml"]) == 2
    assert "Name the file once" in capsys.readouterr().err


def test_a_check_imports_nothing_that_only_a_running_daemon_needs() -> None:
    code = "import sys; from smithd.cli.main import run; status = run(['check']); print(*sys.modules); sys.exit(status)"
    done = _python("-c", code)
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.splitlines()[-1].split())
    assert imported & set(HEAVY) == set()


def test_a_plugin_of_ones_own_is_checked_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("weather.py").write_text(
        "from pydantic import Field\n"
        "from smithd.plugin import Duration, Options, Secret, Source\n\n"
        "class WeatherOptions(Options):\n"
        "    station: str = Field(description='four letters')\n"
        "    token: Secret | None = None\n"
        "    keep: Duration = 300.0\n"
        "    metric: bool = True\n\n"
        "class Weather(Source[WeatherOptions]):\n"
        "    '''The weather at an airport.\n\n    More about it.\n    '''\n"
        "    Options = WeatherOptions\n\n"
        "    @classmethod\n"
        "    def metrics(cls, options):\n"
        "        return ['temperature']\n\n"
        "    def poll(self):\n"
        "        return []\n"
    )
    sources = f"sources:\n  garden: {{type: weather, station: EDDB}}\n{PROD}"
    widgets = "widgets:\n  garden: garden.temperature\n"
    Path("smithd.yaml").write_text(
        SOUND["activitysmith"] + "plugins: [./weather.py]\n" + sources + widgets + SOUND["rules"]
    )
    assert run(["check"]) == 0
    assert run(["sources", "weather", "-c", "smithd.yaml"]) == 0
    printed = capsys.readouterr().out
    assert "weather: The weather at an airport.\n" in printed
    assert re.search(r"^  station +text, required +four letters$", printed, re.MULTILINE)
    assert re.search(r"^  token +secret$", printed, re.MULTILINE)
    assert re.search(r"^  keep +duration, default 5m$", printed, re.MULTILINE)
    assert re.search(r"^  metric +true or false, default true$", printed, re.MULTILINE)


def test_the_sources_that_come_along_are_listed_with_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources"]) == 0
    printed = capsys.readouterr().out
    for name in ("every source:", "http_json:", "prometheus:", "  metrics.<name>.each", "  auth.basic.password"):
        assert f"\n{name}" in f"\n{printed}"
    assert run(["sources", "nothing"]) == 2
    assert "There is no source type 'nothing'" in capsys.readouterr().err


def test_the_version_and_the_help_need_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("smithd.yaml").unlink()
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"smithd {__version__}\n"
    for flag in ("-h", "--help"):
        assert run([flag]) == 0
        printed = capsys.readouterr().out
        assert "Exit status: 0 success" in printed
        assert all(f"\n  {command} " in printed for command in main.COMMANDS)


@pytest.mark.parametrize("command", main.COMMANDS)
def test_every_command_has_a_help_of_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "-h"]) == 0
    assert f"Usage: smithd {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], "did you mean 'check'?"),
        (["nothing-like-it"], "No such command"),
        (["check", "--nope"], "No such option"),
        (["check", "a", "b"], "unexpected extra argument"),
        ([], "Usage: smithd"),
    ],
)
def test_a_mistake_in_the_command_line_has_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert said in capsys.readouterr().err


Fail = Callable[[BaseException], None]


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Lets ``check`` end with an exception."""

    def fail(error: BaseException) -> None:
        def load(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(check, "load", load)

    return fail


def test_an_error_of_ours_is_a_sentence_with_status_1(fail: Fail, capsys: pytest.CaptureFixture[str]) -> None:
    fail(DatabaseError("the state is damaged"))
    assert run(["check"]) == 1
    assert capsys.readouterr().err == "the state is damaged\n"


def test_a_bug_says_that_it_is_one_and_where_only_when_asked(
    fail: Fail, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(ZeroDivisionError("division by zero"))
    assert run(["check"]) == 1
    printed = capsys.readouterr().err
    assert "this is a bug in smithd: ZeroDivisionError: division by zero" in printed
    assert "Traceback" not in printed
    monkeypatch.setenv("SMITHD_DEBUG", "1")
    assert run(["check"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_quiet_and_has_status_130(fail: Fail, capsys: pytest.CaptureFixture[str]) -> None:
    fail(KeyboardInterrupt())
    assert run(["check"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_went_away_is_no_reason_to_complain() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "smithd", "sources"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("values", "keys", "warned"), [("sawtooth", "", True), ("sawtooth", ", counter: daily", False), ("wave", "", False)]
)
def test_a_rule_that_takes_a_restart_for_a_fall_is_worth_a_warning(
    values: str, keys: str, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("smithd.yaml").write_text(
        "activitysmith: {api_key: k}\nstate: sqlite:///state.db\nsources:\n"
        f"  shop: {{type: http_json, url: http://x.example, metrics: {{orders: {{path: $.o{keys}}}}}}}\n"
        "rules:\n  drop: {metric: shop.orders, warning: drops > 5% over 1h}\n"
        "  few: {metric: shop.orders, warning: '< 5'}\n"
    )
    history = History({"shop.orders": 86400.0}, 86400.0, 0.0)
    draft = HistoryDraft(history)
    for step in range(60):
        value = float(step % 25 if values == "sawtooth" else abs(25 - step % 50))
        draft.take([Sample(Series("shop.orders"), value, 60.0 * step)], 60.0 * step)
    history.apply(draft.changes(), 3600.0)
    with closing(Database.open(Path("state.db"))) as database, database.transaction() as connection:
        rows.write_all(connection, history)
    assert run(["check"]) == 0
    assert ("smithd.yaml:6:40: warning: shop.orders rises and starts again" in capsys.readouterr().out) is warned


def test_requests_a_minute_are_rounded_for_a_reader(capsys: pytest.CaptureFixture[str]) -> None:
    fast = SOUND["sources"].replace("  prod:\n", "  prod:\n    every: 1ms\n")
    slow = SOUND["widgets"].replace(
        "shop.revenue: shop.revenue", "shop.revenue: {value: shop.revenue, min_interval: 1h}"
    )
    Path("smithd.yaml").write_text("".join((SOUND | {"sources": fast, "widgets": slow}).values()))
    assert run(["check"]) == 0
    printed = capsys.readouterr().out
    assert re.search(
        r"^  notifications            0 /   [4-6]\d,\d{3} /    60   \(most of it: line 17\)$", printed, re.MULTILINE
    )
    assert "widget values         <0.1 /        1 /   300" in printed
    assert re.search(r"notifications: up to [4-6]\d,\d{3} requests a minute if every alert fires", printed)


def test_the_plan_names_what_waits_and_what_ios_does_not_show(capsys: pytest.CaptureFixture[str]) -> None:
    row = "stats: [{label: Errors, value: prod.error_rate}]"
    activities = "".join(f"  s{number}: {{type: stats, title: S, {row}}}\n" for number in range(3))
    activities += f"  bad: {{type: stats, title: S, {row}, show: {{while_firing: [error-rate]}}, fold: true}}\n"
    activities += f"  mild: {{type: stats, title: S, {row}, show: {{while_firing: [error-rate]}}, fold: true}}\n"
    activities += f"  top: {{type: stats, title: S, {row}, priority: 9}}\n"
    widgets = "widgets:\n  orders: shop.orders\n  rare: {value: shop.orders, min_interval: 15m}\n"
    widgets += "  money: {value: shop.revenue, format: \"{{ value | money('EUR') }} today\"}\n"
    sections = SOUND | {"live_activities": f"live_activities:\n{activities}", "widgets": widgets}
    sections["activitysmith"] = "activitysmith: {api_key: a_key_0123456789, limits: {live_activities_at_once: 3}}\n"
    text = "".join(sections.values())
    Path("smithd.yaml").write_text(text)
    at = {line.partition(":")[0].strip(): f"line {place}" for place, line in enumerate(text.splitlines(), 1)}
    assert run(["check"]) == 0
    printed = capsys.readouterr().out
    assert "4 Live Activities can be wanted while nothing fires, and 3 fit" in printed
    assert "these may have to wait: s2" in printed
    assert (
        "Live Activities: 6 can be wanted at once, 4 of them while nothing fires; 3 fit.\n"
        f"  If every alert fires, these are shown: bad ({at['bad']}), mild ({at['mild']}), top ({at['top']})\n"
        f"  and these wait: s0 ({at['s0']}), s1 ({at['s1']}), s2 ({at['s2']})\n"
    ) in printed
    for named in (
        f"an hour; these can change more often:\n  s0 (30 times, {at['s0']})",
        f"(see min_interval):\n  orders (60 times, {at['orders']}), money (60 times, {at['money']})\n",
    ):
        assert named in printed
    assert f"too long for a circle, which has room for 7 characters:\n  money (15 characters, {at['money']})" in printed
    assert (
        f"too long for a rectangle, which has room for 11 characters:\n  money (15 characters, {at['money']})"
        in printed
    )


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("run", 2, "no-such.yaml"),
        ("test-push", 2, "no-such.yaml"),
        ("outbox", 2, "no-such.yaml"),
        ("status", 1, "/no-such-"),
        ("reload", 1, "/no-such-"),
    ],
)
def test_a_command_without_another_argument_takes_a_file_as_check_does(
    command: str, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "no-such.yaml"]) == status
    assert said in capsys.readouterr().err
    assert run([command, "a.yaml", "-c", "b.yaml"]) == 2
    assert "Name the file once" in capsys.readouterr().err
