"""The step that a failure keeps."""

from __future__ import annotations

import pytest

from smithd.outbox.message import ActivityStage
from smithd.outbox.shown import ShownActivity, unknown
from smithd.surfaces.activity.segmented_progress import SegmentedProgressOptions
from smithd.surfaces.activity.surface import activity_surface
from smithd.surfaces.surface import DesiredActivity
from surfaces.views import NOW, sample, shown_state, stream, view

STATE = {"title": "It", "type": "segmented_progress", "number_of_steps": 3, "current_step": 2}
OPTIONS = SegmentedProgressOptions.model_validate(
    {
        "type": "segmented_progress",
        "title": "It",
        "step": {"of": "shop.errors", "label": "house"},
        "steps": ["a", "b", "c"],
        "failed": ["broken"],
    }
)


def shown(*, ended: bool = False) -> ShownActivity:
    return shown_state("it", STATE, NOW - 60, stage=ActivityStage(step=2), ended=ended)


@pytest.mark.parametrize(
    ("before", "step"), [([shown()], 2), ([unknown(shown())], 2), ([shown(ended=True)], 0), ([], 0)]
)
def test_it_is_the_one_on_the_phone_though_an_answer_was_cut_off(before: list[ShownActivity], step: int) -> None:
    found = activity_surface(stream("it"), OPTIONS, None).render(
        view(sample("shop.errors", 1, house="broken"), shown=before)
    )
    assert isinstance(found, DesiredActivity)
    state = found.content.content_state
    assert (state["current_step"], state["color"], state["subtitle"]) == (step, "red", "broken")
