"""What servers say of how long they want to be left alone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from smithd.plugin import Misconfigured, SourceError, Unavailable
from smithd_sources.http_errors import status_failure

NOW = 1_795_971_200.0  # 2026-11-29 16:53:20 UTC
BERLIN = ZoneInfo("Europe/Berlin")


def failure(status: int, **headers: str) -> SourceError:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return status_failure("api", status, sent, "no", now=NOW, zone=BERLIN)


@pytest.mark.parametrize(
    ("status", "headers", "seconds", "text"),
    [
        (429, {"Retry_After": "120"}, 120, "HTTP 429, too many requests: it asks to wait 2m, until 17:55:20 CET: no"),
        (503, {"Retry_After": "3700"}, 3700, "it cannot answer now: it asks to wait 1h 1m 40s, until 18:55:00 CET"),
        (503, {"Retry_After": "Sun, 29 Nov 2026 17:00:00 GMT"}, 400, "it asks to wait 6m 40s, until 18:00:00 CET"),
        # Sunday in the three forms that HTTP allows, and counted from the server's own clock.
        (429, {"Retry_After": "Sunday, 29-Nov-26 17:00:00 GMT"}, 400, "until 18:00:00 CET"),
        (429, {"Retry_After": "Sun Nov 29 17:00:00 2026"}, 400, "until 18:00:00 CET"),
        (
            429,
            {"Retry_After": "Sun, 29 Nov 2026 18:00:00 GMT", "Date": "Sun, 29 Nov 2026 17:59:00 GMT"},
            60,
            "asks to wait 1m, until 17:54:20 CET",
        ),
        (
            403,
            {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(NOW) + 1800)},
            1800,
            r"HTTP 403, its limit of requests is used up \(X-RateLimit-Remaining: 0\), until 18:23:20 CET: no",
        ),
        (429, {"RateLimit_Remaining": "0", "RateLimit_Reset": "45"}, 45, "used up.*until 17:54:05"),
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "", "Retry_After": "9"}, 9, "used up.*17:53:29"),
        (403, {"Retry_After": "60"}, 60, "HTTP 403, too many requests: it asks to wait 1m"),
        (403, {"X_RateLimit_Remaining": "0"}, None, r"used up \(X-RateLimit-Remaining: 0\): no"),
        (429, {}, None, "HTTP 429, too many requests: no"),
        (429, {"Retry_After": "0"}, None, "HTTP 429, too many requests: no"),
        (429, {"Retry_After": "Sun, 29 Nov 2026 16:00:00 GMT"}, None, "too many requests: no"),
        (503, {"Retry_After": "in a while"}, None, "HTTP 503: no"),
        (503, {"Retry_After": "Mon, 30 Nov 2026 16:53:20 GMT"}, 86400, "until 2026-11-30 17:53:20 CET"),
    ],
)
def test_a_wish_to_wait_is_read_and_said(
    status: int, headers: dict[str, str], seconds: float | None, text: str
) -> None:
    error = failure(status, **headers)
    assert type(error) is Unavailable
    assert error.retry_after == seconds
    with pytest.raises(Unavailable, match=text):
        raise error


@pytest.mark.parametrize(
    ("status", "headers"),
    [(403, {"X_RateLimit_Remaining": "17"}), (404, {"Retry_After": "5"}), (401, {"X_RateLimit_Remaining": "0"})],
)
def test_what_waiting_does_not_mend_is_for_a_person(status: int, headers: dict[str, str]) -> None:
    error = failure(status, **headers)
    assert type(error) is Misconfigured
    assert error.retry_after is None
