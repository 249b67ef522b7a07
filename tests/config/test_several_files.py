"""A configuration in several files, and what ``--set`` changes in it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from campaign import LONG
from cli.test_state_file import another_user
from config.corpus import SOUND
from smithd.cli.main import run
from smithd.config.files import ConfigFiles
from smithd.config.gather import matching
from smithd.config.load import load
from smithd.config.model import Config
from smithd.config.yaml.compose import compose
from smithd.config.yaml.document import read
from smithd.config.yaml.positions import MappingNode, Node, ScalarNode
from smithd.config.yaml.scalars import value_of
from smithd.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
Write = Callable[..., None]
WHOLE = "".join(SOUND.values())


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes files of the current folder, each named with its text."""
    monkeypatch.chdir(tmp_path)

    def write(**files: str) -> None:
        for name, text in files.items():
            path = Path(name.replace("__", "/") + ".yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write


def _loaded(*paths: str, sets: tuple[str, ...] = ()) -> Config:
    return load(ConfigFiles(tuple(map(Path, paths or ("smithd.yaml",))), sets), secrets_required=True)


def _said(*paths: str, sets: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigError) as raised:
        _loaded(*paths, sets=sets)
    return str(raised.value)


def _rest(*left_out: str) -> str:
    return "".join(text for name, text in SOUND.items() if name not in left_out)


# Which files there are.


def test_a_glob_includes_its_files_in_the_order_of_their_names(write: Write) -> None:
    write(smithd=f"include: [conf.d/*.yaml]\n{_rest('widgets')}")
    write(conf__b="widgets: {second: shop.orders}", conf__a="widgets: {first: shop.orders}")
    Path("conf").rename("conf.d")
    config = _loaded()
    assert list(config.widgets) == ["first", "second"]
    assert list(map(str, config.files)) == ["smithd.yaml", "conf.d/a.yaml", "conf.d/b.yaml"]


def test_a_text_alone_is_one_file(write: Write) -> None:
    write(smithd=f"include: more.yaml\n{_rest('rules')}", more=SOUND["rules"])
    assert "error-rate" in _loaded().rules


def test_what_is_included_is_relative_to_its_file_and_may_include_others(write: Write) -> None:
    write(smithd=f"include: [sub/a.yaml]\n{_rest('rules', 'widgets')}")
    write(sub__a=f"include: [b.yaml]\n{SOUND['rules']}", sub__b=SOUND["widgets"])
    assert list(map(str, _loaded().files)) == ["smithd.yaml", "sub/a.yaml", "sub/b.yaml"]


def test_a_file_that_is_met_again_counts_once(write: Write) -> None:
    write(smithd=f"include: ['*.yaml', more.yaml]\n{_rest('rules')}", more=f"include: smithd.yaml\n{SOUND['rules']}")
    Path("link.yaml").symlink_to("more.yaml")
    assert len(_loaded("smithd.yaml", "more.yaml").files) == 2


def test_a_file_that_is_named_must_be_there(write: Write) -> None:
    write(smithd=f"include:\n  - conf.d/a.yaml\n{WHOLE}")
    assert "smithd.yaml:2:5: there is no file conf.d/a.yaml\n" in _said()


def test_a_folder_and_a_link_to_nothing_are_named(write: Write) -> None:
    write(smithd=f"include: conf.d\n{WHOLE}")
    Path("conf.d").mkdir()
    assert "smithd.yaml:1:10: conf.d is a directory\n" in _said()
    assert "conf.d/*.yaml includes the files in it" in _said()
    write(smithd=f"include: conf.d/*.yaml\n{WHOLE}")
    Path("conf.d/own.yaml").symlink_to("nowhere.yaml")
    assert _said().startswith("conf.d/own.yaml: this link leads to nowhere.yaml, and there is no such file\n")


@pytest.mark.parametrize("mode", [0o744, 0o311], ids=["not to be entered", "not to be listed"])
def test_a_folder_that_cannot_be_read_does_not_look_empty(mode: int) -> None:
    # The parents of pytest's folders are closed to others.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        closed, file = Path(folder, "conf.d"), Path(folder, "smithd.yaml")
        file.write_text(f"include: conf.d/**/*.yaml\n{WHOLE}")
        closed.mkdir()
        closed.joinpath("a.yaml").write_text("history: 9d\n")
        closed.chmod(mode)
        with another_user():
            said = _said(str(file))
            list(matching(f"{closed}/*.yaml"))
        closed.chmod(0o700)
    assert said.startswith(f"{file}:1:10: the folder {closed} cannot be read: permission denied\n")


def test_a_glob_may_find_none(write: Write) -> None:
    write(smithd=f"include: [conf.d/*.yaml]\n{WHOLE}")
    assert "smithd.yaml:1:11: warning: no file matches this" in _loaded().warnings


@pytest.mark.parametrize("text", ["{a: b}", "[[a]]", "['']", "", '["\\0"]'])
def test_what_cannot_be_included(text: str, write: Write) -> None:
    write(smithd=f"include: {text}\n{WHOLE}")
    assert "this cannot be included\n" in _said()


def test_an_included_file_may_be_empty_and_the_first_may_not(write: Write) -> None:
    write(smithd=f"include: more.yaml\n{WHOLE}", more="# nothing yet\n")
    assert "more.yaml: warning: the file is empty" in _loaded().warnings
    assert _said("more.yaml", "smithd.yaml").startswith("more.yaml:1:1: the file is empty\n")


def test_too_many_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smithd.config.gather.MOST_FILES", 3)
    write(smithd=f"include: ['*.yaml']\n{WHOLE}", a="", b="", c="", d="")
    assert "c.yaml: with this file, the configuration has more than 3 files" in _said()


# What they are together.


def test_options_of_one_mapping_may_stand_in_several_files(write: Write) -> None:
    write(smithd=WHOLE, more="activitysmith: {channels: [ops], limits: {share: 50%}}")
    write(last="activitysmith: {limits: {notifications_per_minute: 5}}")
    account = _loaded("smithd.yaml", "more.yaml", "last.yaml").account
    assert account.channels == ["ops"]
    assert (account.limits.share, account.limits.notifications_per_minute) == (0.5, 5)


@pytest.mark.parametrize(
    ("text", "place", "first"),
    [
        ("rules: {error-rate: {damping: false}}", "more.yaml:1:9: 'rules.error-rate'", "smithd.yaml:16:3"),
        ("activitysmith: {api_key: ask_1}", "more.yaml:1:17: 'activitysmith.api_key'", "smithd.yaml:2:3"),
        ("rules:", "more.yaml:1:1: 'rules'", "smithd.yaml:15:1"),
    ],
)
def test_what_is_given_twice_is_a_mistake_at_both_places(text: str, place: str, first: str, write: Write) -> None:
    write(smithd=WHOLE, more=text)
    said = _said("smithd.yaml", "more.yaml")
    assert f"{place} is given twice: here, and at {first}\n" in said
    assert f"{first}: {place.partition(' ')[2]} is given twice: here, and at {place.partition(': ')[0]}\n" in said
    assert said.endswith("2 mistakes in smithd.yaml and more.yaml")


def test_lists_are_not_united(write: Write) -> None:
    write(smithd=f"plugins: []\n{WHOLE}", more="plugins: []")
    assert "more.yaml:1:1: 'plugins' is given twice" in _said("smithd.yaml", "more.yaml")


def test_a_mistake_has_the_place_in_its_own_file(write: Write) -> None:
    rules = SOUND["rules"].replace("error_rate", "error_rat")
    write(smithd=f"include: sub/more.yaml\n{_rest('rules')}", sub__more=rules)
    said = _said()
    assert (
        "sub/more.yaml:3:13: no source declares the metric 'prod.error_rat'\n    3 |     metric: prod.error_rat" in said
    )
    assert "did you mean 'prod.error_rate'?" in said


def test_all_files_that_are_no_yaml_are_reported_at_once(write: Write) -> None:
    write(smithd=f"include: ['*.yaml']\n{WHOLE}", a="a: [", b="- b", c="c: 'c")
    said = _said()
    assert "a.yaml:1:5: " in said
    assert "b.yaml:1:1: the file is a list\n" in said
    assert "c.yaml:1:4: " in said
    assert said.endswith("3 mistakes in a.yaml, b.yaml and c.yaml")


def test_no_secret_is_shown_of_any_file(write: Write) -> None:
    write(smithd=WHOLE, more="activitysmith: {api_key: planted_1234567}", broken="a: {token: planted_7654321\n")
    assert "planted" not in _said("smithd.yaml", "more.yaml")
    assert "planted" not in _said("smithd.yaml", "broken.yaml")
    assert "planted" not in _said(
        sets=("activitysmith.api_key=[planted_1234567]", "sources.shop.auth.bearer='planted_1")
    )
    assert "planted" not in _said(
        sets=("activitysmith.api_key={a: planted_1234567}", "sources.shop.auth.bearer=[planted_1]")
    )


def test_relative_paths_begin_at_the_file_they_stand_in(write: Write) -> None:
    write(smithd=f"include: sub/more.yaml\n{_rest('activitysmith', 'sources', 'widgets')}")
    shop = SOUND["sources"].replace(
        "    metrics:\n      orders", "    tls: {ca_file: ca.pem}\n    metrics:\n      orders"
    )
    source = "from smithd.plugin import Options, Source\nclass Own(Source):\n  async def poll(self): return []\n"
    source += "  @classmethod\n  def metrics(cls, options): return {'a'}\n  Options = Options\n"
    write(
        sub__more="state: sqlite:///here.db\nactivitysmith: {api_key: '${file:key}'}\nplugins: [own.py]\n"
        f"{shop}  mine: {{type: own}}\n"
    )
    Path("sub/key").write_text("ask_key_of_the_file")
    Path("sub/own.py").write_text(source)
    config, folder = _loaded(), Path("sub").absolute()
    assert config.account.api_key.get_secret_value() == "ask_key_of_the_file"
    assert config.state == folder / "here.db"
    assert config.sources["shop"].options.tls.ca_file == str(folder / "ca.pem")  # type: ignore[attr-defined]
    assert config.sources["mine"].metrics == {"a"}


def test_the_first_file_names_the_daemon_and_its_state(write: Write) -> None:
    write(smithd=WHOLE, more="locale: de")
    assert _loaded("smithd.yaml", "more.yaml").state == _loaded("smithd.yaml").state
    assert _loaded("more.yaml", "smithd.yaml").path == Path("more.yaml")
    assert _loaded("more.yaml", "smithd.yaml").state != _loaded("smithd.yaml").state


def test_the_plan_names_the_file_of_what_is_not_in_the_first(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write(smithd=f"include: more.yaml\n{_rest('rules')}", more=SOUND["rules"])
    assert run(["check"]) == 0
    printed = capsys.readouterr().out
    assert "(most of it: more.yaml:2)" in printed
    assert "(most of it: line 17)" in printed


# --set.


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        ("defaults.every=5s", lambda config: config.sources["prod"].schedule.seconds, 5.0),
        ("web={listen: 127.0.0.1:0}", lambda config: config.web.listen.port, 0),
        ("activitysmith.channels=[a, b]", lambda config: config.account.channels, ["a", "b"]),
        ('widgets."shop.revenue".value=shop.orders', lambda config: config.widgets["shop.revenue"].metric, None),
        ("locale = de", None, None),
    ],
)
def test_a_setting_takes_the_place_of_what_is_there(
    text: str, read: Callable[[Any], Any] | None, value: Any, write: Write
) -> None:
    write(smithd=WHOLE.replace("  shop.revenue: shop.revenue", "  shop.revenue: {value: shop.revenue}"))
    if read is None:
        assert "--set:1:1: this names nothing that can be set" in _said(sets=(text,))
    elif value is None:
        assert _loaded(sets=(text,)).widgets["shop.revenue"].value == "shop.orders"
    else:
        assert read(_loaded(sets=(text,))) == value


