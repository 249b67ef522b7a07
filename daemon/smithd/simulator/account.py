"""What the API itself cannot do to an account: the web app's part, the phone's, and the service's own troubles. No I/O.

One document describes all of it (``schemas/account.schema.json``), whether it comes from a file or by the control API.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from smithd.simulator import activities, contract, limits, notifications
from smithd.simulator.audience import reached
from smithd.simulator.exchange import Json, Refused
from smithd.simulator.limits import LimitFamily, RateMode
from smithd.simulator.state import Billing, Device, Format, Metric, ServiceState, SimulatedActivity, Stream, WhenFull


def change(state: ServiceState, document: Json, now: float) -> ServiceState:
    """The account after this change. Raises Refused (400), where it makes no sense; nothing is changed then."""
    contract.check_shape("account", document)
    # On a copy: a document that is refused half-way must change nothing.
    changed = copy.deepcopy(state)
    change = _Change(changed, now)
    # ``used_up`` comes last: it uses up the limits that the same document may set.
    for name, value in sorted(document.items(), key=lambda entry: entry[0] == "used_up"):
        if name in change.entries:
            for key, entry in value.items():
                change.entries[name](key, entry)
        else:
            change.settings[name](value)
    return changed


def describe(state: ServiceState) -> Json:
    """The account as a document that ``change`` takes; ``read_only`` beside it is not taken, and keys are masked."""
    return {
        "devices": {d.name: {"user": d.user, "connected": d.connected, "badge": d.badge} for d in state.devices},
        "channels": {slug: list(users) for slug, users in state.channels.items()},
        "metrics": {metric.key: _options(metric) for metric in state.metrics.values()},
        "billing": state.billing,
        "failing": state.failing,
        "create_metrics": state.creates_metrics,
        "null_channels": state.null_channels,
        "device_limit": state.device_limit,
        "when_full": state.when_full,
        "rate_limits": state.rate_mode,
        "read_only": {
            "keys": [
                {"key": f"{key[:4]}…", "channels": "all" if scope is None else list(scope)}
                for key, scope in state.keys.items()
            ],
            "streams": {key: _described(stream) for key, stream in state.streams.items()},
            "activities": {key: _described(stream) for key, stream in state.legacy.items()},
            "notifications": {
                push.id: {"replaceable": push.replaceable, "tags": push.tags, "metadata": push.metadata}
                for push in state.notifications.values()
            },
        },
    }


def _options(metric: Metric) -> Json:
    """A metric's format, and of the rest what it has."""
    rest = {"label": metric.label, "currency": metric.currency, "unit": metric.unit}
    return {"format": metric.format.value, "spaced": metric.spaced} | {k: v for k, v in rest.items() if v}


def _described(stream: Stream) -> Json:
    activity = stream.activity
    return {
        "paused": stream.paused,
        "activity_id": activity.id if activity else None,
        "updates": activity.updates if activity else 0,
        "tags": stream.tags,
        "metadata": stream.metadata,
    }


