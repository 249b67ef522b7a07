"""What a start is held against: a process that imports the libraries that the configuration needs, and does nothing."""

from __future__ import annotations

import importlib
import time

from benchmarks.server import say

LIBRARIES = (
    "aiohttp",
    "apscheduler.schedulers.asyncio",
    "asyncio",
    "click",
    "httpx",
    "httpx_aiohttp",
    "jinja2.sandbox",
    "pydantic.main",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
    "yaml",
)

if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    say("imported")
    time.sleep(3600)
