"""The type ``segmented_progress``: steps, one after another. No I/O."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.contract.values import Color, Named
from smithd.expression.option import ValueRef
from smithd.formatting import number
from smithd.keys import StreamKey
from smithd.outbox.message import Json
from smithd.plugin.options import Options
from smithd.plugin.sample import Sample
from smithd.surfaces.activity.options import ITS_TYPE
from smithd.surfaces.activity.parts import WithBadge, WithColor, WithSubtitle, WithTwoButtons
from smithd.surfaces.activity.view import ActivityView, joined
from smithd.surfaces.surface import NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView

FAILED_COLOR: Color = "red"


class StepOptions(Options):
    """The metric and the label of its series that names the step."""

    of: ValueRef = Field(description="the metric; of several series, the one with the newest sample counts")
    label: str = Field(description="the label whose value names the step")


class SegmentedProgressOptions(WithSubtitle, WithColor, WithBadge, WithTwoButtons):
    """A Live Activity with a bar of steps."""

    type: Literal["segmented_progress"] = Field(description=ITS_TYPE)
    step_: ValueRef | StepOptions = Field(
        alias="step",
        description="where it is: {of: metric, label: name}, or a metric whose number is the step (0: nothing done)",
    )
    steps: Annotated[list[Named], Field(min_length=1)] = Field(description="the names of the steps, in their order")
    failed: list[Named] = Field([], description="values of the label that say that it failed: the step stays, in red")
    step_color: Color | None = Field(None, description="the colour of the steps that are done")
    step_colors: list[Color] | None = Field(None, description="a colour for each step, instead of step_color")

    @model_validator(mode="after")
    def _fits_together(self) -> SegmentedProgressOptions:
        if twice := next((name for name in self.steps if self.steps.count(name) > 1), ""):
            raise PydanticCustomError("twice", "the step '{name}' is there twice", {"name": twice})
        if both := next((name for name in self.failed if name in self.steps), ""):
            raise PydanticCustomError("both", "'{name}' is both a step and in 'failed'", {"name": both})
        if self.failed and not isinstance(self.step_, StepOptions):
            raise PydanticCustomError(
                "no_label", "'failed' has values of a label: give step: {of: metric, label: name}"
            )
        if self.step_colors is not None and self.step_color is not None:
            raise PydanticCustomError("colors", "the steps have either one colour ('step_color') or 'step_colors'")
        if self.step_colors is not None and len(self.step_colors) != len(self.steps):
            message = "expected a colour for each of the {count} steps in 'step_colors'"
            raise PydanticCustomError("step_colors", message, {"count": len(self.steps)})
        return self

    @property
    def metric(self) -> str:
        """The metric that says where it is."""
        return self.step_.of if isinstance(self.step_, StepOptions) else self.step_

    def obstacle(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:
        """A step that is not among its own."""
        if (found := super().obstacle(key, view)) is not None:
            return found
        sample = _newest(self.metric, view)
        if sample is None:
            return NotRenderable(key, Obstacle.UNSEEN if view.is_unseen(self.metric) else Obstacle.NO_VALUE)
        if isinstance(self.step_, StepOptions):
            if (word := self._word(sample)) in self.steps or word in self.failed:
                return None
            detail = f"has the {self.step_.label} '{word}', which is none of the steps"
        elif sample.value >= 0:
            return None
        else:
            detail = f"is {number(sample.value)}: steps are counted from 1"
        return NotRenderable(key, Obstacle.UNSUITABLE, (self.metric,), detail=detail)

    @property
    def goes_in_steps(self) -> bool:
        """Yes."""
        return True

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The steps, the colours of those that are done, and in the subtitle what the last of them is called."""
        sample = _newest(self.metric, seen.surfaces)
        assert sample is not None
        done, said = self._position(sample, seen)
        colors = self._colors(done, has_failed=self._word(sample) in self.failed)
        steps = {"number_of_steps": len(self.steps), "current_step": done, **colors}
        return steps | self.noted(seen, said, seen.stale_mark)

    def marked(self, seen: ActivityView, mark: str) -> dict[str, Any]:
        """What is shown stays, the colour of a failure too, and the subtitle says how old it is."""
        shown = seen.shown_state
        # It may have a mark already.
        said = shown.get("subtitle", "").partition("as of ")[0].removesuffix(" · ")
        text = joined(said, mark)
        kept = {"color": shown["color"]} if "color" in shown else {}
        return ({"subtitle": text} if text else {}) | kept

    def own_meaning(self, state: Json) -> Any:
        """The step, the colours, and whether it failed."""
        fields = ("number_of_steps", "current_step", "color", "step_color", "step_colors")
        return [[state.get(name) for name in fields], self._failures(state)]

    def final_texts(self, seen: ActivityView, state: Json) -> dict[str, str]:
        """After a failure the subtitle goes on saying so, whatever that of ``final`` says."""
        texts = super().final_texts(seen, state)
        has_failed = state.get("color") == FAILED_COLOR and self._failures(state)
        return {name: text for name, text in texts.items() if name != "subtitle"} if has_failed else texts

    def step(self, state: Json) -> int | None:
        """The step, which waits for no budget."""
        step: int = state["current_step"]
        return step

    def _failures(self, state: Json) -> list[str]:
        """The words of a failure that are in the subtitle."""
        return [word for word in self.failed if word in state.get("subtitle", "")]

    def _word(self, sample: Sample) -> str:
        return dict(sample.series.labels).get(self.step_.label, "") if isinstance(self.step_, StepOptions) else ""

    def _position(self, sample: Sample, seen: ActivityView) -> tuple[int, str]:
        """How many steps are done, and what is to be said of that."""
        count, word = len(self.steps), self._word(sample)
        if word in self.failed:
            # The step that was reached is the one on the phone.
            return min(seen.step or 0, count), word
        if isinstance(self.step_, StepOptions):
            done = self.steps.index(word) + 1
        elif sample.value > count:
            return count, f"{seen.surfaces.language.number(sample.value)} of {count}"
        else:
            done = int(sample.value)
        # A text of the user's own is left as it is.
        return done, self.steps[done - 1] if done and self.subtitle is None else ""

    def _colors(self, done: int, *, has_failed: bool) -> dict[str, Any]:
        if has_failed:
            steps = {"step_color": FAILED_COLOR} if self.step_color or self.step_colors else {}
            return {"color": FAILED_COLOR, **steps}
        if self.step_colors is not None:
            # The service wants as many as there are steps done (contract section 4.2).
            return {"step_colors": self.step_colors[:done]} if done else {}
        return {"step_color": self.step_color} if self.step_color is not None else {}


def _newest(metric: str, view: SurfacesView) -> Sample | None:
    """The newest sample of a metric; of several from one time, that with the largest value."""
    return max(view.samples(metric), key=lambda sample: (sample.time, sample.value, sample.series.labels), default=None)
