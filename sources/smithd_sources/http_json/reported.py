"""Errors that an answer reports although its status is a good one: GraphQL's, and those at a path. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from smithd_sources.http_errors import one_line
from smithd_sources.http_json.json_path import CompiledPath
from smithd_sources.values import in_short

_GRAPHQL_MEMBERS = frozenset({"data", "errors", "extensions"})
"""A response of GraphQL has these members and no others (its specification of October 2021, section 7.1)."""
_TEXTS = ("message", "error_description", "detail", "description", "title", "msg", "text", "reason", "error")
"""Where APIs put the text of an error that is an object."""
_SHOWN = 3


class ReportedError(NamedTuple):
    """What an answer reports. ``has_data``: the rest of the answer counts all the same."""

    text: str
    has_data: bool = False


def at_path(path: CompiledPath, document: Any) -> ReportedError | None:
    """The error at a path, unless there is nothing, null, false, 0 or something empty."""
    found = next((value for value in path.find(document) if value), None)
    return None if found is None else ReportedError(f"the answer reports an error at {path}: {_text(found)}")


def of_graphql(document: Any, *, asked: bool) -> ReportedError | None:
    """The errors of a GraphQL response. Where a query of GraphQL was ``asked``, every answer is one; else one with
    its members alone, and errors that have a message each.
    """
    errors = document.get("errors") if isinstance(document, dict) else None
    if not errors or not (asked or _is_graphql(document, errors)):
        return None
    listed = errors if isinstance(errors, list) else [errors]
    texts = "; ".join(dict.fromkeys(map(_text, listed[:_SHOWN])))
    more = f"; and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ReportedError(f"GraphQL reports: {texts}{more}", has_data=bool(document.get("data")))


def _is_graphql(document: dict[str, Any], errors: Any) -> bool:
    return document.keys() <= _GRAPHQL_MEMBERS and isinstance(errors, list) and all(map(_has_message, errors))


def _has_message(error: Any) -> bool:
    return isinstance(error, dict) and isinstance(error.get("message"), str)


def reads_errors(paths: Iterable[CompiledPath]) -> bool:
    """Whether one of these paths leads to a member ``errors`` of the answer: then errors are what is measured."""
    return any(path.text.startswith(("$.errors", "$['errors']", '$["errors"]')) for path in paths)


def _text(error: Any) -> str:
    if isinstance(error, list) and len(error) == 1:
        error = error[0]
    if isinstance(error, dict):
        error = next((error[name] for name in _TEXTS if isinstance(error.get(name), str) and error[name]), error)
    return one_line(error) if isinstance(error, str) else in_short(error)
