"""What a scrape answers, as tests look at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

Labels = Mapping[str, str]


def samples(families: Iterable[Metric]) -> dict[str, list[tuple[Labels, float]]]:
    """The samples by their names."""
    found: dict[str, list[tuple[Labels, float]]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def parsed(body: bytes) -> dict[str, list[tuple[Labels, float]]]:
    """The samples of an answer in the plain format."""
    return samples(text_string_to_metric_families(body.decode()))


def value(found: Mapping[str, list[tuple[Labels, float]]], name: str, **labels: str) -> float:
    """The value of one series; it must be there, once."""
    (one,) = [number for of_labels, number in found[name] if dict(of_labels) == labels]
    return one