class _Change:
    """Makes the changes of one document, in place. The document was checked against its schema."""

    def __init__(self, state: ServiceState, now: float) -> None:
        self._state = state
        self._now = now
        self.entries = {
            "keys": self._key,
            "devices": self._device,
            "channels": self._channel,
            "metrics": self._metric,
            "streams": self._stream,
            "activities": self._activity,
            "notifications": self._notification,
        }
        self.settings: dict[str, Callable[[Any], None]] = {
            "billing": lambda given: self._set("billing", None if given is None else Billing(given)),
            "failing": lambda given: self._set("failing", given),
            "create_metrics": lambda given: self._set("creates_metrics", given),
            "null_channels": lambda given: self._set("null_channels", given),
            "device_limit": lambda given: self._set("device_limit", int(given)),
            "when_full": lambda given: self._set("when_full", WhenFull(given)),
            "rate_limits": lambda given: self._set("rate_mode", RateMode(given)),
            "used_up": self._use_up,
            "read_only": lambda _: None,
        }

    def _set(self, name: str, value: Any) -> None:
        setattr(self._state, name, value)

    def _use_up(self, families: Any) -> None:
        if families and self._state.rate_mode is RateMode.OFF:
            raise Refused(400, "Invalid used_up", "rate_limits are off, so nothing can be used up")
        for family in families:
            quota = limits.of_account(LimitFamily(family), self._state.rate_mode)
            limits.use_up(self._state.windows, quota, self._now)

    # In each of these, null removes what has this name.
    def _key(self, key: str, scope: Any) -> None:
        if scope is None:
            self._state.keys.pop(key, None)
        else:
            self._state.keys[key] = None if scope == "all" else tuple(scope)

    def _device(self, name: str, given: Any) -> None:
        devices = {device.name: device for device in self._state.devices}
        if given is None:
            devices.pop(name, None)
        else:
            device = devices.setdefault(name, Device(name, "owner"))
            device.user = given.get("user", device.user)
            device.connected = given.get("connected", device.connected)
            device.badge = int(given.get("badge", device.badge))
        self._state.devices = list(devices.values())

    def _channel(self, slug: str, users: Any) -> None:
        if users is None:
            self._state.channels.pop(slug, None)
        else:
            self._state.channels[slug] = tuple(users)

    def _metric(self, key: str, given: Any) -> None:
        contract.check_param("key", key)
        if given is None:
            self._state.metrics.pop(key, None)
            return
        options = {"format": given} if isinstance(given, str) else given
        metric = Metric(key, **options | {"format": Format(options["format"])})
        before = self._state.metrics.get(key)
        # A value outlives a change of format only where the new one could have been given it: text or number.
        if before is not None and (before.format is Format.STRING) == (metric.format is Format.STRING):
            metric.value, metric.timestamp, metric.received = before.value, before.timestamp, before.received
        self._state.metrics[key] = metric

    def _stream(self, key: str, given: Any) -> None:
        contract.check_param("stream_key", key)
        if given is None:
            self._swipe_away(self._state.streams.pop(key, None))
            return
        stream = self._state.streams.setdefault(key, Stream(key))
        if isinstance(given, dict):
            self._show(stream, given)
            return
        # A swipe dismisses the activity, and leaves a paused stream paused.
        stream.paused = given == "paused" or (stream.paused and given != "resumed")
        if given != "resumed":
            self._swipe_away(stream)

    def _activity(self, id: str, given: Any) -> None:  # noqa: A002 - the service's word
        if any(stream.activity is not None and stream.activity.id == id for stream in self._state.streams.values()):
            raise Refused(400, "Invalid activity", f"{id} is the activity of a stream; see streams")
        self._state.of_other_accounts.discard(id)
        self._swipe_away(self._state.legacy.pop(id, None))
        if given == "foreign":
            self._state.of_other_accounts.add(id)
        elif given is not None:
            # The id is the order's: it may be one that ended, and it replaces the one that ``_show`` gives.
            self._state.ended.pop(id, None)
            stream = self._state.legacy[id] = Stream("")
            self._show(stream, given).id = id

    def _notification(self, id: str, given: Any) -> None:  # noqa: A002 - the service's word
        if given is None:
            self._state.notifications.pop(id, None)
        elif isinstance(given, dict):
            contract.check("push-notification-send", given)
            self._state.remember(notifications.made(id, given, reached(self._state, None), self._now))
        elif id in self._state.notifications:
            self._state.notifications[id].replaceable = given == "replaceable"
        else:
            raise Refused(400, "Unknown notification", f"there is no notification {id}; give it a body with a title")

    def _show(self, stream: Stream, content: Json) -> SimulatedActivity:
        """Start an activity with this content on every phone, as a start without a target would."""
        body = {"content_state": content}
        contract.check("live-activity-start", body)
        activities.check_start(content)
        self._swipe_away(stream)
        stream.paused = False
        return activities.start(self._state, stream, body, reached(self._state, None), self._now)

    def _swipe_away(self, stream: Stream | None) -> None:
        """What a person does on the phone: the activity ends at once, and the client is not notified."""
        if stream is not None and stream.activity is not None:
            self._state.leave(stream.activity, self._now, dismiss_at=self._now)
            stream.activity = None
