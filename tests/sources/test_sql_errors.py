"""What databases say, as they say it, and what becomes of it: for what the real servers of the tests do not say."""

from __future__ import annotations

import socket

import pytest

from smithd.plugin import BadResponse, Misconfigured, SourceError, TimedOut, Unavailable
from smithd.redactor import Redactor
from smithd_sources.sql.errors import connection_error, query_error
from smithd_sources.sql.source import Sql
from sources.conftest import Ask


@pytest.mark.parametrize(
    ("code", "said", "kind", "meaning"),
    [
        ("", "certificate has expired", Misconfigured, "its certificate has expired: have it renewed"),
        ("2003", "Can't connect ([SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired)",
         Misconfigured, "its certificate has expired: have it renewed"),
        ("", 'server certificate for "a.example" does not match host name "db.example"', Misconfigured, "another name"),
        ("", 'FATAL:  no pg_hba.conf entry for host "10.0.0.5", user "reader", database "shop", no encryption',
         Misconfigured, "does not let this user in from this machine to this database (no pg_hba.conf entry"),
        ("", 'FATAL:  no pg_hba.conf entry for host "10.0.0.5", user "reader", database "shop", SSL encryption',
         Misconfigured, "from this machine to this database (no pg_hba.conf entry for host"),
        ("", "certificate is not yet valid", Misconfigured, "its certificate is not valid yet: are the clocks right"),
        ("", "Packet sequence number wrong - got 1 expected 0", Misconfigured, "does not speak the protocol"),
        ("", "received invalid response to SSL negotiation: J", Misconfigured,
         "should begin with mysql:// or postgresql://"),
        ("", "fe_sendauth: no password supplied", Misconfigured, "it asks for a password: set 'password'"),
        ("", "FATAL:  sorry, too many clients already", Unavailable, "no connection left (sorry, too many clients"),
        ("1040", "Too many connections", Unavailable, "no connection left (Too many connections)"),
        ("3159", "Connections using insecure transport are prohibited", Misconfigured, "add 'tls' to the source"),
        ("1130", "Host '10.0.0.5' is not allowed to connect to this server", Misconfigured, "from this machine"),
        ("", "FATAL:  the database system is starting up", Unavailable, "the database system is starting up"),
        ("", 'private key file "a.key" has group or world access', Misconfigured, "a file under 'tls' cannot be used"),
        ("", "what nobody\nhas ever heard", Unavailable, "db:5432: what nobody has ever heard"),
    ],
)  # fmt: skip
def test_without_a_connection(code: str, said: str, kind: type[SourceError], meaning: str) -> None:
    error = connection_error("db:5432", code, said)
    assert type(error) is kind
    assert str(error).startswith("db:5432: ")
    assert meaning in Redactor().clean(str(error))


@pytest.mark.parametrize(
    ("database", "code", "said", "kind", "meaning"),
    [
        (
            "postgresql",
            "40001",
            "could not serialize access",
            Unavailable,
            "the query failed: could not serialize access",
        ),
        ("postgresql", "53200", "out of memory", Unavailable, "the query failed: out of memory"),
        (
            "postgresql",
            "42883",
            "operator does not exist: text > integer",
            Misconfigured,
            "PostgreSQL refuses the query",
        ),
        ("postgresql", "57014", "canceling statement due to statement timeout", TimedOut, "no answer within 2.5 s"),
        ("postgresql", "57014", "canceling statement due to user request", Unavailable, "it was ended there"),
        ("postgresql", "42501", "permission denied to read file", Misconfigured, "the user lacks the right to it"),
        ("mysql", "1317", "Query execution was interrupted", Unavailable, "it was ended there"),
        ("postgresql", "22012", "division by zero", BadResponse, "division by zero"),
        ("mysql", "3024", "maximum statement execution time exceeded", TimedOut, "no answer within 2.5 s"),
        ("mysql", "1213", "Deadlock found", Unavailable, "Deadlock found"),
        ("mysql", "1142", "DELETE command denied to user", Misconfigured, "it writes, and smithd only reads: DELETE"),
        ("mysql", "1142", "SELECT command denied to user", Misconfigured, "the right to read it (GRANT SELECT)"),
        (
            "mysql",
            "1064",
            "You have an error in your SQL syntax near 'FRM jobs\n) LIMIT 0' at line 1",
            Misconfigured,
            "near 'FRM jobs' at line 1",
        ),
        ("mysql", "1365", "Division by 0", BadResponse, "Division by 0"),
        ("sqlite", "", "database disk image is malformed", Misconfigured, "names the right file"),
        ("other", "", "no such thing", Unavailable, "the query failed: no such thing"),
    ],
)
def test_a_query_that_fails(database: str, code: str, said: str, kind: type[SourceError], meaning: str) -> None:
    error = query_error(database, code, said, 2.5)
    assert type(error) is kind
    assert meaning in Redactor().clean(str(error))


def test_a_server_that_does_not_greet_as_mysql_does(ask: Ask) -> None:
    # PostgreSQL, too, waits for the client to begin.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimedOut, match=f"{place}: no greeting within .* and its url begins with postgresql://"):
            ask(Sql, {"url": f"mysql://me@{place}/shop", "metrics": {"one": "SELECT 1"}}, deadline=0.5)
