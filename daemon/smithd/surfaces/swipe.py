"""What follows when a person swipes a Live Activity away. No I/O.

The service does not report a swipe. The next update starts the activity anew, and the service's answer says so: then it
is on the phone again. An incident stays there. Any other activity ends at once, and stays away until it has had no
reason to be shown, or a rule that it shows fires more severely than before. ``after_swipe`` says otherwise for an
activity.
"""

from __future__ import annotations

from collections.abc import Mapping

from smithd.alerts.severity import rank
from smithd.keys import StreamKey
from smithd.surfaces.slots.memory import Away
from smithd.surfaces.surface import SlotSurface
from smithd.surfaces.view import SurfacesView


def staying_away(
    away: tuple[Away, ...], streams: Mapping[StreamKey, SlotSurface], view: SurfacesView
) -> tuple[Away, ...]:
    """The streams that stay away, of those that were swiped away."""
    return tuple(
        Away(each.key, severity)
        for each in away
        if each.key in streams and (severity := _stays(each, streams[each.key], view)) is not None
    )


def _stays(away: Away, stream: SlotSurface, view: SurfacesView) -> int | None:
    """At which severity it was swiped away; None: it does not stay away."""
    if stream.has_reason(view) is False:
        return None
    incident = stream.incident_severity(view)
    if away.severity is None:
        return rank(incident) if stream.stays_away(is_incident=incident is not None) else None
    # What has become milder since may get worse again.
    return min(away.severity, rank(incident)) if rank(incident) <= away.severity else None
