"""The contract of every source, as tests to inherit. In a test module of your own, with pytest:

class TestMySource(SourceContract):
    source = MySource
    options = {"station": "EDDB"}
"""

from __future__ import annotations

import gc
import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from pydantic import ValidationError

from smithd.plugin.source import Source
from smithd.poll.isolation import metrics_of
from smithd.poll.registry import problem_with
from smithd.testing.leaks import watching
from smithd.testing.polling import THREAD, poll_once, polls
from smithd.testing.server import Reply, Server

BAD_REPLIES = {
    "nothing": Reply(b""),
    "a page": Reply(b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"}),
    "half a document": Reply(b'{"orders": {"tod'),
    "null": Reply(b"null"),
    "an empty list": Reply(b"[]"),
    "an empty object": Reply(b"{}"),
    "bytes that are no text": Reply(b"\xff\xfe\x00\x80"),
    "deep nesting": Reply(b"[" * 100_000),
    "a huge number": Reply(b"1" + b"0" * 5000),
    "less than was promised": Reply(b'{"orders": 1', cut=True),
    "not found": Reply(b"not found", 404),
    "a refusal": Reply(b'{"error": "no"}', 403),
    "a server's fault": Reply(b"oops", 500),
    "a busy server": Reply(b"later", 429, {"Retry-After": "soon"}),
}
"""What any server may answer one day."""


class SourceContract:
    """The contract of a source. ``source`` is its class, ``options`` are valid ones, as in the configuration file."""

    source: ClassVar[type[Source[Any]]]
    options: ClassVar[Mapping[str, Any]] = {}
    wrong_options: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Options that the source must refuse before anything runs."""
    longest_block: ClassVar[float] = 1.0
    """Seconds for which an async poll may block its event loop."""

    @contextmanager
    def world(self) -> Iterator[Mapping[str, Any]]:
        """Set up what the source polls; yields the options that lead there."""
        yield self.options

    def test_smithd_takes_it(self) -> None:
        problem = problem_with(self.source)
        assert problem is None, f"{self.source.__name__} {problem}"

    def test_an_unknown_option_is_refused(self) -> None:
        with self.world() as options:
            assert self._refuses({**options, "no_such_option": 1}), "it takes an option that it does not know"

    def test_wrong_options_are_refused_before_anything_runs(self) -> None:
        for wrong in self.wrong_options:
            assert self._refuses(wrong), f"it takes the options {wrong!r}"

    def test_its_metrics_are_known_from_its_options_alone(self) -> None:
        with self.world() as options:
            made = self.source.Options.model_validate(dict(options), by_alias=True, by_name=False)
        first, second = (sorted(metrics_of(self.source, made)) for _ in range(2))
        assert first, "it declares no metrics"
        assert first == second, "it declares other metrics the second time"

    def test_its_samples_are_well_formed_poll_after_poll(self) -> None:
        with self.world() as options:
            outcomes = polls(2, self.source, options)
        for outcome in outcomes:
            assert outcome.failure is None, outcome.failure
            assert not outcome.problems, outcome.problems
            assert outcome.samples, "it returned no samples"

    def test_it_lets_go_of_everything_when_it_is_closed(self) -> None:
        # What earlier tests have left must not be blamed on this source.
        gc.collect()
        with self.world() as options:
            # What a library makes once for the whole process is made here, and is no leak.
            poll_once(self.source, options)
            with warnings.catch_warnings(record=True) as seen, watching(THREAD) as leaks:
                warnings.simplefilter("always", ResourceWarning)
                outcome = polls(2, self.source, options)[-1]
                # Something unclosed warns when it is collected.
                gc.collect()
            left = leaks.left()
        unclosed = [str(warning.message) for warning in seen if issubclass(warning.category, ResourceWarning)]
        assert outcome.stopped, "something of it runs on after close"
        assert outcome.closing is None, f"its close fails: {outcome.closing}"
        assert outcome.tasks is None, outcome.tasks
        assert not unclosed, f"it left something open: {unclosed}"
        assert not left, f"it left something behind: {left}"

    def test_an_async_poll_does_not_block_its_event_loop(self) -> None:
        with self.world() as options:
            # The first poll may import heavy libraries, which blocks; the second is judged.
            outcome = polls(2, self.source, options)[-1]
        seconds, at = outcome.blocked or (0.0, "")
        assert seconds < self.longest_block, (
            f"it blocks its event loop for {seconds:g} s ({at}): await what takes time, or make poll a plain def"
        )

    def test_an_async_poll_can_be_cancelled(self) -> None:
        if not inspect.iscoroutinefunction(self.source.poll):
            # Nothing can cancel a plain one: it has to keep to the time-out itself.
            return
        with self.world() as options:
            # This imports heavy libraries, which nothing could cancel.
            poll_once(self.source, options)
            for timeout in (0.001, 0.01, 0.1):
                outcome = poll_once(self.source, options, timeout=timeout)
                assert outcome.stopped, "it does not stop when its poll is cancelled"

    def _refuses(self, options: Mapping[str, Any]) -> bool:
        try:
            self.source.Options.model_validate(dict(options), by_alias=True, by_name=False)
        except ValidationError:
            return True
        return False


class HttpSourceContract(SourceContract):
    """The contract of a source that polls a server over HTTP.

    ``answers`` are the server's, by path, for instance recorded from a real one. ``options_at`` gives the options that
    lead the source there.
    """

    answers: ClassVar[Mapping[str, bytes | Reply]]
    deadline: ClassVar[float] = 0.5
    """The deadline, in seconds, of a poll of a server that hangs."""

    def options_at(self, url: str) -> Mapping[str, Any]:
        """The options with which the source polls a server at this address (without a slash at its end)."""
        return {**self.options, "url": url}

    @contextmanager
    def world(self) -> Iterator[Mapping[str, Any]]:
        with self._server() as server:
            yield self.options_at(server.url)

    def test_it_closes_its_connections(self) -> None:
        with self._server() as server:
            outcome = poll_once(self.source, self.options_at(server.url))
            assert outcome.failure is None, outcome.failure
            assert server.is_left(), "a connection was still open after close"

    def test_a_server_that_hangs_costs_one_deadline(self) -> None:
        with self._server(Reply(hang=True)) as server:
            outcome = poll_once(self.source, self.options_at(server.url), timeout=self.deadline)
        assert outcome.failure is not None, "it returned samples that the server did not send"
        assert outcome.stopped, "it does not stop when its poll is cancelled"

    def test_no_server_is_a_failure_in_words(self) -> None:
        with self._server() as server:
            url = server.url
        self._assert_reported("no server", poll_once(self.source, self.options_at(url)).failure, must_fail=True)

    def test_bad_answers_are_failures_in_words(self) -> None:
        for name, reply in BAD_REPLIES.items():
            with self._server(reply) as server:
                failure = poll_once(self.source, self.options_at(server.url)).failure
            self._assert_reported(name, failure, must_fail=reply.status >= 400)

    def _server(self, instead: Reply | None = None) -> Server:
        replies = {
            path: answer if isinstance(answer, Reply) else Reply(answer) for path, answer in self.answers.items()
        }
        return Server({path: instead or reply for path, reply in replies.items()})

    def _assert_reported(self, what: str, failure: str | None, *, must_fail: bool) -> None:
        assert failure is not None or not must_fail, f"{what} is not reported"
        crashed = failure is not None and failure.startswith("the plugin failed")
        assert not crashed, f"{what} makes it crash, instead of raising a SourceError: {failure}"
