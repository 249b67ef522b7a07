"""The configurations that are measured: sources of one kind, a rule for each, and what a start also has to set up."""

from __future__ import annotations

from pathlib import Path


def write(folder: Path, polled: str, service: str, sources: int, *, surfaces: bool) -> Path:
    """A configuration of so many sources under the URL ``polled``, polled every second, none crossing its threshold.

    With ``surfaces`` each has a widget too, and one Live Activity shows them all.
    """
    names = range(sources)
    lines = [
        f"activitysmith: {{api_key: a-key-that-nobody-checks, base_url: '{service}'}}",
        "defaults: {every: 1s, timeout: 10s}",
        "sources:",
        *(f"  s{n}: {{type: http_json, url: '{polled}/{n}', metrics: {{orders: $.orders.today}}}}" for n in names),
        "rules:",
        *(f"  r{n}: {{metric: s{n}.orders, warning: '> 1000000000', for: 1m}}" for n in names),
    ]
    if surfaces:
        lines += ["widgets:", *(f"  shop.orders{n}: s{n}.orders" for n in names)]
        lines += ["live_activities:", "  orders:", "    type: stats", "    title: Orders", "    stats:"]
        lines += [f"      - {{label: Shop {n}, value: s{n}.orders}}" for n in names[:4]]
    path = folder / "smithd.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path
