"""The address of a database: its kind, its place, and its password, which is taken out of it. No I/O."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from smithd.plugin import NamedFile, TLSFiles, did_you_mean

KINDS = {
    "postgresql": "postgresql",
    "postgresql+psycopg": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mysql+asyncmy": "mysql",
    "mariadb": "mysql",
    "mariadb+asyncmy": "mysql",
    "sqlite": "sqlite",
}
"""The tested schemes, and the kind of database of each. SQLAlchemy may know others."""
OTHER = "other"
_OF_SQLALCHEMY = ("postgresql", "mysql", "mariadb", "sqlite", "oracle", "mssql")
_PORTS = {"postgresql": 5432, "mysql": 3306}
_SOCKETS = {"postgresql": "host", "mysql": "unix_socket"}
_CREDENTIALS = re.compile(
    r"(?P<start>[^:/?#]+://[^:/?#@]*):(?![0-9]{1,5}/[^/?#@]*\?\w+=)(?P<password>.*)(?P<end>@[^@]*)", re.DOTALL
)
"""A colon that is followed by a port, a database and an option begins no password: an option may hold an @."""
_SECRET_KEYS = re.compile("passw|pwd|secret|token", re.IGNORECASE)
EXAMPLES = "postgresql://db.example.com/shop, mysql://db.example.com/shop or sqlite:///path/to/file.db"


def split_password(url: str) -> tuple[str, str | None]:
    """The address without its password, and the password (in which ``%40`` stands for an @)."""
    found = _CREDENTIALS.fullmatch(url)
    return (found["start"] + found["end"], unquote(found["password"])) if found else (url, None)


def checked_url(url: str, folder: str | Path | None) -> str:
    """The same address, if it is a valid one. SQLite's relative paths begin at ``folder``.

    Raises ValueError, which says what is wrong.
    """
    scheme, separator, rest = url.partition("://")
    if scheme.lower() == "sqlite" and " " in url:
        raise ValueError("a blank in the path is written %20")
    if not separator or not scheme or not url.isprintable() or " " in url:
        raise ValueError(f"expected the address of a database, like {EXAMPLES}")
    if kind_of(url) == OTHER:
        _must_be_known(scheme)
    try:
        parts = urlsplit(url)
        # urlsplit checks the port only when it is read.
        port = parts.port
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None
    if port == 0:
        raise ValueError("the port must be a number from 1 to 65535")
    if "sslpassword" in dict(parse_qsl(parts.query)):
        raise ValueError("a key with a password cannot be used: name one without under tls.key_file")
    if any(_SECRET_KEYS.search(key) for key, _ in parse_qsl(parts.query)):
        raise ValueError("a password has no place after the ?; it is an option of its own: password")
    if kind_of(url) == "sqlite":
        return _file(rest, folder)
    if kind_of(url) in _PORTS and not parts.path.strip("/"):
        raise ValueError(f"the name of the database is missing at the end, as in {scheme}://db.example.com/shop")
    return url


def kind_of(url: str) -> str:
    """``postgresql``, ``mysql``, ``sqlite`` or ``other``."""
    return KINDS.get(url.partition("://")[0].lower(), OTHER)


def encryption(url: str) -> str | None:
    """The option in the address that says how to encrypt, if there is one."""
    return next((key for key, _ in parse_qsl(urlsplit(url).query) if key.startswith("ssl")), None)


def tls_files(url: str) -> TLSFiles:
    """The files that the address names: by the options of libpq, and by those of MySQL's drivers."""
    given = dict(parse_qsl(urlsplit(url).query))

    # ``system`` stands for the system's authorities (libpq).
    def named(*options: str) -> NamedFile | None:
        path = next((given[option] for option in options if given.get(option) not in (None, "system")), None)
        return NamedFile("url", path) if path is not None else None

    key = named("sslkey", "ssl_key")
    if key is None and "sslcert" in given:
        # Where libpq looks for it then.
        key = NamedFile("url", str(Path("~/.postgresql/postgresql.key").expanduser()))
    return TLSFiles(named("sslrootcert", "ssl_ca"), named("sslcert", "ssl_cert"), key)


def file_of(url: str) -> Path:
    """The file of an SQLite database."""
    return Path(unquote(url.removeprefix("sqlite:///")))


def place(url: str) -> str:
    """Where the database is, without secrets, for a log."""
    kind, parts = kind_of(url), urlsplit(url)
    if kind == "sqlite":
        return str(file_of(url))
    socket = dict(parse_qsl(parts.query)).get(_SOCKETS.get(kind, ""))
    if socket:
        return socket
    host = parts.hostname or "this machine"
    port = parts.port or _PORTS.get(kind)
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")


def _must_be_known(scheme: str) -> None:
    dialect = scheme.partition("+")[0].lower()
    # The dialects of SQLAlchemy itself are not among the entry points.
    installed = {entry.name.partition(".")[0] for entry in entry_points(group="sqlalchemy.dialects")}
    if dialect in installed.union(_OF_SQLALCHEMY):
        return
    near = did_you_mean(dialect, sorted(installed.union(_OF_SQLALCHEMY)), "{}://")
    hint = near or "SQLAlchemy needs a package that knows it"
    raise ValueError(f"no driver for {dialect}:// is installed: expected {EXAMPLES}; {hint}")


def _file(rest: str, folder: str | Path | None) -> str:
    path = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or not path or path == ":memory:" or "?" in rest:
        raise ValueError("expected sqlite:////absolute/path or sqlite:///path (from the configuration's folder)")
    return "sqlite:///" + quote(str(Path(folder or "", Path(path).expanduser())))
