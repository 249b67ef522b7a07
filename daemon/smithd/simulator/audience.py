"""Who is reached: channels and their members, the scope of a key, the phones. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smithd.simulator.exchange import Json, Refused
from smithd.simulator.state import Device, ServiceState


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
        """How many are notified, as the answers have it."""
        return {"devices_notified": len(self.devices), "users_notified": users(self.devices)}

    @property
    def effective(self) -> Json:
        """The channels, as the answers have them."""
        slugs = self.slugs if self.slugs is not None or self.null_channels else ()
        return {"effective_channel_slugs": None if slugs is None else list(slugs)}


def is_within(scope: tuple[str, ...] | None, channels: Iterable[str] | None) -> bool:
    """Whether a key of this scope (None: no limits) may reach these channels (None: the whole account)."""
    return scope is None or (channels is not None and set(channels) <= set(scope))


def check_scope(scope: tuple[str, ...] | None, channels: Iterable[str] | None) -> None:
    """Refuse (403) what is not within the scope."""
    if not is_within(scope, channels):
        outside = ["the whole account"] if channels is None else sorted(set(channels) - set(scope or ()))
        raise Refused(403, "Invalid channel targeting", f"the key may not reach: {', '.join(outside)}")


def users(devices: Iterable[Device]) -> int:
    """How many people own these phones."""
    return len({device.user for device in devices})


def targeted(state: ServiceState, scope: tuple[str, ...] | None, body: Json) -> Audience:
    """The phones that this body means: those of its channels, else all that the key may reach.

    Raises Refused: 403 outside the key's scope, 400 for a channel that the account does not have, 422 for no phone.
    """
    # Where both forms are given, they were checked to be the same.
    named = body.get("target", body).get("channels")
    if named is None:
        return reached(state, scope)
    channels = tuple(dict.fromkeys(named))
    check_scope(scope, channels)
    # An account that declares no channels has any.
    unknown = [slug for slug in channels if state.channels and slug not in state.channels]
    if unknown:
        # Whether the service answers 400 or 422 is not documented.
        raise Refused(400, "Invalid channel targeting", f"the account has no channel {', '.join(unknown)}")
    return reached(state, channels)


def reached(state: ServiceState, channels: tuple[str, ...] | None) -> Audience:
    """The phones that these channels reach (None: the whole account). Raises Refused (422) where there is none."""
    devices = tuple(state.devices)
    # Where the account declares no channels, any slug is a channel, and reaches everybody.
    if channels is not None and state.channels:
        members = {user for slug in channels for user in state.channels.get(slug, ())}
        devices = tuple(device for device in state.devices if device.user in members)
    return not_empty(Audience(devices, channels, state.null_channels))


def holding(state: ServiceState, names: Iterable[str], channels: Iterable[str] | None) -> Audience:
    """The phones of these names, as far as the account still has them; the channels are those that were meant."""
    held = set(names)
    devices = tuple(device for device in state.devices if device.name in held)
    return Audience(devices, None if channels is None else tuple(channels), state.null_channels)


def not_empty(audience: Audience) -> Audience:
    """This audience. Raises Refused (422) where it is empty."""
    if not audience.devices:
        raise Refused(422, "No recipients found", "no phone matches the target", **audience.effective)
    return audience