def test_of_two_settings_the_later_one_counts(write: Write) -> None:
    write(smithd=WHOLE)
    assert _loaded(sets=("locale=de", "locale=fr")) is not None
    assert _loaded(sets=("history=9d", "history=10d")).history == 10 * 86400.0


def test_a_setting_changes_nothing_else_that_an_anchor_stands_for(write: Write) -> None:
    write(
        smithd=_rest("sources")
        + "sources:\n  shop: &shop {type: http_json, url: 'http://x.example', metrics: {orders: $.a, revenue: $.b}}\n"
        + "  prod: {type: prometheus, url: 'http://x.example', metrics: {error_rate: up}}\n  other: *shop\n"
    )
    sources = _loaded(sets=("sources.shop.metrics.more=$.c",)).sources
    assert sources["shop"].metrics == {"orders", "revenue", "more"}
    assert sources["other"].metrics == {"orders", "revenue"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources.shop.every=soon", "--set:1:20: expected a duration like 30s"),
        ("sources.shpo.every=5s", "did you mean 'shop'?"),
        ("rules.eror-rate.push=true", "did you mean 'error-rate'?"),
        ("sources.shop.evry=5s", "--set:1:14: unknown key 'evry'"),
        ("sources.shop.every=", "--set:1:14: 'every' has no value"),
        ("sources.shop.every={", "--set:1:21: "),
        (
            "sources.shop.url.host=x",
            "--set:1:14: 'url' has no keys of its own: set all of it, as sources.shop.url=VALUE",
        ),
        ('widgets."shop.revenue".min_interval=5m', 'set all of it, as widgets."shop.revenue"=VALUE'),
        ("rules.error-rate.critical=> 7", "quotes, as in --set 'rules.errors.critical=\"> 7\"'"),
        ("include=[a.yaml]", "--set:1:1: 'include' belongs into a file"),
        ("every", "--set:1:1: this names nothing that can be set"),
        ("", "--set:1:1: this names nothing that can be set"),
        ("a..b=c", "--set:1:1: this names nothing that can be set"),
        ("=5", "--set:1:1: this names nothing that can be set"),
    ],
)
def test_a_mistake_in_a_setting_points_at_it(text: str, said: str, write: Write) -> None:
    write(smithd=WHOLE)
    assert said in _said(sets=(text,))
    # Further ones are further lines.
    assert said.replace("--set:1:", "--set:2:") in _said(sets=("locale=de", text))


