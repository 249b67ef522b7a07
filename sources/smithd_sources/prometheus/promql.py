"""Checks a PromQL query by its text, and writes the queries for the newest value within a time. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MISPLACED = re.compile(r"(offset|@) modifier must be preceded by")


def problem_with_query(query: str) -> str | None:
    """What is wrong with a query's text; None where nothing is. Unknown functions pass: a server may have more."""
    import promql_parser

    try:
        promql_parser.parse(query)
    except ValueError as error:
        said = " ".join(str(error).split())
        if modifier := _MISPLACED.match(said):
            example = "offset 5m" if modifier[1] == "offset" else "@ 1609746000"
            said = f"{modifier[0]} the name of a metric or its range: 'up {example} == 0', 'rate(up[5m] {example})'"
        return None if said.startswith("unknown function") else said
    return None


@dataclass(frozen=True, slots=True)
class LookbackQueries:
    """The two queries for the newest value of a query within a time.

    ``values`` brings the values, ``times`` the time of each (seconds since 1970). For a selector (``up``), that is the
    time of the sample. For any other query it is the newest moment at which a value was found; the query is evaluated
    now and at every step before.

    An instant query sees samples that are no older than the server's own lookback (5 minutes, unless it was started
    with another --query.lookback-delta). No sample is missed where the steps are no longer than that.
    """

    values: str
    times: str


def look_back(query: str, lookback: float, step: float) -> LookbackQueries:
    """``lookback`` and ``step`` are in seconds."""
    within = "[" + ":".join(f"{max(1, round(seconds * 1000))}ms" for seconds in (lookback, step)) + "]"
    # The query stands on lines of its own, since it may end in a comment.
    value = f"(\n{query}\n)"
    time = f"timestamp{value}"
    return LookbackQueries(f"{value} or last_over_time({value}{within})", f"{time} or max_over_time({time}{within})")


def problem_with_lookback(query: str) -> str | None:
    """Why a query cannot have a lookback; None where it can."""
    return problem_with_query(look_back(query, 60, 60).values)
