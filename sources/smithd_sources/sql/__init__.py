"""The source that polls databases."""

from smithd_sources.sql.source import Sql

__all__ = ["Sql"]
