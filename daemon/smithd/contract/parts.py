"""The parts that requests share, and that the configuration asks for in the same words. No I/O."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from smithd.contract.addresses import deep_link, is_safe_web_page, web_link
from smithd.contract.values import Channels, Color, JsonObject, Named
from smithd.plugin.options import Options


class Part(Options):
    """The base of all that is sent: JSON's types as they are, no unknown keys, and no key with nothing in it."""

    model_config = ConfigDict(strict=True)

    # Before the fields' own checks, to which None is as good as a field that was left out.
    @field_validator("*", mode="before")
    @classmethod
    def _is_something(cls, given: Any) -> Any:
        if given is None:
            raise ValueError("expected a value, or the key left out")
        return given


class Icon(Part):
    """An SF Symbol beside the title."""

    symbol: Named = Field(description="the name of an SF Symbol, like cart.fill")
    color: Color | None = Field(None, description="the symbol's colour")


class Badge(Part):
    """A few words beside the title."""

    title: Named
    color: Color | None = None


class Action(Part):
    """A Live Activity's button: opens an address, or has the service call a webhook (contract section 4.6)."""

    title: Named = Field(description="what the button says")
    type: Literal["open_url", "webhook"] = Field(
        description="open_url: the phone opens the address; webhook: the service calls it"
    )
    url: str = Field(description="the address; that of a webhook begins with https")
    method: Literal["GET", "POST"] | None = Field(None, description="how a webhook is called")
    body: JsonObject | None = Field(None, description="what a webhook is sent, as JSON")

    @field_validator("url")
    @classmethod
    def _fits_its_type(cls, url: str, info: ValidationInfo) -> str:
        kind = info.data.get("type")
        if kind == "webhook" and not is_safe_web_page(url):
            raise ValueError("a webhook needs an https address, without a password in it")
        return cls._opened(url) if kind == "open_url" else url

    @field_validator("method", "body")
    @classmethod
    def _is_for_webhooks(cls, given: Any, info: ValidationInfo) -> Any:
        if info.data.get("type") == "open_url":
            raise ValueError(f"'{info.field_name}' belongs to a webhook")
        return given

    @classmethod
    def _opened(cls, url: str) -> str:
        return web_link(url)


class PushAction(Action):
    """A push's button: it may open an app by the app's own scheme too (contract section 7.1)."""

    @classmethod
    def _opened(cls, url: str) -> str:
        return deep_link(url)


class Target(Part):
    """Who gets it; without a target, everybody that the key reaches."""

    channels: Channels


class AlertTexts(Part):
    """What the push that carries a Live Activity says (contract section 4.7)."""

    title: str | None = None
    body: str | None = None
