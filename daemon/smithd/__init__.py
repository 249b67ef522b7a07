"""smithd: polled metrics, evaluated by rules, shown on an iPhone's Lock Screen."""

__version__ = "0.1.0"
