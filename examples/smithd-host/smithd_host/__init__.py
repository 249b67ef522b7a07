"""The load, memory and disks of the machine, as a source for smithd.

This package is an example to copy: a source is an options model and a class, and everything they need comes from
``smithd.plugin``.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path

from pydantic import Field

from smithd.plugin import BadResponse, Misconfigured, Options, RawSample, Source

LOADS = ("load1", "load5", "load15")
MEMINFO = Path("/proc/meminfo")


class HostOptions(Options):
    """The options of a source of `type: host`, besides the keys that every source has."""

    # Each field is a key in the configuration. Its type is checked before anything runs, with the line in the file,
    # and `smithd sources` shows its description.
    mounts: list[str] = Field(["/"], description="where the file systems to look at are mounted")


class Host(Source[HostOptions]):
    """This machine's load (load1, load5, load15), memory (memory_percent) and disks (disk_percent, by mount)."""

    # `smithd sources` shows the line above. There is no `open` and no `close` here, since nothing stays open.

    Options = HostOptions

    @classmethod
    def metrics(cls, options: HostOptions) -> Collection[str]:
        # Computed from the options alone, so that a rule on `host.lod1` is a mistake that is found before the start.
        return [*LOADS, "memory_percent", *(["disk_percent"] if options.mounts else [])]

    # A plain `def` may block, since it runs in a thread: when a network file system hangs, this source has no values,
    # and no other source is delayed. An `async def` must not block the event loop that it runs on.
    def poll(self) -> list[RawSample]:
        samples = [RawSample(name, load) for name, load in zip(LOADS, os.getloadavg(), strict=True)]
        samples.append(RawSample("memory_percent", memory_percent(MEMINFO.read_text())))
        missing = []
        for mount in self.options.mounts:
            try:
                # With the label, each mount is a series; a rule on disk_percent is evaluated for each of them.
                samples.append(RawSample("disk_percent", disk_percent(mount), {"mount": mount}))
            except OSError as error:
                missing.append(f"{mount}: {error.strerror}")
        if missing:
            # Misconfigured: a person must fix it. The samples of the other mounts are handed over nevertheless.
            raise Misconfigured("; ".join(missing), samples=samples)
        return samples


def memory_percent(meminfo: str) -> float:
    """The percentage of memory in use, without caches, by the text of ``/proc/meminfo``."""
    kilobytes = dict(re.findall(r"^(\w+): +(\d+) kB$", meminfo, re.MULTILINE))
    try:
        return 100 * (1 - int(kilobytes["MemAvailable"]) / int(kilobytes["MemTotal"]))
    except KeyError as missing:
        raise BadResponse(f"{MEMINFO} has no {missing.args[0]}") from None


def disk_percent(mount: str) -> float:
    """The percentage of a file system in use, as ``df`` shows it: of the space for users other than root."""
    usage = shutil.disk_usage(mount)
    usable = usage.used + usage.free
    return 100 * usage.used / usable if usable else math.nan  # NaN: no value; some file systems have no size
