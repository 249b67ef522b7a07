"""The header Link (RFC 8288): where the next page is."""

from __future__ import annotations

import re

# Quantifiers that give nothing back (``++``): whatever a server sends is read once, from its start to its end.
_QUOTED = r'"(?:[^"\\]++|\\.?)*+"?+'
_PARAMETERS = re.compile(rf'(?:[^,"]++|{_QUOTED})*+', re.DOTALL)
_PARAMETER = re.compile(rf';(?P<name>[^=;"]*+)(?:=\s*+(?P<value>{_QUOTED}|[^;"]*+))?+', re.DOTALL)


def next_link(header: str) -> str | None:
    """The target of the first link whose relation is ``next``; None where there is none."""
    start = header.find("<")
    while start >= 0 and (end := header.find(">", start)) >= 0:
        parameters = _PARAMETERS.match(header, end + 1)
        assert parameters is not None  # it matches nothing at all, too
        if "next" in _relations(parameters[0]):
            return header[start + 1 : end].strip()
        start = header.find("<", parameters.end())
    return None


def _relations(parameters: str) -> list[str]:
    """What the first ``rel`` says, which is the one that counts (RFC 8288, section 3.3)."""
    for parameter in _PARAMETER.finditer(parameters):
        if parameter["name"].strip().lower() == "rel":
            return (parameter["value"] or "").strip().strip('"').lower().split()
    return []
