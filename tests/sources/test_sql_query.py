"""What counts as a parameter in a query, what is one statement, and where days begin."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from smithd_sources.sql.query import moments, parse

KINDS = ("postgresql", "mysql", "sqlite", "other")


@pytest.mark.parametrize(
    ("kind", "written", "parameters"),
    [
        ("postgresql", "SELECT :now::date, :today", {"now", "today"}),
        ("postgresql", "SELECT '5'::int, ':now', \":now\", $$ :now $$, $x$ $$ ; :now $x$, E'\\' :now'", set()),
        ("postgresql", "SELECT a #>> '{b}' FROM t WHERE d > :yesterday", {"yesterday"}),
        ("postgresql", "SELECT 'C:\\' || :now", {"now"}),
        ("postgresql", "SELECT 1 -- :now it's ; fine\n+ 1 /* :x ' */", set()),
        ("mysql", "SELECT 'it\\'s :x' # :x\n, `:x`, \"a\\\":x\" -- :x", set()),
        ("mysql", "SELECT 5--:now", {"now"}),
        ("mysql", "SELECT @a := 5", set()),
        ("sqlite", "SELECT [:x], `:x`, ':x' || :now", {"now"}),
        ("other", "SELECT ':x', \":x\", :now", {"now"}),
        ("sqlite", "SELECT 1 ; -- and no more", set()),
        ("sqlite", "SELECT 1 ;; /* and */ ;\n", set()),
        ("postgresql", "SELECT name'\\', :now, '\\:x'", {"now"}),  # no E'': the e ends a word
        ("postgresql", "SELECT ré'\\', :now", {"now"}),
        ("postgresql", "SELECT a$$, :now, b$$", {"now"}),
        ("postgresql", "SELECT (E'\\':x', 1), :now", {"now"}),
        ("postgresql", "SELECT 1 /* a /* :x ; */ :x ; */ + :now", {"now"}),
        ("mysql", "SELECT 1 /* a /* :x ; */ + :now", {"now"}),
    ],
)
def test_only_a_name_of_its_own_is_a_parameter(kind: str, written: str, parameters: set[str]) -> None:
    assert parse(written, kind).parameters == parameters


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("SELECT :tomorrow", ":tomorrow is no parameter: expected :now, :today or :yesterday"),
        ("SELECT :toady", "did you mean :today?"),
        ("SELECT 1; SELECT 2", "expected one statement; there are several"),
        ("SELECT 1; -- then\nDROP TABLE jobs", "expected one statement; there are several"),
        ("SELECT 1;; SELECT 2", "expected one statement"),
        ("DELETE FROM jobs", "DELETE writes, and smithd only reads: expected a query, like SELECT"),
        ("SELEC 1", "SELEC has no place here: expected a query, like SELECT count(*) FROM jobs; did you mean SELECT?"),
        ("ANALYZE TABLE jobs", "ANALYZE has no place here"),
        ("HANDLER jobs OPEN", "HANDLER has no place here"),
        ("EXPLAIN /* x */ ANALYZE SELECT 1", "EXPLAIN ANALYZE does what it explains"),
        ("explain (costs off, analyze) SELECT 1", "EXPLAIN ANALYZE does what it explains"),
        ("SELECT 'x", "the ' at its character 8 is not closed"),
        ("SELECT 1 /* x", "the /* at its character 10 is not closed"),
        ("", "expected a query, like SELECT count(*) FROM jobs"),
        ("-- nothing", "expected a query"),
        (";", "expected a query"),
        ("COMMIT", "smithd begins and ends the transaction itself"),
        ("begin", "and not BEGIN"),
        ("/* x */ SET default_transaction_read_only = off", "SET has no place here"),
    ],
)
def test_what_is_no_query_is_refused(kind: str, written: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 # its text is looked at below
        parse(written, kind)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        ("postgresql", "EXPLAIN SELECT name'\\'; COMMIT; DELETE FROM jobs; --'", "expected one statement"),
        ("postgresql", "SELECT 1 AS a$$; COMMIT; SELECT 1 AS b$$", "expected one statement"),
        ("postgresql", "SELECT 1 /* a /* b */", "the /* at its character 10 is not closed"),
        ("mysql", "SELECT 1 /*! ; COMMIT */", "a comment that begins with /*! is code"),
        ("mysql", "/*M!100100 SET */ SESSION TRANSACTION READ WRITE", "a comment that begins with /*! is code"),
        ("sqlite", "PRAGMA query_only = OFF", "PRAGMA has no place here"),
    ],
)
def test_what_would_end_the_transaction_is_refused(kind: str, written: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 # its text is looked at below
        parse(written, kind)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("written", "selects"),
    [
        ("select 1", True),
        (" (SELECT 1)", True),
        ("-- a\nWITH q AS (SELECT 1) SELECT * FROM q", True),
        ("SHOW x", False),
    ],
)
def test_what_can_stand_within_another_query(written: str, selects: bool) -> None:
    assert parse(written, "postgresql").selects is selects


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_a_text_in_quotes_reaches_the_database_as_it_is(content: str) -> None:
    literal = "'" + content.replace("'", "''") + "'"
    query = parse(f"SELECT {literal}, :now", "sqlite")
    compiled = text(query.text).compile(dialect=sqlite.dialect(paramstyle="named"))
    assert str(compiled) == f"SELECT {literal}, :now"
    assert query.parameters == {"now"}


@given(st.text("SELECT 1:;'\"`/*-#$ nowE\\\n[]", max_size=40), st.sampled_from(KINDS))
def test_any_text_is_a_query_or_a_mistake(written: str, kind: str) -> None:
    with suppress(ValueError):
        query = parse(written, kind)
        compiled = text(query.text).compile(dialect=sqlite.dialect(paramstyle="named"))
        assert set(compiled.params) == query.parameters


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "UTC"])
)
def test_days_begin_at_midnight(moment: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    meant = moments(moment.replace(tzinfo=zone).timestamp(), zone)
    assert meant["today"].date() == meant["now"].date()
    assert (meant["now"].date() - meant["yesterday"].date()).days == 1
    for start in (meant["today"], meant["yesterday"]):
        assert (start.hour, start.minute, start.second, start.microsecond) == (0, 0, 0, 0)
    assert meant["yesterday"] < meant["today"] <= meant["now"]
