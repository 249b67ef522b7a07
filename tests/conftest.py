"""What holds for all tests: property tests repeat themselves exactly, and in CI nothing is left out."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from campaign import LONG

# Hypothesis' own deadline measures the machine; chance belongs into the long campaign, where a find is welcome.
settings.register_profile("smithd", deadline=None, derandomize=not LONG, print_blob=True)
settings.load_profile("smithd")

# A time is shown with its zone where that is not the machine's: the tests have the same machine everywhere.
os.environ["TZ"] = "UTC"
time.tzset()


@pytest.fixture(scope="session", autouse=True)
def runtime_folder() -> Iterator[None]:
    """Have the control sockets of daemons in a folder of the tests' own; its path is short, as a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="smithd-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.delenv("RUNTIME_DIRECTORY", raising=False)
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is. Without one the test is skipped, but in CI it fails."""
    path = shutil.which("chromium")
    if path is None:
        message = "needs a browser: apt-get install chromium"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn what was skipped, for want of a server or a browser, into a failure where CI is set, but for `elsewhere`."""
    report = yield
    left_out = report.skipped and not hasattr(report, "wasxfail") and "elsewhere" not in report.keywords
    if os.environ.get("CI") and left_out:
        report.outcome = "failed"
        report.longrepr = f"left out, and CI leaves nothing out: {report.longrepr}"
    return report
