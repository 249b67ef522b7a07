"""What the sources of one configuration are expected to bring, and when. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ExpectedSource:
    """``fresh_for``: for how many seconds its answers are good, until one says otherwise. ``first_answer_within``: how
    many seconds its first answer may take.
    """

    fresh_for: float
    first_answer_within: float


@dataclass(frozen=True, slots=True)
class Expected:
    """``watched``: the metrics whose samples are kept; ``with_rules``: those of them that a rule uses; their missing
    series are kept as well. ``derived``: the sources that each derived metric is worked out from, in the end.
    ``fresh_for``: for how many seconds samples are fresh, of the metrics for which that is configured.
    ``metrics_of``: the watched metrics of each source.
    """

    watched: frozenset[str]
    with_rules: frozenset[str]
    sources: Mapping[str, ExpectedSource]
    derived: Mapping[str, frozenset[str]]
    fresh_for: Mapping[str, float] = field(default_factory=dict)
    counters: frozenset[str] = frozenset()
    metrics_of: Mapping[str, tuple[str, ...]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        found: dict[str, list[str]] = defaultdict(list)
        for metric in sorted(self.watched - self.derived.keys()):
            found[source_of(metric)].append(metric)
        metrics_of = {source: tuple(metrics) for source, metrics in found.items()}
        # A frozen class refuses plain assignments.
        object.__setattr__(self, "metrics_of", metrics_of)

    def sources_of(self, metric: str) -> frozenset[str]:
        """The sources that a metric comes from."""
        return self.derived.get(metric) or frozenset([source_of(metric)])

    def of(self, name: str) -> ExpectedSource:
        """What is expected of a source, or of a derived metric: as much as of the slowest of its sources."""
        if name in self.sources:
            return self.sources[name]
        sources = [self.sources[source] for source in self.derived[name]]
        return ExpectedSource(
            max((source.fresh_for for source in sources), default=0.0),
            max((source.first_answer_within for source in sources), default=0.0),
        )


def source_of(metric: str) -> str:
    """The source's name in ``source.metric``; a source's own name, and that of a derived metric, is its own."""
    return metric.partition(".")[0]
