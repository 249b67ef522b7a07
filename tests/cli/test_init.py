"""``smithd init``: on a terminal by asking, elsewhere by flags; what it writes is a configuration that works."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.terminal import terminal
from smithd.cli.first_config import MOST_NUMBERS, metric_name, number_paths, scalar, source_name
from smithd.cli.main import run
from smithd.config.load import load
from smithd.config.yaml.compose import compose
from smithd.config.yaml.document import Document
from smithd.config.yaml.positions import MappingNode, ScalarNode
from smithd.config.yaml.scalars import value_of
from smithd.testing import Reply, Server

STATS = {"orders": {"today": 41, "late": [1, 2.5]}, "open": True, "by-house": {"a b": 3}}
FOUND = [("$.orders.today", 41), ("$.orders.late[0]", 1), ("$.orders.late[1]", 2.5), ('$["by-house"]["a b"]', 3)]
COMMAND = ["-m", "smithd", "init"]


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server({"/stats": Reply(json.dumps(STATS).encode())})
    yield server
    server.stop()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one, and no key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ACTIVITYSMITH_API_KEY", raising=False)
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_person_chooses_a_number_of_the_answer_and_gets_a_configuration(here: Path, web: Server) -> None:
    with terminal(COMMAND, here) as shown:
        shown.read_until("Where is it kept [${env:ACTIVITYSMITH_API_KEY}]: ")
        shown.type("\n")
        shown.read_until("Type: ")
        shown.type("jason\n")
        shown.read_until("did you mean 'http_json'?")
        shown.read_until("Type: ")
        shown.type("http_json\n")
        shown.read_until("url (the address to ask): ")
        shown.type(f"{web.url}/stats\n")
        shown.read_until("Its name in the configuration [web]: ")
        shown.type("1 shop\n")
        shown.read_until("expected small letters, digits and _")
        shown.type("shop\n")
        numbers = shown.read_until("JSONPath) [1]: ")
        assert next(line.split()[1:] for line in numbers.splitlines() if "$" in line) == ["$.orders.today", "41"]
        shown.type("1\n")
        shown.read_until("Its name [orders_today]: ")
        shown.type("> 5\n")
        shown.read_until("expected small letters, digits and _")
        shown.type("orders\n")
        shown.read_until("shop.orders = 41")
        shown.read_until("which is 41 now?")
        shown.read_until("Threshold: ")
        shown.type("much\n")
        shown.read_until("expected a comparison like '> 5'")
        shown.type("< 100\n")
        shown.read_until("That is so now")
        shown.read_until("export ACTIVITYSMITH_API_KEY=...")
        assert shown.end() == 0
    assert files(here) == ["smithd.yaml"]
    config = load(here / "smithd.yaml", secrets_required=False)
    assert config.sources["shop"].metrics == {"orders"}
    assert config.rules["orders"].metric == "shop.orders"
    assert list(config.widgets) == ["shop.orders"]
    text = (here / "smithd.yaml").read_text()
    assert "orders: $.orders.today" in text
    assert 'warning: "< 100"' in text
    assert "# it was 41 when this was written" in text


def test_a_source_that_fails_is_asked_for_again_and_ctrl_c_leaves_nothing(here: Path, web: Server) -> None:
    with terminal([*COMMAND, "--type", "prometheus", "--api-key", "${env:KEY}"], here) as shown:
        shown.read_until("[http://127.0.0.1:9090]: ")
        shown.type(f"{web.url}\n")
        shown.read_until("[prometheus]: ")
        shown.type("\n")
        shown.read_until("PromQL query: ")
        shown.type("sum(up\n")
        shown.read_until("Its name [")
        shown.type("up\n")
        # What is no PromQL is reported as 'check' would, and asked for again.
        shown.read_until("smithd.yaml:11:")
        shown.read_until(f"[{web.url}]: ")
        shown.type("\n")
        shown.read_until("[prometheus]: ")
        shown.type("\n")
        shown.read_until("PromQL query [sum(up]: ")
        shown.type("sum(up)\n")
        shown.read_until("Its name [up]: ")
        shown.type("\n")
        shown.read_until("The poll failed: ")
        shown.read_until("Change the answers [Y/n]: ")
        assert shown.interrupt() == 130
    assert files(here) == []


def test_a_person_may_go_on_with_a_source_that_fails_and_without_a_rule(here: Path) -> None:
    arguments = ["--type", "prometheus", "--url", "http://127.0.0.1:9", "--metric", "up=sum(up)"]
    with terminal([*COMMAND, *arguments], here) as shown:
        shown.read_until("Where is it kept")
        shown.type("ask_the_key_itself\n")
        shown.read_until("That is the key itself, it seems. The file gets ${env:ACTIVITYSMITH_API_KEY}.")
        shown.read_until("[prometheus]: ")
        shown.type("\n")
        shown.read_until("Change the answers [Y/n]: ")
        shown.type("n\n")
        shown.read_until("Threshold: ")
        shown.type("\n")
        shown.read_until("export ACTIVITYSMITH_API_KEY=...")
        assert shown.end() == 0
    text = (here / "smithd.yaml").read_text()
    assert "ask_the_key_itself" not in text
    assert "rules:" not in text
    assert "prometheus.up: prometheus.up" in text


def test_flags_alone_write_it_where_there_is_no_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect("shop.db")) as shop:
        shop.executescript("CREATE TABLE orders (x); INSERT INTO orders VALUES (1), (2)")
    flags = ["--type", "sql", "--url", "sqlite:///shop.db", "--metric", "orders=SELECT count(*) FROM orders"]
    assert run(["init", "first.yaml", *flags, "--warning", "< 1", "--critical", "< 0", "--every", "30s"]) == 0
    out = capsys.readouterr().out
    assert "shop.orders = 2" in out
    assert "smithd run first.yaml" in out
    config = load(here / "first.yaml", secrets_required=False)
    assert config.rules["orders"].metric == "shop.orders"
    assert config.sources["shop"].schedule.seconds == 30  # type: ignore[union-attr] # it has an interval
    assert run(["check", "first.yaml"]) == 0


def test_the_file_may_be_named_with_c_as_in_other_commands(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--type", "host", "--metric", "load1"]
    assert run(["init", "-c", "own.yaml", *flags]) == 0
    assert files(here) == ["own.yaml"]
    assert run(["init", "a.yaml", "-c", "b.yaml", *flags]) == 2
    assert "Name the file once" in capsys.readouterr().err
    assert files(here) == ["own.yaml"]


def test_a_secret_that_is_given_stays_out_of_the_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stripe = ["--type", "stripe", "--option", "api_key=rk_test_plain", "--option", "api_base=http://127.0.0.1:9"]
    assert run(["init", *stripe, "--metric", "mrr", "--metric", "arr", "--api-key", "ask_plain_key"]) == 0
    found = capsys.readouterr()
    text = (here / "smithd.yaml").read_text()
    assert "api_key: ${env:STRIPE_API_KEY}" in text
    assert "metrics: [mrr, arr]" in text
    assert "every: 10m" in text
    for said in (text, found.out, found.err):
        assert "rk_test_plain" not in said
        assert "ask_plain_key" not in said
    assert "export ACTIVITYSMITH_API_KEY=..." in found.out
    assert "export STRIPE_API_KEY=..." in found.out


def test_an_address_with_a_password_becomes_a_reference(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "postgresql://ann:pass_of_ann@127.0.0.1:9/shop"
    assert run(["init", "--type", "sql", "--url", url, "--metric", "orders=SELECT 1"]) == 0
    found = capsys.readouterr()
    assert "url: ${env:SHOP_URL}" in (here / "smithd.yaml").read_text()
    assert "The poll failed:" in found.err
    assert "pass_of_ann" not in found.out + found.err


def test_an_address_with_a_key_in_it_becomes_a_reference(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "http://127.0.0.1:9/stats?shop=1&api_key=key_of_ann"
    assert run(["init", "--type", "http_json", "--url", url, "--metric", "orders=$.orders"]) == 0
    found = capsys.readouterr()
    assert "url: ${env:WEB_URL}" in (here / "smithd.yaml").read_text()
    assert "export WEB_URL=..." in found.out
    assert "key_of_ann" not in found.out + found.err


def test_a_type_that_knows_its_metrics_offers_what_it_brought(here: Path) -> None:
    (here / "smithd.yaml").touch()
    with terminal([*COMMAND, "--api-key", "${env:KEY}", "--name", "machine"], here) as shown:
        shown.read_until("smithd.yaml exists already. Another file: ")
        shown.type("smithd.yaml\n")
        shown.read_until("smithd.yaml exists already, and is not replaced")
        shown.type("own.yaml\n")
        shown.read_until("Type: ")
        shown.type("host\n")
        shown.read_until("machine.load1 = ")
        shown.read_until("Which metric: ")
        shown.type("machine.load1\n")
        shown.read_until("Threshold: ")
        shown.type("> 1000\n")
        assert shown.end() == 0
    assert load(here / "own.yaml", secrets_required=False).rules["load1"].metric == "machine.load1"
    assert (here / "smithd.yaml").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "There is no terminal to ask on: say it with --type."),
        (["--type", "prometheus"], "say it with --url."),
        (["--type", "prometheus", "--url", "http://127.0.0.1:9"], "say it with --metric NAME=QUERY."),
        (["--type", "prometeus"], "did you mean 'prometheus'?"),
        (["none/smithd.yaml"], "there is no folder none"),
        (["there.yaml"], "there.yaml exists already, and is not replaced"),
        (["--type", "sql", "--option", "url"], "--option url: expected KEY=YAML."),
        (["--type", "host", "--metric", "load1", "--warning", "big"], "expected a comparison like '> 5'"),
        (["--type", "host", "--metric", "load6", "--warning", "> 5"], "did you mean 'host.load5'?"),
        (["--type", "host", "--option", "mouns=[/]", "--metric", "load1"], "did you mean 'mounts'?"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_written(
    arguments: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "there.yaml").write_text("precious")
    assert run(["init", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert files(here) == ["there.yaml"]
    assert (here / "there.yaml").read_text() == "precious"


def test_the_numbers_of_a_document_are_found_with_their_paths() -> None:
    assert list(number_paths(STATS)) == FOUND
    assert list(number_paths([])) == []
    assert MOST_NUMBERS == 20


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("$.orders.today", "orders_today"),
        ("$.a.items[0]['Late Orders']", "late_orders"),
        ("$[0]", "value"),
        ('sum(rate(http_requests_total{code=~"5.."}[5m]))', "http_requests_total"),
        ("SELECT count(*) AS openOrders FROM orders", "open_orders"),
        ("SELECT count(*) FROM orders", "orders"),
        ("1", "value"),
    ],
)
def test_a_metric_is_called_by_what_brings_it(query: str, name: str) -> None:
    assert metric_name(query) == name


@pytest.mark.parametrize(
    ("kind", "url", "name"),
    [
        ("http_json", "https://api.shop.example.com/x", "shop"),
        ("http_json", "http://127.0.0.1:80/", "web"),
        ("http_json", "http://[::1]/", "web"),
        ("sql", "postgresql://db/my-shop", "my_shop"),
        ("sql", "sqlite:///data/shop.db", "shop"),
        ("sql", "${env:DB}", "database"),
        ("stripe", "", "stripe"),
    ],
)
def test_a_source_is_called_by_its_address(kind: str, url: str, name: str) -> None:
    assert source_name(kind, url) == name


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff")))
def test_a_text_is_written_so_that_it_is_read_as_that_text(text: str) -> None:
    tree = compose(Document(Path("a.yaml"), f"key: {scalar(text)}\n")).tree
    assert isinstance(tree, MappingNode)
    node = tree.entries["key"].value
    assert isinstance(node, ScalarNode)
    assert value_of(node) == text
