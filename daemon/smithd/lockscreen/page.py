"""The page around a Lock Screen: Jinja2 with everything escaped, and the files that go with it.

``document`` is the page once; its script then asks for ``fragment`` every second and changes only what differs.
Nothing comes from elsewhere: no font, no script, no picture. Serve ``FILES`` under ``<base>static/`` and send
``POLICY`` as the Content-Security-Policy.
"""

from __future__ import annotations

from importlib.resources import files

import jinja2

from smithd.lockscreen import formatting
from smithd.lockscreen.clockface import clockface
from smithd.lockscreen.glyphs import glyph
from smithd.lockscreen.screen import Page

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILES = {
    "lockscreen.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The static files by name, with their types."""

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("smithd.lockscreen"),
    auto_reload=False,
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(
    ago=formatting.ago, caption=formatting.caption, clock=formatting.clock, clockface=clockface,
    date=formatting.date, exact=formatting.exact, figure=formatting.figure, foreign=formatting.foreign, glyph=glyph,
)  # fmt: skip
# Read now: when somebody asks for the page, there may be no descriptor left.
for _name in _ENVIRONMENT.list_templates():
    _ENVIRONMENT.get_template(_name)
_STATIC = {name: (files("smithd.lockscreen") / "static" / name).read_bytes() for name in FILES}


def document(page: Page, fragment_path: str = "screen") -> str:
    """The whole page; its script fetches ``fragment_path`` for what changed. Paths are relative to any base."""
    return _ENVIRONMENT.get_template("document.html").render(page=page, fragment_path=fragment_path)


def fragment(page: Page) -> str:
    """What changes: the phone and what stands beside it."""
    return _ENVIRONMENT.get_template("fragment.html").render(page=page)


def static(name: str) -> bytes:
    """One of ``FILES``; KeyError for any other name."""
    return _STATIC[name]
