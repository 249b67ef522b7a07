"""Metric values, which the app's widgets show. No I/O."""

from __future__ import annotations

from smithd.simulator import contract
from smithd.simulator.exchange import Answer, Refused, accepted, iso
from smithd.simulator.request import ServiceRequest
from smithd.simulator.state import Format, Metric, ServiceState


def post_value(state: ServiceState, request: ServiceRequest) -> Answer:
    """``POST /metrics/{key}/value``: the newest value replaces the last. No billing and no channels here."""
    body = request.needed_body()
    contract.check("metric-value", body)
    value = body["value"]
    metric = state.metrics.get(request.param)
    if metric is None:
        if not state.creates_metrics:
            # The documented answer has no message; what to do about it stands in the log.
            refusal = Refused(404, "Metric not found")
            refusal.note = f"Metric not found: create {request.param} first"
            raise refusal
        kind = Format.STRING if isinstance(value, str) else Format.NUMBER
        metric = state.metrics[request.param] = Metric(request.param, kind)
    if isinstance(value, str) and metric.format is not Format.STRING:
        raise Refused(400, "value must be a finite number", f"{metric.key} has the format {metric.format}")
    if not isinstance(value, str) and metric.format is Format.STRING:
        # Not documented; a real service might turn the number into a text of its own making.
        raise Refused(400, "value must be a string", f"{metric.key} has the format {metric.format}")
    metric.value, metric.received = value, request.now
    metric.timestamp = body.get("timestamp", iso(request.now))
    return accepted({}, f"{metric.key} = {value}")
