"""What a Live Activity of each type may say: first, and then."""

from __future__ import annotations

from typing import Any

CONTENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "value": ({"value": 17, "color": "blue"}, {"value": "€ 2,430", "color": "blue"}),
    "stats": (
        {"metrics": [{"label": "Revenue", "value": "$2430", "color": "blue"}, {"label": "Orders", "value": 37}]},
        {"metrics": [{"label": "Orders", "value": 38, "unit": "today"}]},
    ),
    "metrics": (
        {"metrics": [{"label": "CPU", "value": 9, "unit": "%"}, {"label": "MEM", "value": 45.5, "unit": "%"}]},
        {"metrics": [{"label": "CPU", "value": 90, "unit": "%"}], "color": "red"},
    ),
    "segmented_progress": ({"number_of_steps": 3, "current_step": 0}, {"current_step": 2, "step_color": "green"}),
    "progress": ({"percentage": 10}, {"value": 30, "upper_limit": 120}),
    "alert": (
        {"message": "Needs you", "icon": {"symbol": "bolt", "color": "red"}, "badge": {"title": "Ops"}},
        {"message": "Still needs you", "color": "orange"},
    ),
    "timer": ({"duration_seconds": 300}, {"subtitle": "half"}),
}  # fmt: skip
