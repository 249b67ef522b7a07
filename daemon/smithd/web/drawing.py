"""Draws the pages: Jinja2 with everything escaped, and the files that go with it. Nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from smithd.formatting import counted, labels_text, time_of_answer
from smithd.lockscreen import page as lockscreen
from smithd.notify.reason import reason_text
from smithd.web import words
from smithd.web.pages import explained_name

POLICY = lockscreen.POLICY.replace("form-action 'none'", "form-action 'self'")
"""The Lock Screen's, with forms of our own: the search, and silences."""
_OWN = {"site.css": "text/css; charset=utf-8", "site.js": "text/javascript; charset=utf-8"}
FILES = lockscreen.FILES | _OWN
"""The static files by name, with their types."""

_ENVIRONMENT = lockscreen.environment("smithd.web")
_ENVIRONMENT.filters.update(
    age=words.age, counted=counted, explained_name=explained_name, labels=lambda labels: labels_text(labels.items()),
    mark=words.mark, matchers=words.matchers, time=time_of_answer, value=words.value,
)  # fmt: skip
_ENVIRONMENT.globals.update(reason_text=reason_text)
_STATIC = {name: (files("smithd.web") / "static" / name).read_bytes() for name in _OWN}


def document(shown: Mapping[str, Any]) -> str:
    """A whole page."""
    return _ENVIRONMENT.get_template("site.html").render(shown)


def fragment(shown: Mapping[str, Any]) -> str:
    """What changes of a page."""
    return _ENVIRONMENT.get_template("live.html").render(shown)


def static(name: str) -> bytes:
    """One of ``FILES``; KeyError for any other name."""
    return _STATIC[name] if name in _STATIC else lockscreen.static(name)
