"""Whether the files that a configuration is read from have changed: by what the system says of them, without a library.

A few files are asked for every few seconds. That also works where no change is notified, as on network file systems,
and sees files that are replaced (as editors do), links that lead elsewhere (as in a Kubernetes ConfigMap), and new
files of a glob.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from smithd.config import secrets
from smithd.config.files import ConfigFiles
from smithd.config.gather import gather, matching
from smithd.config.report.diagnostics import Report
from smithd.config.secrets import SecretReference
from smithd.config.yaml.positions import ListNode, MappingNode, ScalarNode, walk

Look = Mapping[Path, tuple[int, int, int, int] | None]
"""Each file with its device, inode, size and time of change; None where there is none."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The files that a reload reads, and the globs that may find more."""

    paths: tuple[Path, ...]
    patterns: tuple[str, ...]

    def look(self) -> Look:
        """What the system says of the files now."""
        found = [path for pattern in self.patterns for path in matching(pattern)]
        return {path: _stamp(path) for path in (*self.paths, *found)}


class FileWatch:
    """Looks at the files of a configuration. A call takes as long as the disk does."""

    def __init__(self, files: ConfigFiles) -> None:
        self._files = files
        self._watched = Watched(files.paths, ())
        self._last: Look | None = None

    def look(self) -> Look:
        """What there is to see; equal to the last time where nothing changed."""
        found = self._watched.look()
        if found != self._last:
            # What changed may include other files than before.
            self._watched = _watched(self._files)
            found = self._watched.look()
        self._last = found
        return found


def _watched(files: ConfigFiles) -> Watched:
    """What to look at, as far as files with mistakes say it."""
    found = gather(files, Report(files.first))
    named = [path for tree in found.trees for path in (*_plugins(tree), *_secrets(tree))]
    return Watched(tuple(dict.fromkeys([*files.paths, *found.paths, *found.missing, *named])), tuple(found.patterns))


def _plugins(tree: MappingNode) -> Iterator[Path]:
    pair = tree.entries.get("plugins")
    for item in pair.value.items if pair is not None and isinstance(pair.value, ListNode) else ():
        if isinstance(item, ScalarNode):
            yield item.file.parent / os.path.expanduser(item.text)


def _secrets(tree: MappingNode) -> Iterator[Path]:
    for _, node in walk(tree):
        if isinstance(node, ScalarNode) and "${file:" in node.text:
            for part in secrets.parts(node.text):
                if isinstance(part, SecretReference) and part.kind == "file":
                    yield node.file.parent / os.path.expanduser(part.name)


def _stamp(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    # A path with a zero byte is a ValueError.
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
