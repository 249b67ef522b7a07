"""A command pays for what it uses: checking a configuration loads neither a client, nor a scheduler, nor the state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "aiohttp",
    "alembic",
    "apscheduler",
    "asyncmy",
    "httpx",
    "jsonschema",
    "prometheus_api_client",
    "psycopg",
    "requests",
    "sqlalchemy",
    "starlette",
    "stripe",
    "uvicorn",
}

CONFIGURATION = """
activitysmith: {api_key: not-a-real-key}
sources:
  shop: {type: http_json, url: "https://shop.example.com/stats", metrics: {orders: $.orders.today}}
  billing: {type: stripe, api_key: rk_test_1, metrics: [mrr], query: {open: {list: invoices}}}
  prod: {type: prometheus, url: "http://127.0.0.1:9090", metrics: {up: sum(up)}}
  base: {type: sql, url: "postgresql://127.0.0.1/shop", metrics: {rows: SELECT 1}}
rules:
  orders: {metric: shop.orders, warning: "< 1", push: {title: "{{ rule }}"}}
widgets:
  shop.orders: shop.orders
"""

PROGRAM = """
import sys
from smithd.cli.main import run
status = run(sys.argv[1:])
print(*sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(status)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["check", "smithd.yaml"], ["sources"]])
def test_a_command_that_only_reads_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "smithd.yaml").write_text(CONFIGURATION)
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert HEAVY.isdisjoint(done.stdout.splitlines()[-1].split())
