"""The public interface for sources: everything that a source needs and may rely on."""

from smithd.clock import Clock
from smithd.errors import BadResponse, Misconfigured, SourceError, TimedOut, Unavailable
from smithd.http import (
    DecodingError,
    DigestAuth,
    Http,
    PreparedRequest,
    Response,
    ResponseTooLarge,
    read,
)
from smithd.pace import BodyPace
from smithd.plugin.options import (
    Duration,
    Empty,
    File,
    HttpUrl,
    MetricName,
    MetricOptions,
    Options,
    PositiveDuration,
    Secret,
    Size,
    http_url,
)
from smithd.plugin.sample import PartialSamples, RawSample
from smithd.plugin.source import Context, Source
from smithd.plugin.thread import Threads
from smithd.redactor import Redactor, quoted
from smithd.suggestion import did_you_mean
from smithd.tls import TLS, NamedFile, TLSFiles
from smithd.transport_errors import CertificateError, TransportError

__all__ = [
    "TLS",
    "BadResponse",
    "BodyPace",
    "CertificateError",
    "Clock",
    "Context",
    "DecodingError",
    "DigestAuth",
    "Duration",
    "Empty",
    "File",
    "Http",
    "HttpUrl",
    "MetricName",
    "MetricOptions",
    "Misconfigured",
    "NamedFile",
    "Options",
    "PartialSamples",
    "PositiveDuration",
    "PreparedRequest",
    "RawSample",
    "Redactor",
    "Response",
    "ResponseTooLarge",
    "Secret",
    "Size",
    "Source",
    "SourceError",
    "TLSFiles",
    "Threads",
    "TimedOut",
    "TransportError",
    "Unavailable",
    "did_you_mean",
    "http_url",
    "quoted",
    "read",
]
