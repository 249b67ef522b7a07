"""The door for sources: all that one needs, and all that one may rely on."""

from smithd.clock import Clock
from smithd.errors import BadAnswer, Misconfigured, SourceError, Unavailable
from smithd.events import Redactor
from smithd.http import TLS, Answer, Http, NoAnswer, Prepared, TooLarge, Unreadable, Untrusted, read
from smithd.plugin.options import Duration, File, HttpUrl, MetricName, Options, PositiveDuration, Secret, Size, http_url
from smithd.plugin.sample import RawSample
from smithd.plugin.source import Context, Source
from smithd.plugin.thread import Threads

__all__ = [
    "TLS",
    "Answer",
    "BadAnswer",
    "Clock",
    "Context",
    "Duration",
    "File",
    "Http",
    "HttpUrl",
    "MetricName",
    "Misconfigured",
    "NoAnswer",
    "Options",
    "PositiveDuration",
    "Prepared",
    "RawSample",
    "Redactor",
    "Secret",
    "Size",
    "Source",
    "SourceError",
    "Threads",
    "TooLarge",
    "Unavailable",
    "Unreadable",
    "Untrusted",
    "http_url",
    "read",
]
