"""What is known of a PromQL query from its text alone, and how one is asked that looks back."""

from __future__ import annotations

from dataclasses import dataclass


def problem_with_query(query: str) -> str | None:
    """What is wrong with a query, as far as its text tells; None where nothing is. A server may know more functions."""
    import promql_parser

    try:
        promql_parser.parse(query)
    except ValueError as error:
        said = " ".join(str(error).split())
        return None if said.startswith("unknown function") else said
    return None


@dataclass(frozen=True, slots=True)
class LookbackQueries:
    """A query asked for its newest value within a time.

    ``values`` are those, ``times`` are since when each is true (seconds since 1970). For a query that is a selector
    (``up``), this is the time of the sample; for any other, of the newest of the moments at which its value was looked
    for: now, and every step before.

    An instant query sees samples that are no older than the server's own lookback (5 minutes, unless it was started
    with another --query.lookback-delta). In steps that are no longer, none escapes.
    """

    values: str
    times: str


def look_back(query: str, lookback: float, step: float) -> LookbackQueries:
    """Both in seconds."""
    within = f"[{_duration(lookback)}:{_duration(step)}]"
    value = f"(\n{query}\n)"  # lines of its own: it may end in a comment
    time = f"timestamp{value}"
    return LookbackQueries(f"{value} or last_over_time({value}{within})", f"{time} or max_over_time({time}{within})")


def problem_with_lookback(query: str) -> str | None:
    """Why a query cannot be asked for its newest value within a time; None where it can."""
    return problem_with_query(look_back(query, 60, 60).values)


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
