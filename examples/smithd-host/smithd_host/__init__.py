"""The machine's own load, memory and disks, as a source for smithd.

This package is an example, meant to be copied: a source is an options model and a class, and everything that they
need comes from ``smithd.plugin``.
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
    """What may stand under a source of `type: host`, besides the keys that every source has."""

    # Each field is a key in the configuration. Its type is checked before anything runs, with the line in the file,
    # and its description is what `smithd sources` shows.
    mounts: list[str] = Field(["/"], description="where the file systems to look at are mounted")


class Host(Source[HostOptions]):
    """This machine's load (load1, load5, load15), memory (memory_percent) and disks (disk_percent, by mount)."""

    # The line above is what `smithd sources` says of it. There is no `open` and no `close` here: nothing stays open.

    Options = HostOptions

    @classmethod
    def metrics(cls, options: HostOptions) -> Collection[str]:
        # Known without asking anybody, so that a rule about `host.lod1` is a mistake that is found before the start.
        return [*LOADS, "memory_percent", *(["disk_percent"] if options.mounts else [])]

    # A plain `def` runs in a thread of its own, so that it may block: a network file system that hangs costs this
    # source its values, and nobody else anything. With `async def` it would run on smithd's event loop.
    def poll(self) -> list[RawSample]:
        samples = [RawSample(name, load) for name, load in zip(LOADS, os.getloadavg(), strict=True)]
        samples.append(RawSample("memory_percent", memory_percent(MEMINFO.read_text())))
        missing = []
        for mount in self.options.mounts:
            try:
                # Labels make one series of each mount; a rule on disk_percent judges each by itself.
                samples.append(RawSample("disk_percent", disk_percent(mount), {"mount": mount}))
            except OSError as error:
                missing.append(f"{mount}: {error.strerror}")
        if missing:
            # Misconfigured: a person must mend it. What could be read is handed over all the same.
            raise Misconfigured("; ".join(missing), samples=samples)
        return samples


def memory_percent(meminfo: str) -> float:
    """How much of the memory is in use, caches not counted, by the text of ``/proc/meminfo``."""
    kilobytes = dict(re.findall(r"^(\w+): +(\d+) kB$", meminfo, re.MULTILINE))
    try:
        return 100 * (1 - int(kilobytes["MemAvailable"]) / int(kilobytes["MemTotal"]))
    except KeyError as missing:
        raise BadResponse(f"{MEMINFO} has no {missing.args[0]}") from None


def disk_percent(mount: str) -> float:
    """How full a file system is, as ``df`` says it: of what users other than root may fill."""
    usage = shutil.disk_usage(mount)
    usable = usage.used + usage.free
    return 100 * usage.used / usable if usable else math.nan  # NaN: no value; some file systems have no size
