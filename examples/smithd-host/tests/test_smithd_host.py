"""The host source, tested as a plugin's author would: make options, poll once, check the samples."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from smithd.plugin import BadResponse
from smithd.testing import SourceContract, poll_once
from smithd_host import Host, disk_percent, memory_percent


class TestContract(SourceContract):
    """The contract of every source, inherited, with options that work anywhere."""

    source = Host
    options: ClassVar = {"mounts": ["/"]}
    wrong_options: ClassVar = ({"mounts": "/"}, {"mounts": [5]})


def test_every_declared_metric_arrives(tmp_path: Path) -> None:
    outcome = poll_once(Host, {"mounts": ["/", str(tmp_path)]})
    declared = {f"test.{name}" for name in Host.metrics(Host.Options())}
    assert {sample.series.metric for sample in outcome.samples} == declared
    assert 0 <= outcome.value("disk_percent", mount=str(tmp_path)) <= 100
    assert 0 <= outcome.value("memory_percent") <= 100


def test_a_mount_that_is_missing_costs_its_own_series_only(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    outcome = poll_once(Host, {"mounts": ["/", missing]})
    assert outcome.failure == f"{missing}: No such file or directory"
    assert 0 <= outcome.value("disk_percent", mount="/") <= 100
    with pytest.raises(LookupError):
        outcome.value("disk_percent", mount=missing)


def test_available_memory_is_not_in_use() -> None:
    assert memory_percent("MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:  250 kB\n") == 75.0
    with pytest.raises(BadResponse, match="has no MemAvailable"):
        memory_percent("MemTotal:  1000 kB\n")


def test_a_file_system_without_a_size_has_no_value() -> None:
    assert disk_percent("/proc") != disk_percent("/proc")  # NaN
