"""Makes SourceErrors of a database's errors: what they mean, and what to do about them. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smithd.plugin import BadResponse, Misconfigured, SourceError, TimedOut, Unavailable, quoted

LONGEST = 200
"""The characters of a message that are shown."""
Meaning = tuple[str, type[SourceError], str]
"""A pattern for the code and the message, the type of failure, and the text that replaces the message."""

_LATE = (
    "no answer within {share:.3g} s, which is its part of 'timeout': make it faster, raise 'timeout', "
    "or give it a source of its own"
)
_RIGHTS = "{said}: the user needs the right to read it (GRANT SELECT)"
_USAGE = "{said}: the user needs the right to look into it (GRANT USAGE ON SCHEMA)"
_EXECUTE = "{said}: the user needs the right to call it (GRANT EXECUTE)"
_WRITES = "it writes, and smithd only reads: {said}"
_ANOTHER_DATABASE = (
    "what answers there does not speak the protocol of this database: check the port in 'url' (MySQL's is 3306, "
    "PostgreSQL's 5432), and whether it should begin with mysql:// or postgresql://"
)
_IN_PG_HBA = "its administrator must allow it in pg_hba.conf"
# In each table, the first pattern that is found decides: what is specific stands before what is general.
_CONNECTING: Sequence[Meaning] = (
    ("unable to open", Misconfigured, "the file cannot be opened: check its path, and that smithd may read it"),
    (
        "getaddrinfo|resolve host|translate host|name or service not known|no address associated",
        Unavailable,
        "its name is not known: check the host in 'url'",
    ),
    (
        "connection refused|connect call failed",
        Unavailable,
        "nothing listens there: is the server running, and are host and port in 'url' right?",
    ),
    (
        "socket.*no such file or directory|no such file or directory.*socket|2003.*no such file",
        Unavailable,
        "there is no such socket: is the server running, and is the path in 'url' right?",
    ),
    (
        "does not match host name|hostname mismatch|ip address mismatch|not valid for",
        Misconfigured,
        "its certificate is for another name: use that name as the host in 'url'",
    ),
    (
        "certificate has expired",
        Misconfigured,
        "its certificate has expired: have it renewed (tls.verify: false accepts any)",
    ),
    (
        "certificate is not yet valid",
        Misconfigured,
        "its certificate is not valid yet: are the clocks right, here and there? (tls.verify: false accepts any)",
    ),
    (
        "self-signed|self signed|unable to get .*issuer",
        Misconfigured,
        "its certificate is not trusted: name its authority's file in tls.ca_file (tls.verify: false accepts any)",
    ),
    (
        "certificate verify failed",
        Misconfigured,
        "its certificate is not trusted: is its authority's file named in tls.ca_file, and has it not expired?",
    ),
    ("private key file|certificate file|could not load", Misconfigured, "a file under 'tls' cannot be used: {said}"),
    (
        "does not support ssl|ssl is not supported|doesn't support ssl|wrong.version.number",
        Misconfigured,
        "it does not speak TLS: leave 'tls' out, or let the server have a certificate",
    ),
    # This message ends with "no encryption" or "SSL encryption", whether or not that matters.
    (
        "pg_hba.conf",
        Misconfigured,
        "it does not let this user in from this machine to this database ({said}): " + _IN_PG_HBA,
    ),
    (
        "^1130",
        Misconfigured,
        "it does not let this user in from this machine ({said}): its administrator must allow it",
    ),
    (
        "insecure transport|^3159",
        Misconfigured,
        "it lets us in by an encrypted connection only: add 'tls' to the source",
    ),
    (
        "invalid connection option|bad value for|invalid .*value|unexpected keyword argument",
        Misconfigured,
        "what stands after the ? in 'url' cannot be used ({said})",
    ),
    ("no password supplied", Misconfigured, "it asks for a password: set 'password'"),
    (
        "password authentication failed|^1045|^1698",
        Misconfigured,
        "it does not let us in: wrong password, or no such user: check the user in 'url', and 'password'",
    ),
    (
        "role .* does not exist|authentication failed|not permitted to log in",
        Misconfigured,
        "it does not let us in ({said}): check the user in 'url'",
    ),
    (
        "database .* does not exist|^1049|no such database",
        Misconfigured,
        "there is no such database ({said}): check the name at the end of 'url'",
    ),
    (
        "^1044|permission denied for database",
        Misconfigured,
        "the user may not use this database ({said}): check its name in 'url', and the user's rights",
    ),
    (
        "invalid response to ssl negotiation|expected authentication request|packet sequence number wrong",
        Misconfigured,
        _ANOTHER_DATABASE,
    ),
    ("too many|remaining connection slots|^1040|^1203|^53300", Unavailable, "it has no connection left ({said})"),
    ("timeout|timed out", TimedOut, "no connection within the time-out"),
)
_POSTGRESQL: Sequence[Meaning] = (
    ("^57014.*user request", Unavailable, "it was ended there ({said}): the next poll tries again"),
    ("^57014", TimedOut, _LATE),
    ("^25006|data-modifying|INTO is not allowed", Misconfigured, _WRITES),
    ("^42501.*for schema", Misconfigured, _USAGE),
    ("^42501.*for (function|procedure|routine)", Misconfigured, _EXECUTE),
    ("^42501.*for (table|view|sequence|materialized view|foreign table)", Misconfigured, _RIGHTS),
    ("^42501", Misconfigured, "{said}: the user lacks the right to it"),
    ("^42P01", Misconfigured, "{said}: check the table's name and its schema"),
    ("^42703", Misconfigured, "{said}: check the column's name"),
    ("^(42|0A|25|08P01)", Misconfigured, "{said}"),
    ("^(21|22)", BadResponse, "{said}"),
)
_MYSQL: Sequence[Meaning] = (
    ("^1317", Unavailable, "it was ended there ({said}): the next poll tries again"),
    ("^(1969|3024)", TimedOut, _LATE),
    ("^1064 .* near '(into|delete|update|insert|replace) ", Misconfigured, _WRITES),
    ("^(1792|1290|1142 (insert|update|delete|drop|create|alter))", Misconfigured, _WRITES),
    ("^1370", Misconfigured, _EXECUTE),
    ("^(1142|1143|1227|1044)", Misconfigured, _RIGHTS),
    ("^1146", Misconfigured, "{said}: check the table's name and its database"),
    ("^1054", Misconfigured, "{said}: check the column's name"),
    ("^1060", Misconfigured, "{said}: give each column a name of its own with AS"),
    ("^(1365|1264|1292|1411|1690|1242)", BadResponse, "{said}"),
    ("^(1205|1213)", Unavailable, "{said}: the next poll tries again"),
    ("^1[0123]", Misconfigured, "{said}"),
)
_SQLITE: Sequence[Meaning] = (
    ("^interrupted", TimedOut, _LATE),
    ("readonly database|query_only", Misconfigured, _WRITES),
    ("^no such table", Misconfigured, "{said}: check its name, and that 'url' names the right file"),
    ("^no such column", Misconfigured, "{said}: check the column's name"),
    ("is locked", Unavailable, "another program keeps the file locked"),
    ("not a database|malformed", Misconfigured, "{said}: check that 'url' names the right file"),
    ("string or blob too big", BadResponse, "it brings a text or a row that is too large"),
    ("", Misconfigured, "{said}"),
)
_AROUND = re.compile(r"\s*\)\s*(?:AS smithd )?LIMIT 0(?=')")
"""What MySQL quotes of the statement around the query."""
_QUERIES = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "sqlite": _SQLITE}
_NAMES = {"postgresql": "PostgreSQL", "mysql": "the server", "sqlite": "SQLite"}


def connection_error(place: str, code: str, said: str) -> SourceError:
    """The error for a connection to ``place`` that failed or was lost, by its code, if any, and its message."""
    for pattern, kind, meaning in _CONNECTING:
        if re.search(pattern, f"{code} {said}".lstrip(), re.IGNORECASE | re.DOTALL):
            return kind(f"{place}: {meaning.format(said=one_line(said))}")
    return Unavailable(f"{place}: {one_line(said)}")


def encoding_error(place: str) -> SourceError:
    """The error for a text that cannot be encoded. Python's own error would show a part of the password."""
    return Misconfigured(
        f"{place}: the user, the password or the database's name has a character that cannot be encoded"
    )


def query_error(kind: str, code: str, said: str, share: float) -> SourceError:
    """The error for a query that failed. ``kind`` is the database's, ``share`` the seconds that the query had."""
    said = _AROUND.sub("", said)
    for pattern, failure, meaning in _QUERIES.get(kind, ()):
        if re.search(pattern, f"{code} {said}".lstrip(), re.IGNORECASE):
            who = f"{_NAMES[kind]} refuses the query: " if failure is Misconfigured else ""
            return failure(who + meaning.format(said=one_line(said), share=share))
    return Unavailable(f"the query failed: {one_line(said)}")


def one_line(said: str) -> str:
    """What a driver said, without its prefix, on one line of bounded length."""
    text = " ".join(said.split())
    found = re.search(r"(?:FATAL|ERROR):\s*(.*)", text)
    return quoted((found[1] if found else text)[:LONGEST].rstrip(" ."))
