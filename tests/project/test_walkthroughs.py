"""The walk-throughs work: their files are written as a reader would write them, checked, tested, polled and loaded."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from databases import PASSWORD, postgresql
from fake_stripe import KEY, FakeStripe
from servers import make_certificate, prometheus
from smithd.cli.main import run

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *(page.relative_to(ROOT).as_posix() for page in sorted((ROOT / "docs").rglob("*.md")))]
_BLOCK = re.compile(r"^ *```(?:yaml|python)\n( *# (\S+\.(?:yaml|py))\n.*?)^ *```$", re.MULTILINE | re.DOTALL)


def files_of(page: str) -> dict[str, str]:
    """The files that a page gives in full: each begins with a comment that names it."""
    return {name: dedent(text) for text, name in _BLOCK.findall((ROOT / page).read_text())}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of a reader who has an API key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACTIVITYSMITH_API_KEY", "ask_test_of_a_reader")
    return tmp_path


def write(page: str, folder: Path) -> None:
    for name, text in files_of(page).items():
        (folder / name).write_text(text)


def test_the_pages_that_give_files_are_found() -> None:
    assert {page for page in PAGES if files_of(page)} >= {
        "README.md",
        "docs/walkthroughs/plugin.md",
        "docs/walkthroughs/prometheus.md",
        "docs/walkthroughs/saas.md",
    }


@pytest.mark.parametrize("page", [page for page in PAGES if files_of(page)])
def test_what_a_page_gives_is_fine(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(page, folder)
    if (folder / "smithd.yaml").exists():
        assert run(["check"]) == 0, capsys.readouterr()
    if (folder / "rules.test.yaml").exists():
        assert run(["test", "rules.test.yaml"]) == 0, capsys.readouterr()
    for test in folder.glob("test_*.py"):
        command = (sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", test.name)
        done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_saas_is_polled(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write("docs/walkthroughs/saas.md", folder)
    monkeypatch.setenv("STRIPE_KEY", KEY)
    monkeypatch.setenv("APP_DB_PASSWORD", PASSWORD)
    with (stripe := FakeStripe()), postgresql(make_certificate(folder)) as database:
        stripe.subscribe(stripe.item(stripe.price(2500, currency="eur")))
        database.execute("CREATE TABLE users (created_at timestamptz)", "INSERT INTO users VALUES (now())")
        database.execute(database.grant("users"))
        there = {"billing.api_base": stripe.url, "app.url": f"postgresql://reader@{database.place}/warehouse"}
        status = run(["once", *(word for key, url in there.items() for word in ("--set", f"sources.{key}={url}"))])
    shown = capsys.readouterr().out
    assert status == 0, shown
    assert 'widget saas.mrr: "€25.00"' in shown
    assert "widget saas.signups: 1" in shown


def test_prometheus_is_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("docs/walkthroughs/prometheus.md", folder)
    now = int(time.time())
    labels = 'alertname="DiskFull",instance="db-1",severity="critical",alertstate="firing"'
    data = "".join(f"ALERTS{{{labels}}} 1 {now + second}\n" for second in range(-60, 61, 10))
    with prometheus(f"# TYPE ALERTS gauge\n{data}# EOF\n") as place:
        status = run(["once", "--set", f"sources.prod.url=http://{place}"])
    shown = capsys.readouterr().out
    assert status == 0, shown
    assert "DiskFull" in shown.partition("Would be sent")[2]


def test_the_plugin_is_loaded_and_polled(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("docs/walkthroughs/plugin.md", folder)
    (folder / "mail").mkdir()
    (folder / "mail/letter").touch()
    assert run(["once"]) == 0
    assert "outgoing.files = 1" in capsys.readouterr().out
    assert run(["sources", "-c", "smithd.yaml", "spool"]) == 0
    assert "the folder whose files are counted" in capsys.readouterr().out
