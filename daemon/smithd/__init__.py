"""smithd: polled metrics, judged by thresholds, shown on an iPhone's Lock Screen."""

__version__ = "0.1.0"
