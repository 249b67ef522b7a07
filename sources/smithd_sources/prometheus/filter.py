"""Whether a PromQL query filters, so that a series which its answer lacks is clear, as in an alerting rule. No I/O.

What filters (https://prometheus.io/docs/prometheus/latest/querying/operators/): a comparison without ``bool``, ``and``,
``unless``, ``absent`` and ``absent_over_time``, and the series ``ALERTS``, which Prometheus has only while an alert is
pending or firing. So does what is made of these by arithmetic, functions and aggregations. ``or`` filters where both of
its sides do. ``topk`` is no filter: what it leaves out may be as bad as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_COMPARISONS = {"==": "==", "!=": "!=", ">": "<", "<": ">", ">=": "<=", "<=": ">="}
"""Each comparison, and what it is with its sides exchanged."""
_ABSENT = ("absent", "absent_over_time")
_VALUES = ("scalar", "vector", "time")
"""Functions whose result has a value whatever they are given."""
_ALERTS = ("ALERTS", "ALERTS_FOR_STATE")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class QueryFilter:
    """A query that filters. Where it compares with one number: ``value`` is the query without that, ``threshold`` the
    comparison.
    """

    value: str = ""
    threshold: str = ""

    @property
    def advice(self) -> str:
        """That the query filters, and how to write it with a threshold."""
        clear = "the query filters, so a series that its answer lacks is clear, not missing (write 'empty: clear')"
        if not self.threshold:
            return f"{clear}; to know both, query the values, and let the rule compare them (warning, critical, when)"
        return f"{clear}; to know both, write it with a threshold: query '{self.value}', in the rule '{self.threshold}'"


def find_filter(query: str) -> QueryFilter | None:
    """The filter of a query; None where it does not filter, or cannot be parsed."""
    import promql_parser

    try:
        parsed: Any = promql_parser.parse(query)
        if not _filters(parsed):
            return None
    # Of a query with hundreds of operators in each other, nothing is said.
    except (ValueError, RecursionError):
        return None
    compared = _without_brackets(parsed)
    operator = str(getattr(compared, "op", ""))
    if operator in _COMPARISONS and not _is_bool(compared):
        for value, number, comparison in (
            (compared.lhs, compared.rhs, operator),
            (compared.rhs, compared.lhs, _COMPARISONS[operator]),
        ):
            text = value.prettify().replace("\n", " ")
            # What filters itself would do so beside a threshold as well.
            if _is_number(number) and not _filters(value) and len(text) <= _SHOWN:
                return QueryFilter(text, f"{comparison} {number.prettify()}")
    return QueryFilter()


def _filters(node: Any) -> bool:
    """Whether a part of a query may lack a series because of its value."""
    match type(node).__name__:
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr" | "AggregateExpr":
            return _filters(node.expr)
        case "BinaryExpr":
            operator, sides = str(node.op), (node.lhs, node.rhs)
            if operator in ("and", "unless") or (operator in _COMPARISONS and not _is_bool(node)):
                return True
            return (all if operator == "or" else any)(_filters(side) for side in sides)
        case "Call":
            name = node.func.name
            return name in _ABSENT or (name not in _VALUES and any(_filters(argument) for argument in node.args))
        case "VectorSelector":
            matchers = [(each.name, str(each.op), each.value) for each in node.matchers.matchers]
            names = [node.name, *(value for label, _, value in matchers if label == "__name__")]
            return any(name in _ALERTS for name in names)
    return False


def _without_brackets(node: Any) -> Any:
    while type(node).__name__ == "ParenExpr":
        node = node.expr
    return node


def _is_bool(node: Any) -> bool:
    return node.modifier is not None and bool(node.modifier.return_bool)


def _is_number(node: Any) -> bool:
    node = _without_brackets(node)
    return type(node).__name__ == "NumberLiteral" or (type(node).__name__ == "UnaryExpr" and _is_number(node.expr))
