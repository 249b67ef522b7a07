"""The source that polls JSON over HTTP."""

from smithd_sources.http_json.source import HttpJson

__all__ = ["HttpJson"]
