"""A secret is found where the file says it is kept, and is never printed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from config.corpus import PROD, SOUND
from smithd.cli.main import run
from smithd.config.load import load, load_rules
from smithd.config.model import Config
from smithd.errors import ConfigError
from smithd.events import Event, Events, listen_with_logs

SECRET = "tr0ub4dor&3-correct_horse"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes smithd.yaml into the current folder: a sound configuration, with these sections instead of its own."""
    monkeypatch.chdir(tmp_path)

    def write(**sections: str) -> Path:
        Path("smithd.yaml").write_text("".join((SOUND | sections).values()), encoding="utf-8")
        return Path("smithd.yaml")

    return write


def _account(key: str) -> str:
    return f"activitysmith:\n  api_key: {key}\n"


def _shop(options: str) -> dict[str, str]:
    return {"sources": f"sources:\n  shop: {{{options}}}\n" + PROD}


def _activity(options: str) -> dict[str, str]:
    return {"live_activities": f"live_activities:\n  a: {{title: a, {options}}}\n"}


def _key_of(config: Config) -> str:
    return config.account.api_key.get_secret_value()


def _page(token: str) -> str:
    return f"web:\n  listen: 127.0.0.1:1\n  token: {token}\n"


def _token_of(config: Config) -> str:
    assert config.web is not None
    assert config.web.token is not None
    return config.web.token.get_secret_value()


def test_secrets_come_from_the_environment_from_files_and_from_credentials(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "api").write_text(f"{SECRET}\n")
    monkeypatch.setenv("API_KEY", SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "keys"))
    for reference in ("${env:API_KEY}", "${file:keys/api}", f"${{file:{tmp_path}/keys/api}}", "${credential:api}"):
        config = load(write(activitysmith=_account(reference)), secrets_required=True)
        assert _key_of(config) == SECRET
        assert config.warnings == ()


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("${env:NOT_THERE:-fallback}", "fallback"),
        ("${file:not/there:-fallback}", "fallback"),
        ("${credential:not_there:-a:b-c}", "a:b-c"),
        ("'${env:NOT_THERE:-}x'", "x"),
        ("a-${env:THERE}-${env:THERE}-z", "a-here-here-z"),
        ("$${env:THERE}", "${env:THERE}"),
        ("$THERE and $$ and {env:THERE}", "$THERE and $$ and {env:THERE}"),
    ],
)
def test_a_reference_may_have_a_default_stand_within_a_text_or_be_none(
    write: Write, monkeypatch: pytest.MonkeyPatch, written: str, means: str
) -> None:
    monkeypatch.setenv("THERE", "here")
    assert _token_of(load(write(web=_page(written)), secrets_required=True)) == means


def test_only_one_line_feed_at_a_files_end_is_no_part_of_the_secret(write: Write) -> None:
    path = write(web=_page("${file:key}"))
    for content, secret in ((b"a b\n", "a b"), (b"ab\r\n", "ab"), (b"ab\n\n", "ab\n"), (b" ab ", " ab ")):
        Path("key").write_bytes(content)
        assert _token_of(load(path, secrets_required=True)) == secret


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("${env:NOT_THERE}", "${env:NOT_THERE} is not set"),
        ("${env:EMPTY}", "${env:EMPTY} is set, but empty"),
        ("${file:not/there}", "${file:not/there} is not there"),
        ("${file:.}", "${file:.} cannot be read: is a directory"),
        ("${file:empty}", "${file:empty} is empty"),
        ("${file:latin1}", "${file:latin1} cannot be used: the file is not UTF-8"),
        ("${credential:key}", "${credential:key} is not here: $CREDENTIALS_DIRECTORY is not set"),
    ],
)
def test_a_missing_secret_is_a_warning_for_check_and_a_mistake_for_run(
    write: Write, monkeypatch: pytest.MonkeyPatch, reference: str, why: str
) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = write(activitysmith=_account(reference))
    Path("empty").touch()
    Path("latin1").write_bytes(b"\xe4")
    (warning,) = load(path, secrets_required=False).warnings
    assert warning.startswith(f"smithd.yaml:2:12: warning: {why}")
    with pytest.raises(ConfigError) as caught:
        load(path, secrets_required=True)
    assert str(caught.value).startswith(f"smithd.yaml:2:12: {why}")
    assert str(caught.value).endswith("1 mistake in smithd.yaml")


MISSING = "${env:NOT_THERE}"


