"""Who is reached: channels and their members, the scope of a key, the phones. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smithd.simulator.exchange import Json, Refused
from smithd.simulator.state import Device, State


@dataclass(frozen=True, slots=True)
class Audience:
    """The phones a request goes to, and the channels that were meant (None: the whole account)."""

    devices: tuple[Device, ...]
    slugs: tuple[str, ...] | None
    null_channels: bool = True

    @property
    def channels(self) -> frozenset[str] | None:
        """The channels in no order; a stream whose channels change is rotated."""
        return None if self.slugs is None else frozenset(self.slugs)

    @property
    def names(self) -> tuple[str, ...]:
        """The phones' names."""
        return tuple(device.name for device in self.devices)

    @property
    def counts(self) -> Json:
        """How many were told, as the answers say it."""
        return {"devices_notified": len(self.devices), "users_notified": users(self.devices)}

    @property
    def effective(self) -> Json:
        """The channels, as the answers say them."""
        slugs = self.slugs if self.slugs is not None or self.null_channels else ()
        return {"effective_channel_slugs": None if slugs is None else list(slugs)}


def users(devices: Iterable[Device]) -> int:
    """How many people own these phones."""
    return len({device.user for device in devices})


def targeted(state: State, scope: tuple[str, ...] | None, body: Json) -> Audience:
    """Whom this body means. Raises Refused: 403 outside the key's scope, 422 where there is no phone."""
    channels = body.get("target", body).get("channels")
    return reached(state, scope, None if channels is None else tuple(dict.fromkeys(channels)))


def reached(state: State, scope: tuple[str, ...] | None, channels: tuple[str, ...] | None) -> Audience:
    """Whom these channels reach (None: all that the key may reach). Raises Refused as ``targeted`` does."""
    if scope is not None:
        channels = scope if channels is None else channels
        outside = [slug for slug in channels if slug not in scope]
        if outside:
            raise Refused(403, "Invalid channel targeting", f"the key may not reach: {', '.join(outside)}")
    devices = tuple(device for device in state.devices if _hears(state, device, channels))
    audience = Audience(devices, channels, state.null_channels)
    if not devices:
        raise Refused(422, "No recipients found", "no phone matches the target", **audience.effective)
    return audience


def _hears(state: State, device: Device, channels: tuple[str, ...] | None) -> bool:
    if channels is None:
        return True
    return any(slug not in state.channels or device.user in state.channels[slug] for slug in channels)
