"""The effective configuration means what the written one means, and shows no secret."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from config.corpus import SOUND
from smithd.cli.main import run
from smithd.config.files import ConfigFiles
from smithd.config.load import load, load_effective
from smithd.config.model import Config

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
WHOLE = "".join(SOUND.values())
MASKED = (
    "web.token=a_token_of_the_page",
    "heartbeat.url=https://heart.example.com/beat",
    "sources.warehouse.url=postgresql://db.example.com/warehouse",
)
"""What the example has in place of secrets."""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _means_the_same(first: Config, second: Config) -> None:
    for field in fields(Config):
        if field.name not in ("path", "files", "redactor", "remarks", "places", "lines"):
            one, other = getattr(first, field.name), getattr(second, field.name)
            if isinstance(one, dict):
                assert {str(key): repr(each) for key, each in one.items()} == {
                    str(key): repr(each) for key, each in other.items()
                }
            elif isinstance(one, frozenset):
                # What lacks a secret is found again where it is written: that is more where it was a default.
                assert one <= other or field.name == "without_secret"
            else:
                assert repr(one) == repr(other), field.name


@pytest.mark.parametrize("text", [EXAMPLE.read_text(encoding="utf-8"), WHOLE], ids=["the example", "a small one"])
def test_it_means_the_same(text: str) -> None:
    settings = MASKED if "heartbeat" in text else ("activitysmith.api_key=ask_sound_0123456789",)
    Path("smithd.yaml").write_text(text, encoding="utf-8")
    whole = ConfigFiles((Path("smithd.yaml"),), settings)
    found = yaml.safe_dump(load_effective(whole), sort_keys=False)
    Path("effective.yaml").write_text(found, encoding="utf-8")
    effective = ConfigFiles((Path("effective.yaml"),), settings)
    _means_the_same(load(effective, secrets_required=False), load(whole, secrets_required=False))
    # And it is its own effective configuration.
    assert yaml.safe_dump(load_effective(effective), sort_keys=False) == found


def test_files_and_settings_are_united_short_forms_written_out_and_defaults_filled_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("smithd.yaml").write_text(f"include: sub/more.yaml\n{WHOLE}")
    Path("sub").mkdir()
    Path("sub/more.yaml").write_text("widgets: {other: prod.error_rate}\ndefaults: {timeout: 3s}\n")
    assert run(["check", "--effective", "--set", "sources.shop.tls.ca_file=ca.pem", "--set", "locale=de"]) == 0
    found = yaml.safe_load(capsys.readouterr().out)
    assert "include" not in found
    assert found["widgets"]["other"]["value"] == "prod.error_rate"
    assert found["widgets"]["other"]["min_interval"] == "1m"
    assert found["sources"]["prod"] | {"metrics": None} == {
        "type": "prometheus", "every": "1m", "timeout": "3s", "url": "http://127.0.0.1:9090", "headers": {},
        "tls": {"verify": True}, "dialect": "promql", "max_series": 1000, "metrics": None,
    }  # fmt: skip
    assert found["sources"]["shop"]["tls"]["ca_file"] == str(Path("ca.pem").absolute())
    assert found["rules"]["error-rate"]["push"]["on_resolve"] == "replace"
    assert found["locale"] == "de"


def test_no_secret_is_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "planted_in_the_environment")
    Path("key").write_text("planted_in_a_file")
    Path("smithd.yaml").write_text(
        WHOLE.replace("ask_sound_0123456789", "planted_key_01234")
        + "web: {listen: '127.0.0.1:0', token: '${env:PLANTED}'}\n"
        + "accounts: {team: {api_key: '${file:key}'}, other: {api_key: '${env:NOT_SET:-planted_default}'}}\n"
    )
    settings = [
        "sources.shop.headers={Authorization: Bearer planted_1, Accept: text/json}",
        "sources.shop.body={password: planted_2, note: planted_in_the_environment}",
        "sources.prod.auth.basic={username: someone, password: planted_3}",
        "sources.shop.url=http://127.0.0.1:9090/?token=planted_4",
        "sources.prod.metrics.error_rate='up{a=\"${env:PLANTED}\"}'",
        "sources.shop.metrics.revenue={path: '$[\"${env:PLANTED}\"]'}",
        "widgets.a={text: 'it is ${env:PLANTED}'}",
    ]
    arguments = [part for each in settings for part in ("--set", each)]
    assert run(["check", "--effective", *arguments]) == 0
    shown = capsys.readouterr().out
    assert "planted" not in shown
    assert "${env:PLANTED}" in shown
    assert "${file:key}" in shown
    assert "text/json" in shown
    assert "someone" in shown
    assert run(["check", "--effective", "--format", "json", *arguments]) == 0
    assert "planted" not in capsys.readouterr().out


def test_the_user_of_a_database_is_shown_and_its_password_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    def url(address: str) -> str:
        Path("smithd.yaml").write_text(WHOLE)
        shop = f"sources.base={{type: sql, url: '{address}', metrics: {{orders: SELECT 1}}}}"
        assert run(["check", "--effective", "--format", "json", "--set", shop]) == 0
        return str(json.loads(capsys.readouterr().out)["sources"]["base"]["url"])

    for address in (
        "postgresql://smithd_x7@host/db",
        "mysql+asyncmy://smithd_x7@host/db",
        "mariadb://smithd_x7@host/db",
    ):
        assert url(address) == address
    assert url("postgresql://smithd_x7:planted_pass_1@host/db") == "postgresql://[secret]@host/db"


def test_it_goes_with_no_other_check(capsys: pytest.CaptureFixture[str]) -> None:
    Path("smithd.yaml").write_text(WHOLE)
    for others in (["--online"], ["--strict"], ["--diff"]):
        assert run(["check", "--effective", *others]) == 2
        assert "go with no other check" in capsys.readouterr().err
    assert run(["check", "--effective", "--set", "locale=nonsense"]) == 2
    assert "--set:1:8: " in capsys.readouterr().err