@pytest.mark.parametrize(
    "sections",
    [
        {"activitysmith": f"activitysmith:\n  api_key: k\n  base_url: {MISSING}\n"},
        {"activitysmith": f"activitysmith:\n  api_key: k\n  limits: {{metrics_per_minute: '{MISSING}'}}\n"},
        {"web": f"web: {{listen: '{MISSING}'}}\n"},
        {"web": f"web: {{listen: '127.0.0.1:{MISSING}'}}\n"},
        {"timezone": f"timezone: {MISSING}\n"},
        {"state": f"state: {MISSING}\n"},
        {"state": f"state: sqlite:///{MISSING}/state.db\n"},
        {"defaults": f"defaults: {{every: '{MISSING}'}}\n"},
        {"rules": f"rules:\n  error-rate:\n    metric: prod.error_rate\n    warning: {MISSING}\n"},
        {"rules": f"rules:\n  error-rate:\n    metric: {MISSING}\n    warning: '> 1'\n"},
        {"rules": f"rules:\n  error-rate: {{metric: prod.error_rate, warning: '> 5', recover: '{MISSING}'}}\n"},
        {"widgets": f"widgets:\n  a: {MISSING}\n"},
        {"widgets": f"widgets:\n  a: {{value: shop.orders, min_interval: '{MISSING}'}}\n"},
        _activity(f"type: '{MISSING}', stats: [{{label: a, value: shop.orders}}]"),
        _activity(f"type: stats, stats: [{{label: a, value: shop.orders, color: '{MISSING}', color_by: '{MISSING}'}}]"),
        _shop(f"type: http_json, url: '{MISSING}', metrics: {{orders: $.a, revenue: $.b}}"),
        *(
            _shop(
                f"type: sql, url: 'postgresql://me:{password}@h/db', metrics: {{orders: SELECT 1, revenue: SELECT 1}}"
            )
            for password in (MISSING, f"a{MISSING}")
        ),
        _shop(f"type: '{MISSING}', url: x"),
        _shop(f"type: http_json, url: http://x, cron: '{MISSING}', metrics: {{orders: $.a, revenue: $.b}}"),
        _shop(f"type: http_json, url: http://x, method: '{MISSING}', metrics: {{orders: $.a, revenue: $.b}}"),
        _shop(f"type: http_json, url: http://x, max_size: '{MISSING}', metrics: {{orders: $.a, revenue: $.b}}"),
        _shop(f"type: http_json, url: http://x, metrics: {{orders: '{MISSING}', revenue: $.b}}"),
        _shop(f"type: http_json, url: http://x, tls: {{verify: '{MISSING}'}}, metrics: {{orders: $.a, revenue: $.b}}"),
    ],
)
def test_a_missing_secret_looks_like_no_second_mistake_wherever_it_stands(
    write: Write, sections: dict[str, str]
) -> None:
    count = sum(section.count(MISSING) for section in sections.values())
    config = load(write(**sections), secrets_required=False)
    assert len([warning for warning in config.warnings if MISSING in warning]) == count
    with pytest.raises(ConfigError, match=rf"\n\n{count} mistakes? in "):
        load(Path("smithd.yaml"), secrets_required=True)


def test_a_value_that_lacks_its_secret_is_its_default_and_named(write: Write) -> None:
    config = load(
        write(
            activitysmith=_account(MISSING) + f"  limits: {{metrics_per_minute: '{MISSING}'}}\n",
            **_shop(f"type: http_json, url: '{MISSING}', metrics: {{orders: '{MISSING}', revenue: $.b}}"),
        ),
        secrets_required=False,
    )
    assert config.unknown == {
        ("activitysmith", "limits", "metrics_per_minute"),
        ("sources", "shop", "url"),
        ("sources", "shop", "metrics", "orders"),
    }
    assert config.account.limits.metrics_per_minute == 300
    assert config.sources["shop"].metrics == {"orders", "revenue"}


