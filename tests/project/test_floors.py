"""The rules of the copy: each is broken here, in a copy, and import-linter must name it."""

from __future__ import annotations

import graphlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
ROOTS = ("daemon", "sources", "examples/smithd-host")

TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {}"

# (the rule's name begins so, the file, the line that breaks it, what the report says)
PLANTED = [
    ("floors", "daemon/smithd/alerts/alert.py", "import smithd.config", "smithd.alerts.alert -> smithd.config"),
    ("floors", "daemon/smithd/template.py", "import smithd.poll.intake", "template -> smithd.poll.intake"),
    ("floors", "daemon/smithd/helpers.py", "", "smithd.helpers"),
    ("the package itself", "daemon/smithd/__init__.py", "import smithd.engine", "smithd -> smithd.engine"),
    (
        "no import cycles",
        "daemon/smithd/alerts/condition.py",
        TYPING.format("from smithd.alerts.rule import Rule"),
        ".condition",
    ),
    (
        "sources import the plugin door only",
        "sources/smithd_sources/http_json/source.py",
        "from smithd.plugin.sample import Series",
        "smithd_sources.http_json.source -> smithd.plugin.sample",
    ),
    (
        "packages of sources",
        "examples/smithd-host/smithd_host/__init__.py",
        "import smithd_sources.http_json",
        "smithd_host -> smithd_sources.http_json",
    ),
    (
        "smithd does not import a source",
        "daemon/smithd/cli/__init__.py",
        "def f():\n    import smithd_sources",
        "smithd.cli -> smithd_sources",
    ),
    (
        "smithd imports the plugin modules",
        "daemon/smithd/poll/schedule.py",
        "from smithd.plugin import Options",
        "smithd.poll.schedule -> smithd.plugin",
    ),
    ("computing modules", "daemon/smithd/delivery/wire.py", "import random", "smithd.delivery.wire -> random"),
    ("computing modules", "daemon/smithd/outbox/message.py", "import smithd.events", "smithd.events -> logging"),
    ("a step computes", "daemon/smithd/engine/step.py", "import asyncio", "smithd.engine.step -> asyncio"),
    (
        "the arithmetic of Stripe's figures",
        "sources/smithd_sources/stripe/mrr.py",
        "import random",
        "smithd_sources.stripe.mrr -> random",
    ),
    ("only clock.py", "daemon/smithd/runtime/components.py", "import time", "smithd.runtime.components -> time"),
    ("only http.py", "daemon/smithd/poll/poller.py", TYPING.format("import httpx"), "smithd.poll.poller -> httpx"),
    ("only storage/sqlite.py", "daemon/smithd/journal.py", "import sqlite3", "smithd.journal -> sqlite3"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What lint-imports says of a copy of the project in which every rule is broken."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for root in ROOTS:
        shutil.copytree(ROOT / root, copy / root, ignore=shutil.ignore_patterns("__pycache__"))
    for _, path, line, _ in PLANTED:
        with (copy / path).open("a") as file:
            file.write(f"\n{line}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(copy / root) for root in ROOTS), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("rule", "path", "line", "named"), PLANTED)
def test_a_broken_rule_is_named(report: str, rule: str, path: str, line: str, named: str) -> None:
    assert re.search(rf"^{re.escape(rule)}.* BROKEN\b", report, re.MULTILINE)
    assert named in report.partition("Broken contracts")[2]


def test_no_rule_is_untried(report: str) -> None:
    assert re.findall(r"^.* KEPT\b.*$", report, re.MULTILINE) == []


def test_no_circle_among_single_modules() -> None:
    graph = grimp.build_graph("smithd", "smithd_sources", "smithd_host", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which holds the circle
