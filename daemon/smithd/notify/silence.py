"""Silences: made by hand while the daemon runs, for alerts whose labels match, until a time. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from rpds import HashTrieMap

from smithd.errors import NotThere
from smithd.notify.matcher import AlertMatcher, parse_matchers
from smithd.plugin.options import LONGEST
from smithd.suggestion import did_you_mean


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that meet all matchers are not notified until ``ends``. It was made at ``starts`` (seconds since 1970),
    which lies in the future where the clock was set back since.
    """

    id: int
    matchers: tuple[AlertMatcher, ...]
    comment: str
    author: str
    starts: float
    ends: float

    def is_active(self, now: float) -> bool:
        """Whether it has not ended."""
        return now < self.ends

    def matches(self, labels: Mapping[str, str], now: float) -> bool:
        """Whether it silences an alert with these labels now; ``rule`` and ``severity`` are labels too."""
        return now < self.ends and all(matcher.matches(labels) for matcher in self.matchers)

    @property
    def text(self) -> str:
        """The matchers as they may be written."""
        return ", ".join(map(str, self.matchers))


@dataclass(frozen=True, slots=True)
class Silences:
    """The silences that are kept. The newest one stays when it has ended, so that its id is not given again."""

    by_id: HashTrieMap[int, Silence] = field(default_factory=HashTrieMap)

    def active(self, now: float) -> list[Silence]:
        """Those that have not ended, the oldest first."""
        return [silence for _, silence in sorted(self.by_id.items()) if silence.is_active(now)]


def add_silence(
    silences: Silences, matchers: str, seconds: float, comment: str, author: str, rules: Collection[str], now: float
) -> tuple[Silences, Silence]:
    """A new silence, and the silences with it and without those that have ended; ValueError says what was expected.

    ``rules``: the names of those there are.
    """
    parsed = parse_matchers(matchers)
    # Only an equality must name a rule that there is: a pattern, or a negation, may be meant for later ones.
    for name in [each.value for each in parsed if (each.name, each.operator) == ("rule", "=")]:
        if name not in rules:
            hint = did_you_mean(name, rules)
            raise ValueError(f"there is no rule '{name}'{f'; {hint}' if hint else ''}")
    if not 0 < seconds <= LONGEST:
        raise ValueError("a silence needs a length of time, like 2h, of at most ten years")
    silence = Silence(max(silences.by_id, default=0) + 1, parsed, comment, author, now, now + seconds)
    kept = HashTrieMap({known.id: known for known in silences.active(now)})
    return Silences(kept.insert(silence.id, silence)), silence


def expire_silence(silences: Silences, id_: int, now: float) -> tuple[Silences, Silence]:
    """End an active silence now; NotThere where there is none with this id."""
    silence = silences.by_id.get(id_)
    if silence is None or not silence.is_active(now):
        raise NotThere(f"there is no silence {id_}; 'smithd silence list' shows those there are")
    expired = replace(silence, ends=now)
    return Silences(silences.by_id.insert(id_, expired)), expired