@pytest.mark.parametrize(
    ("sections", "needed"),
    [
        ({"activitysmith": _account(MISSING), "web": f"web: {{listen: '{MISSING}'}}\n"}, ""),
        (_shop(f"type: http_json, url: '{MISSING}', metrics: {{orders: $.a, revenue: $.b}}"), ""),
        ({"rules": f"rules:\n  a: {{metric: prod.error_rate, warning: '{MISSING}'}}\n"}, "rules.a.warning"),
        ({"widgets": f"widgets:\n  a: {{value: shop.orders, min_interval: '{MISSING}'}}\n"}, "widgets.a.min_interval"),
        (
            {"time_windows": f"time_windows:\n  a: {{from: '{MISSING}', to: '08:00'}}\n"},
            "time_windows.a.from",
        ),
        (
            _activity(f"type: stats, stats: [{{label: a, value: shop.orders}}], end: {{cool_down: '{MISSING}'}}"),
            "live_activities.a.end.cool_down",
        ),
    ],
)
def test_rules_are_evaluated_without_secrets_unless_they_need_them(
    write: Write, sections: dict[str, str], needed: str
) -> None:
    path = write(**({"rules": "rules: {}\n", "live_activities": "live_activities: {}\n"} | sections))
    if not needed:
        assert load_rules(path).path == path
        return
    with pytest.raises(ConfigError, match=needed) as caught:
        load_rules(path)
    assert "NOT_THERE} is not set" in str(caught.value)


LITERALS = [
    # the mistake, and the secret that stands near it
    {"activitysmith": f"activitysmith: {{api_key: {SECRET}, channel: ops}}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: [{SECRET}]\n"},
    {"activitysmith": f"activitysmith:\n  api_key: {{a: {SECRET}}}\n"},
    {"activitysmith": f"activitysmith:\n  api_kye: {SECRET}\n"},
    {"activitysmith": f"activitysmith:\n  key_for_the_api: {SECRET}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: {SECRET}\n  api_key: {SECRET}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: !{SECRET} {SECRET}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: *{SECRET.replace('&', '')}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: @{SECRET}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: {SECRET}: {SECRET}\n"},
    {"activitysmith": f'activitysmith:\n  api_key: "{SECRET}\n'},
    {"activitysmith": f"activitysmith:\n  api_key: '{SECRET}\n'x\n"},
    {"activitysmith": f"activitysmith:\n  api_key: > {SECRET}\n"},
    {"activitysmith": f"activitysmith:\n  api_key:\n    {SECRET}: @\n"},
    {"activitysmith": f"activitysmith:\n  api_key: ${{{SECRET}}}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: ${{env:{SECRET}}}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: ${{{SECRET}\n"},
    {"activitysmith": f"activitysmith: {SECRET}\n"},
    {"activitysmith": f"activitysmith:\n  api_key: k\n  base_url: http://me:{SECRET}@example.com\n"},
    {"web": f"web: {{token: {SECRET}, listen: nowhere}}\n"},
    {"web": f"web: {{token: {SECRET}, listen: '0.0.0.0:{SECRET}'}}\n".replace(f":{SECRET}'", ":x'")},
    {"web": f"web:\n  token: {SECRET} # {SECRET}\n  listen: 1 # {SECRET}\n"},
    {"api_key": f"api_key: {SECRET}\n"},
    {"secrets": f"secrets:\n  shop: {SECRET}\n"},
    {"something": f"something: [{{a: {SECRET}}}]\n"},
    _shop(f"type: http_json, url: 'ftp://me:{SECRET}@x', metrics: {{orders: $.a}}"),
    _shop(f"type: http_json, url: 'https://me:{SECRET}@x', metrics: {{a: $.a}}"),
    _shop(f"type: nothing, url: 'https://x/?api_key={SECRET}'"),
    _shop(f"type: http_json, url: 'http:/me:{SECRET}@x', metrics: {{a: $.a}}"),
    *(
        _shop(f"type: sql, url: '{url}', metrics: {{orders: SELECT 1, revenue: SELECT 1}}")
        for url in (
            f"postgresql:/reader:{SECRET}@127.0.0.1/shop",
            f"postgresql//reader:{SECRET}@127.0.0.1/shop",
            f"reader:{SECRET}@127.0.0.1/shop",
            f"postgresql:reader:{SECRET}@127.0.0.1/shop",
            f"https:{SECRET}",
            f"postgresql:reader:{SECRET}",
            f"host=127.0.0.1 password={SECRET}",
            f"postgresql://reader@127.0.0.1/shop?Passwd={SECRET}",
            f"postgresql://reader@127.0.0.1/shop?pwd={SECRET}",
            f"postgresql://reader: {SECRET}@127.0.0.1:x/shop",
        )
    ),
    _shop(f"type: nothing, password: {SECRET}"),
    _shop(f"type: http_json, headers: {{Authorization: Bearer {SECRET}, 'a b': c}}"),
    _shop(f"type: http_json, headers: {{X-A: {{b: {SECRET}}}}}"),
    _shop(f"type: http_json, auth: {{basic: {{username: a, pass: {SECRET}}}}}"),
    _shop(f"type: http_json, auth: {{bearer: '{SECRET}ä'}}"),
    _shop(f"type: http_json, query: {{token: [{SECRET}]}}"),
]


