"""Small drawings in the place of SF Symbols, which only Apple's devices may show. Our own: 24 by 24, by lines."""

from __future__ import annotations

from markupsafe import Markup

_DRAWINGS = {
    "server": '<rect x="3.5" y="4" width="17" height="7" rx="2"/><rect x="3.5" y="13" width="17" height="7" rx="2"/>'
    '<path d="M7.2 7.5h.1M7.2 16.5h.1M11.5 7.5h5.3M11.5 16.5h5.3"/>',
    "cart": '<path d="M2.8 4h2.4l2.3 11.2h10.2l2-7.9H6.1"/><circle cx="9" cy="19.2" r="1.3"/>'
    '<circle cx="16.4" cy="19.2" r="1.3"/>',
    "chart": '<path d="M4 20h16M6.5 16.5v-5M12 16.5V5M17.5 16.5V8.5"/>',
    "exclamationmark": '<path d="M12 4 2.9 19.6h18.2zM12 10v4.2M12 16.9v.1"/>',
    "bolt": '<path d="M13.2 2.8 5 13.6h6.2l-.6 7.6 8.4-11h-6.3z"/>',
    "bag": '<path d="M5.2 8h13.6l1 12.2H4.2zM8.7 10.6V7a3.3 3.3 0 0 1 6.6 0v3.6"/>',
    "shippingbox": '<path d="m12 3 8.4 4.3v9.4L12 21l-8.4-4.3V7.3z'
    'M3.8 7.4 12 11.6l8.2-4.2M12 11.6V21M7.8 5.2l8.3 4.3"/>',
    "heart": '<path d="M12 20S3.4 14.9 3.4 9.2c0-5 6.6-6 8.6-1.6 2-4.4 8.6-3.4 8.6 1.6C20.6 14.9 12 20 12 20z"/>',
    "waveform": '<path d="M2.8 12h4l2.7-7.4 4.6 14.8 2.9-7.4h4.2"/>',
    "clock": '<circle cx="12" cy="12" r="8.7"/><path d="M12 6.8V12l3.4 2.2"/>',
    "creditcard": '<rect x="2.8" y="5.2" width="18.4" height="13.6" rx="2.4"/><path d="M2.8 9.7h18.4M6.5 15h3.6"/>',
    "cloud": '<path d="M7 18.6a4.3 4.3 0 0 1-.5-8.6 5.8 5.8 0 0 1 11.2 1.2 3.8 3.8 0 0 1-.5 7.4z"/>',
    "cpu": '<rect x="6.5" y="6.5" width="11" height="11" rx="2"/><path d="M10 3.2v3.3M14 3.2v3.3M10 17.5v3.3'
    'M14 17.5v3.3M3.2 10h3.3M3.2 14h3.3M17.5 10h3.3M17.5 14h3.3"/>',
    "person": '<circle cx="12" cy="8" r="3.8"/><path d="M4.6 20.2c.5-4.6 3.4-6.4 7.4-6.4s6.9 1.8 7.4 6.4"/>',
    "globe": '<circle cx="12" cy="12" r="8.8"/><path d="M3.3 12h17.4M12 3.2c5 5 5 12.6 0 17.6-5-5-5-12.6 0-17.6z"/>',
    "bell": '<path d="M5.6 16.6c1.8-2 1-7.2 3-9.8a4.4 4.4 0 0 1 6.8 0c2 2.6 1.2 7.8 3 9.8zM10 19.8h4"/>',
    "checkmark": '<circle cx="12" cy="12" r="8.8"/><path d="m8 12.3 2.8 2.8 5.3-6"/>',
    "flame": '<path d="M12.3 2.8c.6 4 5.9 6 5.9 11.4a6.2 6.2 0 0 1-12.4 0c0-2.6 1.4-4.4 2.8-5.8 0 2 .6 3 1.9 3.6'
    '.4-3.2-.4-6 1.8-9.2z"/>',
    "gauge": '<path d="M4.6 18.4a9 9 0 1 1 14.8 0M12 13.6l3.9-5M12 13.6v.1"/>',
    "house": '<path d="m3.4 11.4 8.6-7.6 8.6 7.6M5.6 9.8v10h12.8v-10M10 19.8v-5.6h4v5.6"/>',
    "photo": '<rect x="3.2" y="5" width="17.6" height="14" rx="2.4"/><circle cx="8.6" cy="10" r="1.5"/>'
    '<path d="m3.6 17 4.9-4.2 3.4 2.7 3.5-3.6 5 4.6"/>',
    "film": '<rect x="3.2" y="5" width="17.6" height="14" rx="2.4"/><path d="m10 9 5 3-5 3z"/>',
    "speaker": '<path d="M4 9.5v5h3.4L12 18.4V5.6L7.4 9.5zM15.4 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"/>',
    "pause": '<path d="M8.5 5v14M15.5 5v14"/>',
    "gearshape": '<circle cx="12" cy="12" r="3.2"/><path d="M12 2.8v3M12 18.2v3M2.8 12h3M18.2 12h3M5.5 5.5l2.1 2.1'
    'M16.4 16.4l2.1 2.1M18.5 5.5l-2.1 2.1M7.6 16.4l-2.1 2.1"/>',
    "hammer": '<path d="M13.4 8.6 4 18l2 2 9.4-9.4M11 6.2 14.2 3h4.4l1 3.2 1.6 1.4-3.4 3.4-1.6-1.4-1.8 1.6z"/>',
    "arrow": '<path d="M12 19.5v-15M5.8 10.6 12 4.4l6.2 6.2"/>',
    "thermometer": '<path d="M9.6 13.4V5.6a2.4 2.4 0 0 1 4.8 0v7.8a4.4 4.4 0 1 1-4.8 0zM12 9.4v7.4"/>',
}
_OTHER = '<circle cx="12" cy="12" r="3"/><path d="M12 3.6v2.8M12 17.6v2.8M3.6 12h2.8M17.6 12h2.8M6.1 6.1l2 2M15.9 15.9l2 2M17.9 6.1l-2 2M8.1 15.9l-2 2"/>'  # noqa: E501 - one drawing
_ALIKE = {
    "storefront": "bag",
    "basket": "cart",
    "chartline": "chart",
    "externaldrive": "server",
    "internaldrive": "server",
    "memorychip": "cpu",
    "desktopcomputer": "server",
    "network": "globe",
    "dollarsign": "creditcard",
    "eurosign": "creditcard",
    "banknote": "creditcard",
    "timer": "clock",
    "speedometer": "gauge",
    "xmark": "exclamationmark",
    "archivebox": "shippingbox",
    "ecg": "waveform",
    "wrench": "hammer",
    "gear": "gearshape",
    "video": "film",
    "hourglass": "clock",
    "stethoscope": "waveform",
}


def glyph(symbol: str) -> Markup:
    """A drawing that comes near this SF Symbol (``server.rack``, ``cart.fill``); a little sun for all others."""
    first = symbol.partition(".")[0].lower()
    drawing = _DRAWINGS.get(_ALIKE.get(first, first), _OTHER)
    return Markup(  # noqa: S704 - nothing of the symbol's name goes in: the drawings stand above
        '<svg class="glyph" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{drawing}</svg>'
    )
