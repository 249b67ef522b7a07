"""What failed HTTP requests mean: the errors to raise, and what their texts may show of an answer. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from urllib.parse import urlsplit

from smithd.plugin import (
    BadResponse,
    CertificateError,
    DecodingError,
    Misconfigured,
    SourceError,
    TimedOut,
    TransportError,
    Unavailable,
    quoted,
)
from smithd_sources.rate_limit import asked_to_wait

EXCERPT = 80
"""The characters of an answer, or of a value in it, that an error shows."""
NOTHING = "(nothing)"
"""What stands for the start of an empty answer."""
OWN_DEADLINE = 0.9
"""The part of a poll's deadline after which a source itself reports what takes too long. The poller knows less."""
_EXAMPLES = {
    "basic": "{basic: {username: …, password: …}}",
    "digest": "{digest: {username: …, password: …}}",
    "bearer": "{bearer: …}",
}
_USER = re.compile(r"//[^/?#]*@")
_AUTHORITY = "if its authority is one of your own, name it under tls: ca_file"
_TEMPORARY = (408, 425, 429)
_CERTIFICATES = (
    ("not yet valid", "are the clocks right, here and there?"),
    ("expired", "have it renewed, if the clock here is right"),
    ("mismatch", "is this the address?"),
    ("self-signed", _AUTHORITY),
    ("self signed", _AUTHORITY),
    ("issuer certificate", _AUTHORITY),
    ("verify the first certificate", _AUTHORITY),
)
"""What to do about a certificate, by OpenSSL's words for what is wrong with it. Of others nothing helps here."""
_CHALLENGE = re.compile(r"(?:^|,)\s*(Basic|Digest|Bearer|Negotiate|NTLM)(?=\s|,|$)", re.IGNORECASE)
_LIMITED = (403, 429)
"""The statuses with which servers say that there were too many requests; GitHub has both."""
_MEANINGS = {
    401: ("we are not let in", "check auth and headers"),
    403: ("we are not allowed this", "check what this key or user may see"),
    404: ("there is nothing at this address", "check its path"),
}


def place(url: str) -> str:
    """The host and port of an address: the part of it that may stand in a log."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def without_secrets(address: str) -> str:
    """The start of a text that should be an address, without the parts that may hold a secret."""
    return one_line(_USER.sub("//", re.split("[?#]", address, maxsplit=1)[0]))


def cut(text: str) -> str:
    """The start of a text."""
    return text[:EXCERPT] + "…" if len(text) > EXCERPT else text


def excerpt(body: bytes) -> str:
    """The start of an answer, on one line, for the text of an error."""
    # More bytes than are shown: a letter may take several, and blanks in a row become one.
    return one_line(body[: 8 * EXCERPT].decode("utf-8", "replace"))


def one_line(text: str) -> str:
    """The start of what others said, on one line, for the text of an error."""
    said = "".join(char if char.isprintable() else "�" for char in cut(" ".join(text.split())))
    return quoted(said) if said else NOTHING


def transport_failure(who: str, error: TransportError | DecodingError) -> SourceError:
    """The error to raise where ``who`` gave no answer that can be read."""
    if isinstance(error, DecodingError):
        return BadResponse(f"{who}: {error}")
    if not isinstance(error, CertificateError):
        kind = TimedOut if error.timed_out else Unavailable
        return kind(f"{who}: {error}; {error.hint}" if error.hint else f"{who}: {error}")
    advice = next((advice for sign, advice in _CERTIFICATES if sign in str(error)), None)
    return Misconfigured(f"{who}: {error}; {advice}" if advice else f"{who}: {error}")


def status_failure(
    who: str,
    status: int,
    headers: Mapping[str, str],
    said: str,
    *,
    now: float,
    zone: tzinfo,
    ways: Mapping[str, bool] = {},
) -> SourceError:
    """The error to raise where ``who`` answered with a status other than 2xx, at ``now`` (seconds since 1970).

    ``said`` is the start of what came with it; moments in the error's text are on the clocks of ``zone``. ``ways``: the
    keys under ``auth`` that there are, and whether they are used.
    """
    if (limited := _limited(who, status, headers, said, now, zone)) is not None:
        return limited
    if 300 <= status < 400:
        location = headers.get("location", "")
        where = without_secrets(location) if location else "nowhere"
        return Misconfigured(
            f"{who}: HTTP {status}: it redirects to {where}, which is not followed: is this the address?"
        )
    if status in _MEANINGS:
        meaning, advice = _MEANINGS[status]
        if status == 401 and ways:
            advice = _way_in(headers, ways) or advice
        return Misconfigured(f"{who}: HTTP {status}, {meaning}: {said}; {advice}")
    # Other 4xx blame the request, and so the configuration, except for a few that pass by themselves.
    kind = Misconfigured if 400 <= status < 500 and status not in _TEMPORARY else Unavailable
    return kind(f"{who}: HTTP {status}: {said}")


def _way_in(headers: Mapping[str, str], ways: Mapping[str, bool]) -> str | None:
    """What to do about a challenge; None where the source does already what it asks for."""
    challenge = next((value for name, value in headers.items() if name.lower() == "www-authenticate"), "")
    asked = [found.lower() for found in _CHALLENGE.findall(challenge)]
    if not asked or any(ways.get(way) for way in asked):
        return None
    known = [way for way in asked if way in ways]
    if not known:
        return f"it asks for {challenge.split(',')[0].split()[0]}, which this source does not speak"
    return f"it asks for {known[0].capitalize()}: set auth: {_EXAMPLES[known[0]]}"


def _limited(
    who: str, status: int, headers: Mapping[str, str], said: str, now: float, zone: tzinfo
) -> Unavailable | None:
    """The error where it asks to be left alone for a while, and nothing else is wrong."""
    asked = asked_to_wait(headers, now)
    until = asked.until(now, zone)
    if asked.used_up and status in _LIMITED:
        when = f", until {until}" if until else ""
        what = f"its limit of requests is used up (X-RateLimit-Remaining: 0){when}"
    elif status == 429 or (asked.seconds is not None and (status in _LIMITED or status >= 500)):
        what = "too many requests" if status in _LIMITED else "it cannot answer now"
        what += f": it {asked}, until {until}" if until else ""
    else:
        return None
    # Its text says all; most servers send nothing with it.
    more = f": {said}" if said != NOTHING else ""
    return Unavailable(f"{who}: HTTP {status}, {what}{more}", retry_after=asked.seconds)