def test_any_text_is_a_setting_or_a_mistake(write: Write) -> None:
    write(smithd=WHOLE)

    @given(st.text(max_size=30) | st.from_regex(r"[a-z.\"]{1,9}=[\[\]{}:'\"a-z *&!|>\n-]{0,12}", fullmatch=True))
    @settings(max_examples=150, deadline=None)
    def check(text: str) -> None:
        try:
            _loaded(sets=(text,))
        except ConfigError as error:
            assert "--set" in str(error)  # noqa: PT017 - either may happen

    check()


# The law: however a configuration is split, it is the same.


def _split(draw: st.DrawFn, data: dict[str, Any], count: int, *, named: bool) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{} for _ in range(count)]
    for key, value in data.items():
        if isinstance(value, dict) and value and not named:
            is_section = key in {
                "accounts",
                "sources",
                "derived",
                "rules",
                "time_windows",
                "widgets",
                "live_activities",
            }
            for part, piece in zip(parts, _split(draw, value, count, named=is_section), strict=True):
                if piece:
                    part[key] = piece
        else:
            parts[draw(st.integers(0, count - 1))][key] = value
    return parts


@st.composite
def splits(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The example, in up to four parts."""
    tree = compose(read(EXAMPLE)).tree
    assert isinstance(tree, MappingNode)
    del tree.entries["include"]
    return _split(draw, _plain(tree), draw(st.integers(1, 4)), named=False)


def _plain(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return value_of(node)
    if isinstance(node, MappingNode):
        return {name: _plain(pair.value) for name, pair in node.entries.items()}
    return list(map(_plain, node.items))


@given(splits(), st.booleans())
@settings(max_examples=100 if LONG else 8, deadline=None, phases=[Phase.generate])
def test_a_configuration_in_several_files_is_the_same_as_in_one(parts: list[dict[str, Any]], included: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "whole.yaml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
        whole = load(folder / "whole.yaml", secrets_required=False)
        paths = [folder / f"{number}.yaml" for number in range(len(parts))]
        for path, part in zip(paths, parts, strict=True):
            path.write_text("# a part\n" + (json.dumps(part) if part else ""), encoding="utf-8")
        (folder / "smithd.yaml").write_text("include: ['[0-9].yaml']\n" if included else "include: []\n")
        united = load(ConfigFiles((folder / "smithd.yaml", *([] if included else paths))), secrets_required=False)
    for field in fields(Config):
        if field.name not in ("path", "files", "redactor", "remarks", "places", "lines"):
            assert _said_of(getattr(united, field.name)) == _said_of(getattr(whole, field.name)), field.name


def _said_of(value: Any) -> Any:
    """A part of a configuration, comparable: compiled templates are objects of their own each time."""
    if isinstance(value, dict):
        return {str(name): repr(each) for name, each in value.items()}
    # Their order is that of the files.
    return sorted(map(repr, value)) if isinstance(value, tuple | frozenset) else repr(value)


# The command line.


def test_commands_take_several_files_and_settings(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write(smithd=_rest("rules"), more=SOUND["rules"])
    assert run(["check", "-c", "smithd.yaml", "-c", "more.yaml", "--set", 'rules.error-rate.critical="> 7"']) == 0
    assert capsys.readouterr().out.startswith("smithd.yaml with 1 more file is fine: 2 sources")
    assert run(["check", "smithd.yaml", "-c", "more.yaml"]) == 2
    assert "Name the file once" in capsys.readouterr().err
    assert run(["check", "more.yaml"]) == 2
    assert run(["status", "-c", "more.yaml", "-c", "smithd.yaml"]) == 1
    assert "more-" in capsys.readouterr().err
