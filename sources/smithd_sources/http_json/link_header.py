"""The header Link (RFC 8288): the address of the next page. No I/O."""

from __future__ import annotations

import re

# Possessive quantifiers (``++``) never backtrack: whatever a server sends is read once, from start to end.
_QUOTED = r'"(?:[^"\\]++|\\.?)*+"?+'
_PARAMETERS = re.compile(rf'(?:[^,"]++|{_QUOTED})*+', re.DOTALL)
_PARAMETER = re.compile(rf';(?P<name>[^=;"]*+)(?:=\s*+(?P<value>{_QUOTED}|[^;"]*+))?+', re.DOTALL)


def next_link(header: str) -> str | None:
    """The target of the first link whose relation is ``next``; None where there is none."""
    start = header.find("<")
    while start >= 0 and (end := header.find(">", start)) >= 0:
        parameters = _PARAMETERS.match(header, end + 1)
        # The pattern matches the empty text too.
        assert parameters is not None
        for parameter in _PARAMETER.finditer(parameters[0]):
            if parameter["name"].strip().lower() == "rel":
                if "next" in (parameter["value"] or "").strip().strip('"').lower().split():
                    return header[start + 1 : end].strip()
                # Of several ``rel``, the first one counts (RFC 8288, section 3.3).
                break
        start = header.find("<", parameters.end())
    return None
