"""The demo configuration: the file beside this one, with the addresses of today put in."""

from __future__ import annotations

import re
from importlib.resources import files

SHOP, SERVICE, TEAM = "127.0.0.1:8788", "127.0.0.1:8789", "127.0.0.1:8790"
"""Where the file looks for the shop and the service, and for the service of the team's account."""


def configuration(shop: str, service: str, team: str, *, with_host: bool) -> str:
    """The file's text with these addresses (host:port).

    Without the host plugin, the lines that end in ``# host`` are left out: the demo runs all the same.
    """
    text = (files("smithd.demo") / "smithd.yaml").read_text(encoding="utf-8")
    if not with_host:
        text = re.sub(r"(?m)^.*# host$\n", "", text)
    return text.replace(SHOP, shop).replace(SERVICE, service).replace(TEAM, team)
