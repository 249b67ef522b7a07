"""How a page is looked at: which phone, which text size, light or dark, in colour or in grey. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import quote, urlencode

from smithd.lockscreen.measures import PHONES, PhoneModel

CHOICES: dict[str, dict[str, str]] = {
    "appearance": {"auto": "Automatic", "dark": "Dark", "light": "Light"},
    "phone": {name: phone.title for name, phone in PHONES.items()},
    "text": {"large": "Standard", "xxxlarge": "Large", "ax5": "Largest"},
    "colours": {"all": "All", "grey": "Grey"},
}
"""What can be chosen, each with its title; the first of each is the usual."""


@dataclass(frozen=True, slots=True)
class View:
    """One choice of each of ``CHOICES``, and the ``device`` that is looked at, where the address names one."""

    appearance: str = "auto"
    phone: str = "standard"
    text: str = "large"
    colours: str = "all"
    device: str = ""

    @property
    def classes(self) -> str:
        """The style classes that carry the choices."""
        return f"points phone-{self.phone} text-{self.text} {self.appearance} colours-{self.colours}"

    @property
    def model(self) -> PhoneModel:
        """The phone's measures."""
        return PHONES[self.phone]

    @property
    def unusual(self) -> dict[str, str]:
        """The choices that are not the usual, by name."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in chosen.items() if value != getattr(USUAL, name)}

    @property
    def query(self) -> str:
        """The choices that are not the usual, as an address has them: ``?text=ax5``, or nothing."""
        return f"?{urlencode(self.unusual, quote_via=quote)}" if self.unusual else ""

    def having(self, name: str, value: str) -> View:
        """This view with another choice."""
        return replace(self, **{name: value})


USUAL = View()


def read(query: Mapping[str, str]) -> View:
    """The view that an address asks for; what it does not know is the usual."""
    known = {name: query[name] for name, values in CHOICES.items() if query.get(name) in values}
    return View(**known, device=query.get("device", ""))
