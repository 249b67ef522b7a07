"""The API: what the daemon knows, as JSON. docs/api.md describes it.

Each answer comes from the same command that the control socket carries out.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from smithd.alerts.machine import Phase
from smithd.alerts.severity import SEVERITIES
from smithd.beside import beside
from smithd.control import Handler, encoded
from smithd.errors import NotThere, SmithdError
from smithd.notify.reason import Reason
from smithd.plugin.options import parse_duration
from smithd.series.health import Health
from smithd.status.fill import UNSEEN
from smithd.web.reads import Reads

BASE = "/api/v1"
USUAL, MOST = 1_000, 10_000
"""How many entries of a list an answer has, unless it is asked for more; and at most."""
USUAL_DECISIONS, MOST_DECISIONS = 100, 1_000
LONGEST_TEXT = 1_000
"""Characters of a parameter."""
LARGEST_BODY = 16 * 1024

ANY: Collection[str] = ()
_SEVERITY = (*SEVERITIES, "")
_CAUSES = (Reason.SILENCED, Reason.MUTED, Reason.INHIBITED, Reason.DEPENDENT, Reason.UNCONFIRMED, "")
LISTS: Mapping[str, Mapping[str, Collection[str]]] = {
    "sources": {"name": ANY, "type": ANY, "health": (*Health, UNSEEN)},
    "rules": {"name": ANY, "state": (Phase.FIRING, Phase.PENDING, Phase.INACTIVE), "severity": _SEVERITY},
    "alerts": {
        "rule": ANY,
        "state": (Phase.PENDING, Phase.FIRING, Phase.RECOVERING),
        "severity": _SEVERITY,
        "suppressed": _CAUSES,
    },
    "surfaces": {"name": ANY, "kind": ("widget", "live_activity", "badge"), "account": ANY},
}
"""The lists of the status that have an address of their own, by which of their fields one may choose, and the values
that such a field can have; "" is no value.
"""

Endpoint = Callable[[Request], Awaitable[Response]]


def api(reads: Reads) -> Mount:
    """The API, to be put into the daemon's web server."""
    answers = _Answers(reads)
    routes = [
        Route("/status", answers.status),
        *(Route(f"/{name}", answers.listed(name)) for name in LISTS),
        Route("/outbox", answers.outbox),
        Route("/explain", answers.explain),
        Route("/decisions", answers.decisions),
        Route("/history", answers.history),
        Route("/screen", answers.screen),
        Route("/silences", answers.silences, methods=["GET"]),
        Route("/silences", answers.add_silence, methods=["POST"]),
        Route("/silences/{id}", answers.expire_silence, methods=["DELETE"]),
    ]
    handlers: Mapping[Any, Any] = {
        HTTPException: _refused,
        NotThere: _not_there,
        ValueError: _wrong,
        SmithdError: _failed,
        OSError: _failed,
    }
    app = Starlette(routes=_one_for_each_path(routes), exception_handlers=handlers)
    # An address with a slash too many is none; a redirect would carry a token in the address on, to whatever host.
    app.router.redirect_slashes = False
    return Mount(BASE, app=app)


