"""The page around a Lock Screen: Jinja2 with everything escaped, and the files that go with it.

``document`` is the page once; its script then asks for ``fragment`` every second and changes only what differs.
Nothing comes from elsewhere: no font, no script, no picture. Serve ``FILES`` under ``<base>static/`` and send
``POLICY`` as the Content-Security-Policy.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import jinja2

from smithd.formatting import readable
from smithd.lockscreen import formatting, measures
from smithd.lockscreen.gallery import Gallery
from smithd.lockscreen.glyphs import glyph
from smithd.lockscreen.screen import Page
from smithd.lockscreen.view import CHOICES

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILES = {
    "lockscreen.css": "text/css; charset=utf-8",
    "measures.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The static files by name, with their types."""


def _templates(package: str) -> jinja2.DictLoader:
    """The templates of a package. Read now: when somebody asks for the page, there may be no descriptor left."""
    found = (files(package) / "templates").iterdir()
    return jinja2.DictLoader({each.name: each.read_text("utf-8") for each in found})


_ENVIRONMENT = jinja2.Environment(
    loader=_templates("smithd.lockscreen"),
    auto_reload=False,
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(
    ago=formatting.ago, caption=formatting.caption, clock=formatting.clock, date=formatting.date,
    exact=formatting.exact, figure=formatting.figure, foreign=formatting.foreign, glyph=glyph,
    media_kind=formatting.media_kind, short_date=formatting.short_date,
)  # fmt: skip
# A level is never told by its colour alone.
_ENVIRONMENT.globals.update(choices=CHOICES, signs={"good": "✓", "warning": "!", "error": "!!"})
# What Jinja2 imports for its first template is imported now: when somebody asks for the page, there may be no
# descriptor left. The others are compiled when they are first used.
_ENVIRONMENT.get_template("document.html")
_MADE = {"measures.css": measures.stylesheet().encode()}
_STATIC = _MADE | {
    name: (files("smithd.lockscreen") / "static" / name).read_bytes() for name in FILES if name not in _MADE
}


def environment(package: str) -> jinja2.Environment:
    """An environment with the templates of a package, which may use those of the Lock Screen, too. Texts are shown
    without what could turn those beside them round.
    """
    loader = jinja2.ChoiceLoader([_templates(package), _templates("smithd.lockscreen")])
    made = _ENVIRONMENT.overlay(loader=loader, finalize=_readable)
    # An overlay shares the filters of what it is made from.
    made.filters, made.globals = dict(made.filters), dict(made.globals)
    return made


def _readable(given: Any) -> Any:
    # What is markup was put together from texts that were readable already.
    return readable(given) if type(given) is str else given


def document(page: Page) -> str:
    """The whole page; its script fetches ``screen`` for what changed. Paths are relative to any base."""
    return _ENVIRONMENT.get_template("document.html").render(page=page, view=page.view)


def fragment(page: Page) -> str:
    """What changes: the phone and what stands beside it."""
    return _ENVIRONMENT.get_template("fragment.html").render(page=page)


def gallery(shown: Gallery) -> str:
    """A page of examples, of everything that can be drawn."""
    return _ENVIRONMENT.get_template("gallery.html").render(gallery=shown, view=shown.view)


def static(name: str) -> bytes:
    """One of ``FILES``; KeyError for any other name."""
    return _STATIC[name]
