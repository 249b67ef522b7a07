"""The marker: a file that says, beside a state that cannot be written, that what was sent last is not in it.

It lies in the runtime directory, which is in memory as a rule, so that a full disk does not matter; and it outlives a
crash, though not a power cut.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from smithd.descriptors import RESERVE


class Marker:
    """The marker of one state. ``existed``: the last run ended while its state could not be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.existed = self._is_ours()

    @classmethod
    def of(cls, state: Path) -> Marker:
        """The marker of the state at this path, however it is reached."""
        name = hashlib.sha256(bytes(state.resolve())).hexdigest()[:16]
        # systemd separates several directories by colons.
        given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        folder = Path(given or os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        return cls(folder / f"smithd-{name}.degraded")

    def create(self) -> bool:
        """Say that the state is behind from now on; False where even that cannot be written."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # O_NOFOLLOW: in the temporary folder, another user may have put a link to a file of ours.
            with RESERVE.lent():
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        except OSError:
            return False
        return self._is_ours()

    def remove(self) -> None:
        """Say that the state is whole again."""
        self.existed = False
        if self._is_ours():
            self.path.unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        """The temporary folder is everybody's: a file that another user has put there says nothing."""
        try:
            return self.path.lstat().st_uid == os.geteuid()
        except OSError:
            return False