def _one_for_each_path(routes: Collection[Route]) -> list[Route]:
    """The routes, those of one path as one, so that 405 names all methods that the path has."""
    endpoints: dict[str, dict[str, Any]] = {}
    for route in routes:
        endpoints.setdefault(route.path, {}).update(dict.fromkeys(route.methods or (), route.endpoint))

    def chosen(of_path: Mapping[str, Any]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            found: Response = await of_path[request.method](request)
            return found

        return endpoint

    return [Route(path, chosen(of_path), methods=list(of_path)) for path, of_path in endpoints.items()]


class _Answers:
    """The endpoints. What they raise becomes an answer in ``api``."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    def _command(self, name: str) -> Handler:
        return self._reads.commands[name]

    async def status(self, request: Request) -> Response:
        asked = _parameters(request, ("limit",))
        limit, found = _count(asked, "limit", USUAL, MOST), await self._command("status")({})
        lists = {name: each for name, each in found.items() if isinstance(each, list)}
        cut = {name: each[:limit] for name, each in lists.items()}
        left = {name: len(each) - limit for name, each in lists.items() if len(each) > limit}
        return await _answer(found | cut | {"left_out": left})

    def listed(self, name: str) -> Endpoint:
        """The endpoint of one list of the status."""
        fields = LISTS[name]

        async def endpoint(request: Request) -> Response:
            asked = _parameters(request, (*fields, "limit", "offset"))
            limit, offset = _count(asked, "limit", USUAL, MOST), _count(asked, "offset", 0, 10**9)
            found = await self._command("status")({})
            wanted = [(field, asked[field]) for field in fields if field in asked]
            for field, text in wanted:
                _refuse_others(field, text, fields[field])
            # No severity is null in JSON, and empty in an address.
            chosen = [each for each in found[name] if all((each[field] or "") == text for field, text in wanted)]
            return await _answer(
                {
                    "at": found["at"],
                    "timezone": found["timezone"],
                    "total": len(chosen),
                    name: chosen[offset : offset + limit],
                }
            )

        return endpoint

    async def outbox(self, request: Request) -> Response:
        asked = _parameters(request, ("limit",))
        limit, found = _count(asked, "limit", USUAL, MOST), await self._command("outbox")({})
        messages = found["messages"]
        return await _answer(found | {"messages": messages[:limit], "left_out": max(0, len(messages) - limit)})

    async def explain(self, request: Request) -> Response:
        asked = _parameters(request, ("rule", "surface", "labels"))
        name = _rule_or_surface(asked)
        if name is None:
            raise ValueError("expected 'rule' or 'surface', as in ?rule=errors or ?surface=widget:shop.orders")
        found = await self._command("explain")({"name": name, "labels": asked.get("labels", "")})
        return await _answer(_is_meant(found, asked))

    async def decisions(self, request: Request) -> Response:
        asked = _parameters(request, ("rule", "surface", "limit"))
        given: dict[str, Any] = {"limit": _count(asked, "limit", USUAL_DECISIONS, MOST_DECISIONS)}
        if (name := _rule_or_surface(asked)) is not None:
            given["name"] = name
        return await _answer({"decisions": await self._command("decisions")(given)})

    async def history(self, request: Request) -> Response:
        asked = _parameters(request, ("metric", "labels", "from", "to"))
        if "metric" not in asked:
            raise ValueError("expected 'metric', as in ?metric=shop.orders")
        given: dict[str, Any] = {"metric": asked["metric"], "labels": asked.get("labels", "")}
        given |= {name: _moment(asked[name], name) for name in ("from", "to") if name in asked}
        return await _answer(await self._command("history")(given))

    async def screen(self, request: Request) -> Response:
        account = _parameters(request, ("account",)).get("account")
        found = await self._command("screen")({})
        phones = [each for each in found["phones"] if account in (None, each["account"])]
        if not phones:
            raise NotThere(f"there is no account '{account}'")
        return await _answer(found | {"phones": phones})

    async def silences(self, request: Request) -> Response:
        _parameters(request, ())
        return await _answer({"silences": await self._command("silence.list")({})})

    async def add_silence(self, request: Request) -> Response:
        given = await _body(request, required=("matchers", "duration"), optional=("comment", "author"))
        made = await self._command("silence.add")(
            {
                "matchers": given["matchers"],
                "seconds": parse_duration(given["duration"]),
                "comment": given.get("comment", ""),
                "author": given.get("author", "api"),
            }
        )
        return await _answer(made, 201)

    async def expire_silence(self, request: Request) -> Response:
        id_ = request.path_params["id"]
        if not (id_.isascii() and id_.isdigit() and len(id_) < 12):
            raise NotThere(f"there is no silence {id_[:LONGEST_TEXT]}")
        await self._command("silence.expire")({"id": int(id_)})
        return Response(status_code=204)


def _parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    """What an address asks for; ValueError where it asks for something else, or twice."""
    found = dict[str, str]()
    for name, text in request.query_params.multi_items():
        # The token may stand in any address; it was read already.
        if name == "token":
            continue
        if name not in known:
            raise ValueError(f"unknown parameter '{name[:100]}'; known here: {', '.join(sorted(known)) or 'none'}")
        if name in found:
            raise ValueError(f"'{name}' was given twice")
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"'{name}' is longer than {LONGEST_TEXT} characters")
        found[name] = text
    return found


def _refuse_others(name: str, text: str, choices: Collection[str]) -> None:
    """ValueError where a parameter has choices, and the text is none of them."""
    if choices and text not in choices:
        nothing = ", or nothing," if "" in choices else ""
        raise ValueError(f"expected one of {', '.join(filter(None, choices))}{nothing} as '{name}'")


def _count(asked: Mapping[str, str], name: str, usual: int, most: int) -> int:
    text = asked.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= most):
        raise ValueError(f"expected a whole number from 0 to {most} as '{name}'")
    return int(text)


def _moment(text: str, name: str) -> float:
    """Seconds since 1970, from a number or a time with its zone as ISO 8601 has it."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"expected seconds since 1970, or a time like 2026-11-28T22:00:00+01:00, as '{name}'")
    return moment.timestamp()


def _rule_or_surface(asked: Mapping[str, str]) -> str | None:
    """The name that 'rule' or 'surface' has, as the command explain takes it."""
    if "rule" in asked and "surface" in asked:
        raise ValueError("expected 'rule' or 'surface', not both")
    return f"rule:{asked['rule']}" if "rule" in asked else asked.get("surface")


def _is_meant(found: dict[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    """The explanation, where it is of what was asked for; a rule and a widget may have the same name."""
    if "surface" in asked and found["kind"] == "rule":
        raise ValueError(f"'{asked['surface']}' is a rule; a surface is widget:NAME, activity:NAME or badge")
    return found


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written: a name may stand in it twice."""


async def _body(request: Request, required: Collection[str], optional: Collection[str]) -> dict[str, str]:
    """The texts of a JSON object in the body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "expected a body of the type application/json")
    body = await _bytes(request)
    try:
        pairs = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise ValueError("expected a JSON object") from None
    if not isinstance(pairs, _Pairs):
        raise ValueError("expected a JSON object")
    given = dict(pairs)
    if len(given) < len(pairs):
        twice = next(name for name in given if [each for each, _ in pairs].count(name) > 1)
        raise ValueError(f"'{twice[:100]}' was given twice")
    if unknown := sorted(given.keys() - {*required, *optional}):
        raise ValueError(f"unknown key '{unknown[0][:100]}'; known here: {', '.join((*required, *optional))}")
    if missing := [name for name in required if name not in given]:
        raise ValueError(f"'{missing[0]}' is missing")
    for name, text in given.items():
        if not (isinstance(text, str) and len(text) <= LONGEST_TEXT):
            raise ValueError(f"expected a text of at most {LONGEST_TEXT} characters as '{name}'")
    return given


async def _bytes(request: Request) -> bytes:
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                raise HTTPException(413, f"expected a body of at most {LARGEST_BODY} bytes")
    except ClientDisconnect:
        raise HTTPException(400, "the body was cut off") from None
    return body


async def _answer(found: Any, status: int = 200) -> Response:
    # In a thread, since an answer may have megabytes.
    return Response(await beside(encoded, found), status, media_type="application/json")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = await _answer({"error": error.detail}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _not_there(_: Request, error: Exception) -> Response:
    return await _answer({"error": str(error)}, 404)


async def _wrong(_: Request, error: Exception) -> Response:
    return await _answer({"error": str(error)}, 400)


async def _failed(_: Request, error: Exception) -> Response:
    """The daemon cannot answer now, as where its state cannot be read."""
    return await _answer({"error": str(error)}, 503)
