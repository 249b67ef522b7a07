"""The source that polls Prometheus, or what speaks its HTTP API."""

from smithd_sources.prometheus.source import Prometheus

__all__ = ["Prometheus"]
