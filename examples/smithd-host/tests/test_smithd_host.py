"""The host source, tested as a plugin's author would: build its options, ask it once, look at the samples."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from smithd.clock import SystemClock
from smithd.plugin import BadAnswer, Context, Http, Misconfigured
from smithd_host import Host, HostOptions, disk_percent, memory_percent


def host(mounts: list[str]) -> Host:
    context = Context("host", timeout=10.0, clock=SystemClock(), http=Http(), log=logging.getLogger("test"))
    return Host(HostOptions(mounts=mounts), context)


def test_every_metric_that_is_promised_arrives(tmp_path: Path) -> None:
    source = host(["/", str(tmp_path)])
    samples = source.poll()
    assert {sample.metric for sample in samples} == set(Host.metrics(source.options))
    assert [sample.labels for sample in samples if sample.labels] == [{"mount": "/"}, {"mount": str(tmp_path)}]
    assert all(0 <= sample.value <= 100 for sample in samples if sample.metric.endswith("_percent"))


def test_a_mount_that_is_missing_costs_its_own_series_only(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(Misconfigured, match="missing: No such file or directory") as caught:
        host(["/", missing]).poll()
    assert [sample.labels for sample in caught.value.samples if sample.metric == "disk_percent"] == [{"mount": "/"}]


def test_memory_that_could_be_had_is_not_in_use() -> None:
    assert memory_percent("MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:  250 kB\n") == 75.0
    with pytest.raises(BadAnswer, match="has no MemAvailable"):
        memory_percent("MemTotal:  1000 kB\n")


def test_a_file_system_without_a_size_has_no_value() -> None:
    assert disk_percent("/proc") != disk_percent("/proc")  # NaN
