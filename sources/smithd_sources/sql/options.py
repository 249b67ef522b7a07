"""The options of a source of ``type: sql``. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from smithd.plugin import MetricName, MetricOptions, Options, Secret, TLSFiles
from smithd_sources.http_options import TLSOptions
from smithd_sources.moments import TimeFormat
from smithd_sources.numerals import DecimalMark
from smithd_sources.sql.database_url import checked_url, encryption, kind_of, split_password, tls_files
from smithd_sources.sql.query import parse

MAX_ROWS = 10_000
LabelColumn = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SqlMetric(MetricOptions):
    """A query. It brings one number, or one series for each row."""

    query: str = Field(description="one statement that reads; the text alone means the same, where it brings one value")
    labels: list[LabelColumn] = Field([], description="the columns whose texts tell series apart, one for each row")
    value: str | None = Field(None, description="the column with the number")
    values: list[MetricName] = Field(
        [], description="several columns with numbers: metrics called source.metric.column"
    )
    time: str | None = Field(None, description="the column with the row's own time; default: the time of the poll")
    as_: Literal["number", "boolean", "age"] = Field(
        "number", alias="as", description="age: the seconds since the moment that the query brings; boolean: 1 or 0"
    )
    time_format: TimeFormat | None = Field(
        None,
        description="how times in texts are written, as in strftime: '%d.%m.%Y %H:%M'; default: ISO 8601 and others",
    )
    words: dict[str, float] = Field({}, description="what texts stand for: {ok: 1, degraded: 0.5, down: 0}")
    decimal: DecimalMark = Field(".", description="the mark before the decimals of a text; the other may group digits")

    @model_validator(mode="before")
    @classmethod
    def _query_alone(cls, given: Any) -> Any:
        return given if isinstance(given, dict | SqlMetric) else {"query": given}

    @model_validator(mode="after")
    def _one_shape(self) -> SqlMetric:
        if self.value is not None and self.values:
            raise PydanticCustomError("two_values", "expected either 'value' (a column) or 'values' (a list), not both")
        if self.labels and self.value is None and not self.values:
            raise PydanticCustomError("no_value", "'labels' needs 'value' or 'values': the columns with the numbers")
        if self.words and self.as_ != "number":
            raise PydanticCustomError("as_number", "'as' cannot be used with 'words', which are numbers")
        if self.time_format is not None and self.time is None and self.as_ != "age":
            raise PydanticCustomError("time_format", "'time_format' goes with 'as: age' or 'time'")
        columns = [*self.labels, *self.values, *(each for each in (self.value, self.time) if each is not None)]
        if twice := sorted({column for column in columns if columns.count(column) > 1}):
            raise PydanticCustomError("column_twice", "the column '{column}' is named twice", {"column": twice[0]})
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        full = handler.resolve_ref_schema(handler(schema))
        return {"anyOf": [{"type": "string", "examples": ["SELECT count(*) FROM jobs"]}, full]}

    @property
    def has_series(self) -> bool:
        """Whether it has a series for each row."""
        return bool(self.labels)

    @cached_property
    def as_age(self) -> SqlMetric:
        """The same with a moment for its value, which is how the times of rows are read."""
        return self.model_copy(update={"as_": "age", "words": {}})

    def columns(self, name: str) -> dict[str, str | None]:
        """The metrics that the query brings, with the column of each (None: the only one beside ``time``)."""
        return {f"{name}.{column}": column for column in self.values} or {name: self.value}


class SqlOptions(Options):
    """The keys of a source of ``type: sql``."""

    url: str = Field(
        description="the database: postgresql://host/name (with user@ before the host), mysql://..., sqlite:///path"
    )
    password: Secret | None = Field(None, description="the user's password, where it does not stand in the url")
    tls: TLSOptions | None = Field(None, description="encrypt, and check certificates; left out: as the driver does")
    max_rows: int = Field(1000, gt=0, le=MAX_ROWS, description="the most rows that a query may bring")
    metrics: dict[MetricName, SqlMetric] = Field(min_length=1, description="metric to the query that brings it")

    @model_validator(mode="before")
    @classmethod
    def _move_password(cls, given: Any) -> Any:
        """Move a password from the address to ``password``: the address can be shown, and the password is masked."""
        if not isinstance(given, dict) or not isinstance(given.get("url"), str):
            return given
        url, password = split_password(given["url"])
        if password is None:
            return given
        if given.get("password") is not None:
            raise PydanticCustomError("two_passwords", "expected a password either in 'url' or in 'password', not both")
        return {**given, "url": url, "password": password}

    def secrets(self) -> Iterator[str]:
        """What must not be shown when an error repeats it."""
        if self.password is not None:
            yield self.password.get_secret_value()

    def tls_files(self) -> TLSFiles | None:
        """The files that the address names; those under ``tls`` are named there."""
        return tls_files(self.url) if isinstance(self.url, str) else None

    @field_validator("url")
    @classmethod
    def _is_a_database(cls, url: str, info: ValidationInfo) -> str:
        return checked_url(url, (info.context or {}).get("folder"))

    @field_validator("tls")
    @classmethod
    def _alone(cls, tls: TLSOptions | None, info: ValidationInfo) -> TLSOptions | None:
        option = encryption(info.data.get("url", ""))
        if tls is not None and option is not None:
            text = "expected either 'tls' or {option} in 'url', not both"
            raise PydanticCustomError("two_encryptions", text, {"option": option})
        return tls

    @field_validator("metrics")
    @classmethod
    def _queries_can_be_asked(cls, metrics: dict[str, SqlMetric], info: ValidationInfo) -> dict[str, SqlMetric]:
        # Without a valid url the kind of the database is unknown, and the url's own mistake is reported.
        if "url" not in info.data:
            return metrics
        wrong: list[InitErrorDetails] = []
        for name, metric in metrics.items():
            try:
                parse(metric.query, kind_of(info.data["url"]))
            except ValueError as error:
                mistake = PydanticCustomError("query", "{said}", {"said": str(error)})
                wrong.append(InitErrorDetails(type=mistake, loc=(name, "query"), input=metric.query))
        # One error with all of them: each mistake keeps its own place in the file.
        if wrong:
            raise ValidationError.from_exception_data("metrics", wrong)
        return metrics