@pytest.mark.parametrize("sections", LITERALS)
def test_a_secret_written_into_the_file_is_not_printed_with_the_mistake_beside_it(
    write: Write, sections: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(**sections)
    assert run(["check"]) == 2
    printed = capsys.readouterr().err
    assert "tr0ub" not in printed
    assert "correct" not in printed


@pytest.mark.parametrize(
    "url",
    [
        "localhost:5432/shop",
        "db.example.com",
        "postgresql:/db/shop",
        "db.example.com/shop?sslmode=require",
        "spotify:track:1",
    ],
)
def test_an_address_that_can_hold_no_password_is_shown(
    write: Write, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(**_shop(f"type: sql, url: '{url}', metrics: {{orders: SELECT 1, revenue: SELECT 1}}"))
    assert run(["check"]) == 2
    assert f"found the text '{url}'" in capsys.readouterr().err


PLUGIN = """
from urllib.parse import quote
from pydantic import field_validator, model_validator
from smithd.plugin import Options, Source

class EchoOptions(Options):
    word: str = ""
    whole: str = ""
    pin: str = ""
    metrics: list[str] = []

    @field_validator("word")
    @classmethod
    def _word(cls, word):
        if word:
            raise ValueError(f"expected no {word!r}, {word.upper()}, {quote(word)}, {word[:9]} or {word[::-1]}")
        return word

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, given):
        if "whole" in given:
            raise ValueError(f"expected no {given['whole']}")
        return given

class Echo(Source[EchoOptions]):
    Options = EchoOptions

    @classmethod
    def metrics(cls, options):
        return options.metrics

    def poll(self):
        return []
"""


@pytest.mark.parametrize("key", ["word", "whole"])
def test_a_secret_is_not_printed_by_way_of_what_a_plugin_says_of_it(
    write: Write, key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORD", SECRET)
    sources = f"sources:\n  echo: {{type: echo, {key}: '${{env:WORD}}'}}\n"
    empty = {name: f"{name}: {{}}\n" for name in ("rules", "widgets", "live_activities")}
    write(plugins="plugins: [plug.py]\n", sources=sources, **empty)
    Path("plug.py").write_text(PLUGIN)
    assert run(["check"]) == 2
    printed = capsys.readouterr().err
    assert "tr0ub" not in printed
    assert "TR0UB" not in printed
    assert "smithd.yaml:" in printed


def test_a_value_that_a_secret_stands_for_is_not_printed_when_it_is_wrong(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORD", SECRET)
    write(
        web="web: {listen: '${env:WORD}'}\n",
        timezone="timezone: ${env:WORD}\n",
        defaults="defaults: {every: '${env:WORD}', timeout: 'x${env:WORD}'}\n",
        rules="rules:\n  error-rate:\n    metric: ${env:WORD}\n    warning: '> ${env:WORD}'\n"
        "    push: {title: '{{${env:WORD}}}'}\n",
        widgets="widgets:\n  a: {value: '${env:WORD}', min_change: '${env:WORD}'}\n",
    )
    assert run(["check"]) == 2
    printed = capsys.readouterr().err
    assert "tr0ub" not in printed
    assert "found what ${env:WORD} holds" in printed
    assert "9 mistakes" in printed


def test_every_secret_that_was_read_is_taken_out_of_the_log(
    write: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOST", "internal.example.com")
    write(
        activitysmith=_account(SECRET),
        web="web: {listen: 127.0.0.1:1, token: page-t0ken}\n",
        sources="sources:\n  shop:\n    type: http_json\n    url: https://${env:HOST}/x\n"
        "    headers: {Accept: text/json}\n"
        "    query: {api_key: query-k3y}\n    auth: {basic: {username: me, password: pass-w0rd}}\n"
        f"    metrics: {{orders: $.a, revenue: $.b}}\n{PROD}",
    )
    config = load(Path("smithd.yaml"), secrets_required=True)

    class Said(Event):
        def __str__(self) -> str:
            return f"{SECRET} page-t0ken internal.example.com query-k3y pass-w0rd text/json"

    with caplog.at_level(logging.INFO, "smithd"):
        Events([listen_with_logs(config.redactor)]).publish(Said())
    assert caplog.messages == ["[secret] [secret] [secret] [secret] [secret] text/json"]
    assert SECRET not in repr(config)
