"""What a database's own errors mean, and what to do about them. Pure: codes and texts in, a SourceError out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smithd.plugin import BadAnswer, Misconfigured, SourceError, Unavailable

Meaning = tuple[str, type[SourceError], str]
"""A pattern for what was said (or its code), the kind of failure, and what to say in its place."""

_CONNECTING: Sequence[Meaning] = (
    # the names of hosts, ports
    ("getaddrinfo|resolve host|translate host|name or service not known|nodename nor servname|no address associated",
     Unavailable, "its name is not known: check the host in 'url'"),
    ("connection refused|connect call failed", Unavailable,
     "nobody listens there: is the server running, and are host and port in 'url' right?"),
    ("no such file or directory.*socket|socket.*no such file or directory|unix socket", Unavailable,
     "there is no such socket: is the server running, and is the path in 'url' right?"),
    # TLS
    ("does not match host name|hostname mismatch|ip address mismatch", Misconfigured,
     "its certificate is for another name: use that name as the host in 'url'"),
    ("certificate has expired", Misconfigured,
     "its certificate has expired: have it renewed (tls: {{verify: false}} would accept it unseen)"),
    ("certificate verify failed|self-signed|self signed|unable to get local issuer", Misconfigured,
     "its certificate is not trusted ({said}): name its authority's file in 'tls.ca_file'"),
    ("does not support ssl|ssl is not supported|ssl is required but|server doesn't support ssl", Misconfigured,
     "it does not speak TLS: leave 'tls' out, or let the server have a certificate"),
    ("no encryption|insecure transport|require_secure_transport|3159", Misconfigured,
     "it wants an encrypted connection: add 'tls: {{}}' (and 'ca_file', where the authority is your own)"),
    # who we are
    ("no password supplied", Misconfigured, "it asks for a password: set 'password'"),
    ("password authentication failed|1045|access denied for user.*using password", Misconfigured,
     "it does not let us in: wrong password, or no such user: check the user in 'url', and 'password'"),
    (r"role \"[^\"]*\" does not exist|authentication failed", Misconfigured,
     "it does not let us in ({said}): check the user in 'url'"),
    ("pg_hba.conf|1130|not allowed to connect|cleartextpassword", Misconfigured,
     "it does not let this user in from this machine ({said}): its administrator must allow it"),
    (r"database \"[^\"]*\" does not exist|1049|no such database", Misconfigured,
     "there is no such database ({said}): check the name at the end of 'url'"),
    ("1044|permission denied for database|access denied for user .* to database", Misconfigured,
     "the user may not use this database ({said}): it needs the right to connect and to read"),
    ("too many|remaining connection slots|1040|1203|53300", Unavailable, "it has no connection left for us ({said})"),
    ("starting up|shutting down|in recovery|57p0", Unavailable, "it is not ready ({said})"),
    ("timeout|timed out", Unavailable, "no connection within the time-out"),
)  # fmt: skip

_POSTGRESQL: Sequence[Meaning] = (
    ("57014", Unavailable, "no answer within {share:.3g} s, which is this query's part of 'timeout': make it faster, "
     "raise 'timeout', or give it a source of its own"),
    ("25006", Misconfigured, "it writes, and smithd only reads: {said}"),
    ("42501", Misconfigured, "{said}: the user needs GRANT SELECT on it"),
    ("42P01", Misconfigured, "{said}: check the table's name and its schema"),
    ("42703", Misconfigured, "{said}: check the column's name"),
    ("42", Misconfigured, "{said}"),
    ("0A", Misconfigured, "{said}"),
    ("22", BadAnswer, "{said}"),
)  # fmt: skip
_MYSQL: Sequence[Meaning] = (
    ("1969|3024|1317", Unavailable, _POSTGRESQL[0][2]),
    ("1792|1290", Misconfigured, "it writes, and smithd only reads: {said}"),
    ("1142|1143|1227|1370|1044", Misconfigured, "{said}: the user needs GRANT SELECT on it"),
    ("1146", Misconfigured, "{said}: check the table's name and its database"),
    ("1054", Misconfigured, "{said}: check the column's name"),
    ("1060", Misconfigured, "{said}: give each column a name of its own with AS"),
    ("1064|10[5-9]\\d|11\\d\\d|13\\d\\d|12[0-9]\\d", Misconfigured, "{said}"),
    ("1365|1264|1292|1411|1690", BadAnswer, "{said}"),
)  # fmt: skip
_SQLITE: Sequence[Meaning] = (
    ("interrupted", Unavailable, _POSTGRESQL[0][2]),
    ("readonly database|query_only|not authorized", Misconfigured, "it writes, and smithd only reads: {said}"),
    ("no such table", Misconfigured, "{said}: check the table's name, and that 'url' names the right file"),
    ("no such column", Misconfigured, "{said}: check the column's name"),
    ("is locked", Unavailable, "another program keeps the file locked"),
    ("unable to open", Misconfigured, "the file cannot be opened for reading: check its path and its rights"),
    ("not a database|malformed", Misconfigured, "{said}: check that 'url' names the right file"),
    ("string or blob too big", BadAnswer, "it brings a text that is too large"),
    ("", Misconfigured, "{said}"),
)
_QUERIES = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "sqlite": _SQLITE}
_NAMES = {"postgresql": "PostgreSQL", "mysql": "the server", "sqlite": "SQLite"}


def not_connected(place: str, said: str) -> SourceError:
    """What it means that the server at ``place`` let nobody in, by what it (or the driver) said."""
    for pattern, kind, meaning in _CONNECTING:
        if re.search(pattern, said, re.IGNORECASE | re.DOTALL):
            return kind(f"{place}: {meaning.format(said=one_line(said))}")
    return Unavailable(f"{place}: {one_line(said)}")


def refused(kind: str, code: str, said: str, share: float) -> SourceError:
    """What it means that a query failed; ``code`` is the database's own, ``share`` the seconds that it had."""
    for pattern, failure, meaning in _QUERIES.get(kind, ()):
        subject = said if kind == "sqlite" else code
        if re.match(pattern, subject) or (kind == "sqlite" and re.search(pattern, subject)):
            text = meaning.format(said=one_line(said), share=share)
            who = f"{_NAMES[kind]} refuses the query: " if failure is Misconfigured else ""
            return failure(f"{who}{text}")
    return Unavailable(f"the query failed: {one_line(said)}")


def one_line(said: str) -> str:
    """The first words of an error that say something, on one line."""
    text = " ".join(said.split())
    found = re.search(r"(?:FATAL|ERROR):\s*(.*)", text)
    return (found[1] if found else text)[:200].rstrip(" .")
