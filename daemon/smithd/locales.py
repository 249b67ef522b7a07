"""How languages write numbers, amounts of money and lengths of time: in texts of ours, and the filters of templates.
No I/O.

How many decimals a number has is decided in ``formatting`` for all languages. How it is written is Unicode's knowledge
(CLDR, by Babel): decimal mark, grouping, the places of the currency and of the percent sign, the words of durations.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from copy import copy
from decimal import Decimal, localcontext
from functools import cache
from typing import Any, Literal, Protocol

from smithd import formatting
from smithd.formatting import LENGTHS, MOST_DECIMALS, THOUSANDS
from smithd.suggestion import did_you_mean

ENGLISH = "en"

CURRENCIES = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CHF": "CHF ", "INR": "₹", "KRW": "₩", "BRL": "R$"}
WITHOUT_MINOR_UNITS = {"JPY", "KRW", "VND", "CLP", "ISK", "HUF", "TWD"}

_UNITS = {"d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}

MOST_DIGITS = 400
"""More than any number has; by default decimals are rounded to 28."""

_LAST_DIGIT = re.compile(r"\d(?=\D*$)")

Filters = Mapping[str, Callable[..., str]]


class Language(Protocol):
    """What writes numbers and lengths of time as a language does."""

    def number(self, value: float, decimals: int | None = None) -> str:
        """A number; see ``formatting.number``."""

    def percent(self, value: float, decimals: int | None = None, sign: bool = False) -> str:
        """Percent points."""

    def money(self, value: float, currency: str = "USD", decimals: int | None = None) -> str:
        """An amount of a currency."""

    def duration(self, seconds: float) -> str:
        """A length of time; see ``formatting.duration``."""

    def bytes(self, value: float) -> str:
        """An amount of data."""


class _English:
    """English. ``most``: how long numbers may be, one of ``formatting.LENGTHS``."""

    def __init__(self, most: int) -> None:
        self._most = most

    def number(self, value: float, decimals: int | None = None) -> str:
        return formatting.shortened(value, self._most, decimals)

    def percent(self, value: float, decimals: int | None = None, sign: bool = False) -> str:
        """Percent points, as the service counts them: ``12.5`` as ``12.5%``, with ``sign=true`` ``+12.5%``. Without
        ``decimals``, as many as tell the value from zero: ``0.0004`` as ``0.0004%``.
        """
        if math.isnan(value):
            return formatting.number(value)
        plus = "+" if sign and value > 0 else ""
        return f"{plus}{self.points(value, decimals)}%"

    def money(self, value: float, currency: str = "USD", decimals: int | None = None) -> str:
        """``19.9`` as ``$19.90``; a currency without minor units, or a value of 10,000 or more, shows none."""
        code = currency_code(currency)
        if math.isnan(value):
            return formatting.number(value)
        shown = self.amount(value, code, decimals)
        return f"{'-' if shown.startswith('-') else ''}{CURRENCIES.get(code, code + ' ')}{shown.removeprefix('-')}"

    def duration(self, seconds: float) -> str:
        return formatting.duration(seconds)

    def bytes(self, value: float) -> str:
        """Bytes in decimal units: ``1536`` as ``1.5 kB``."""
        return " ".join(self.size(value)) if math.isfinite(value) else formatting.number(value)

    def points(self, value: float, decimals: int | None) -> str:
        return self.number(value, (1 if value % 1 else 0) if decimals is None else decimals)

    def amount(self, value: float, code: str, decimals: int | None) -> str:
        if decimals is None:
            decimals = 0 if code in WITHOUT_MINOR_UNITS or abs(value) >= 10_000 else 2
        return self.number(value, decimals)

    def size(self, value: float) -> tuple[str, str]:
        places = 1 if self._most > 0 else 0
        for unit in ("B", "kB", "MB", "GB", "TB"):
            # From here on it would be rounded to 1000.0.
            if abs(value) < (999.95 if places else 999.5):
                return formatting.number(value, 0 if unit == "B" else places).removesuffix(".0"), unit
            value /= 1000
        return formatting.number(value, places).removesuffix(".0"), "PB"


def currency_code(given: object) -> str:
    """The code of a currency; ValueError where something else was given for it."""
    if not isinstance(given, str):
        raise ValueError("expected a currency first: money('EUR', 2)")
    return given.upper()


def known_locale(name: str) -> str:
    """A locale as Babel writes it, like ``pt_BR``; ValueError where there is none of this name."""
    from babel import Locale, UnknownLocaleError
    from babel.localedata import locale_identifiers

    try:
        return str(Locale.parse(name.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        hint = did_you_mean(name, locale_identifiers()) or "expected a language, and a country if needed: en, de, pt_BR"
        raise ValueError(f"there is no locale '{name}'; {hint}") from None


@cache
def language(locale: str, most: int = MOST_DECIMALS) -> Language:
    """The language of a locale that is known. ``most``: how long numbers may be, one of ``formatting.LENGTHS``."""
    english = _English(most)
    return english if locale == ENGLISH else _Translated(locale, english)


IN_ENGLISH = language(ENGLISH)


def filters(locale: str, most: int = MOST_DECIMALS) -> Filters:
    """The same as filters of templates, by their names."""
    own = language(locale, most)
    return {
        "number": own.number,
        "percent": own.percent,
        "money": own.money,
        "duration": own.duration,
        "bytes": own.bytes,
    }


def fitted(value: float, width: int, locale: str = ENGLISH) -> str:
    """A number in as many characters as there are: it loses decimals, then it becomes ``1.23M``."""
    lengths = [language(locale, most).number(value) for most in LENGTHS]
    return next((shown for shown in lengths if len(shown) <= width), lengths[-1])


class _Translated:
    """Another language than English."""

    def __init__(self, name: str, english: _English) -> None:
        # Imported where it is needed: its tables take a while to read.
        from babel import Locale
        from babel.units import format_unit

        class Quoting(Locale):
            """A locale for Babel, which takes what stands between two ``'`` of a number for a quoted text, though
            some languages group digits by them (1'234'567 in Switzerland). Two of them are one to it.
            """

            @property
            def number_symbols(self) -> Any:
                latin = super().number_symbols["latn"]
                return {"latn": {**latin, "group": latin["group"].replace("'", "''")}}

        self._locale = Quoting.parse(name)
        self._format_unit = format_unit
        self._english = english

    def number(self, value: float, decimals: int | None = None) -> str:
        return self._written(self._locale.decimal_formats[None], self._english.number(value, decimals))

    def percent(self, value: float, decimals: int | None = None, sign: bool = False) -> str:
        plus = "+" if sign and value > 0 else ""
        return plus + self._written(self._locale.percent_formats[None], self._english.points(value, decimals), scale=-2)

    def money(self, value: float, currency: str = "USD", decimals: int | None = None) -> str:
        code = currency_code(currency)
        pattern = self._locale.currency_formats["standard"]
        return self._written(pattern, self._english.amount(value, code, decimals), currency=code, currency_digits=False)

    def duration(self, seconds: float) -> str:
        if not math.isfinite(seconds):
            return formatting.number(seconds)
        parts = [(_exact(count), unit) for count, unit in formatting.duration_parts(abs(seconds))]
        # In English these are "2h 5m", in others the short forms mix less: German has "2h 5 Min.", but "2 Std. 5 Min.".
        length: Literal["narrow", "short"] = "narrow" if self._locale.language == ENGLISH else "short"
        with localcontext(prec=MOST_DIGITS):
            units = [
                self._format_unit(count, f"duration-{_UNITS[unit]}", length=length, locale=self._locale)
                for count, unit in parts
                if count is not None
            ]
        return ("-" if seconds < 0 else "") + " ".join(units) if units else formatting.duration(seconds)

    def bytes(self, value: float) -> str:
        if not math.isfinite(value):
            return formatting.number(value)
        shown, unit = self._english.size(value)
        return f"{self._written(self._locale.decimal_formats[None], shown)} {unit}"

    def _written(self, pattern: Any, english: str, scale: int = 0, **options: Any) -> str:
        """A number that is written in English, by a pattern of the language; all of its decimals are kept."""
        bare = english.rstrip(THOUSANDS)
        exact, unit = _exact(bare), english[len(bare) :]
        if exact is None:
            return english
        own, places = copy(pattern), len(bare.partition(".")[2])
        own.frac_prec = (places, places)
        with localcontext(prec=MOST_DIGITS):
            written = str(own.apply(exact.scaleb(scale), self._locale, **options))
        return _LAST_DIGIT.sub(rf"\g<0>{unit}", written) if unit else written


def _exact(english: str) -> Decimal | None:
    """The number that was written; None for infinity, and for one that is not written out (1.5e300)."""
    bare = english.replace(",", "")
    return Decimal(bare) if bare.strip("-0123456789.") == "" else None
