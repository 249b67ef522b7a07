"""What a client can rely on beyond single cases: limits, slots, what is kept, what a phone shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.given import NOW
from simulator.loopback import KEY
from smithd.simulator.control import described
from smithd.simulator.exchange import Answer, Call, Seen
from smithd.simulator.limits import RateMode
from smithd.simulator.service import Service
from smithd.simulator.state import KEPT, Billing, Device, Format, Metric, ServiceState, Stream

PROGRESS = {"title": "Job", "type": "progress", "percentage": 1}


class Account:
    """A service with one key, and a clock that stands still unless it is moved."""

    def __init__(self, **state: Any) -> None:
        self.seen: list[Seen] = []
        self.service = Service(ServiceState(**{"keys": {KEY: None}} | state), self.seen.append)
        self.now = NOW

    def ask(self, method: str, path: str, body: Any = None, key: str = KEY) -> Answer:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.service.handle(Call(method, f"/api{path}", {"authorization": f"Bearer {key}"}, raw), self.now)

    def push(self, **body: Any) -> Answer:
        return self.ask("POST", "/push-notification", {"title": "x"} | body)

    def put(self, key: str = "job", content: dict[str, Any] = PROGRESS, **body: Any) -> Answer:
        return self.ask("PUT", f"/live-activity/stream/{key}", {"content_state": content} | body)

    def end(self, key: str = "job", body: Any = None) -> Answer:
        return self.ask("DELETE", f"/live-activity/stream/{key}", body)

    def start(self, key: str = KEY, **body: Any) -> str:
        return str(
            self.ask("POST", "/live-activity/start", {"content_state": PROGRESS} | body, key).body["activity_id"]
        )

    def legacy(self, call: str, named: str, content: dict[str, Any] = PROGRESS, key: str = KEY) -> Answer:
        return self.ask("POST", f"/live-activity/{call}", {"activity_id": named, "content_state": content}, key)

    def shown(self) -> list[Any]:
        return list(self.service.screen(self.now)["activities"])

    def metric(self, value: Any, key: str = "m") -> Answer:
        return self.ask("POST", f"/metrics/{key}/value", {"value": value})


# Limits


def test_sixty_pushes_a_minute_then_429_until_the_minute_ends() -> None:
    account = Account()
    assert [account.push().status for _ in range(60)] == [200] * 60
    account.now += 17.5

    refused = account.push()

    assert (refused.status, refused.body["code"], refused.headers["Retry-After"]) == (429, "rate_limited", "43")
    account.now += 42.5
    assert account.push().status == 200


def test_every_answer_tells_what_is_left_of_the_minute() -> None:
    account = Account()
    account.push()
    account.now += 0.5

    answer = account.ask("POST", "/push-notification", {"no": "title"})

    assert answer.status == 400
    assert answer.headers["RateLimit"] == (
        '"public-api-ip:notifications"; r=598; t=60, "account:notifications"; r=58; t=60'
    )
    assert answer.headers["RateLimit-Policy"] == (
        '"public-api-ip:notifications"; q=600; w=60, "account:notifications"; q=60; w=60'
    )


def test_each_family_has_a_minute_of_its_own() -> None:
    account = Account(metrics={"m": Metric("m")})
    for _ in range(61):
        last = account.push()
    assert last.status == 429
    assert [account.metric(n).status for n in range(301)] == [200] * 300 + [429]
    assert account.put().status == 200
    assert account.ask("POST", "/badge", {"badge": 1}).status == 200


def test_in_the_older_mode_one_minute_of_sixty_is_shared() -> None:
    account = Account(metrics={"m": Metric("m")}, rate_mode=RateMode.SHARED)
    for n in range(20):
        assert (account.push().status, account.metric(n).status) == (200, 200)
        assert account.put(content=PROGRESS | {"percentage": n}).status == 200
    refusals = [account.push(), account.metric(0), account.put(), account.end()]
    assert [(answer.status, "Retry-After" in answer.headers) for answer in refusals] == [(429, True)] * 4


def test_an_unknown_key_costs_the_account_nothing() -> None:
    account = Account()
    answers = [account.ask("POST", "/badge", {"badge": 1}, key="ask_wrong") for _ in range(100)]
    assert {(answer.status, *answer.headers) for answer in answers} == {(401,)}
    assert '"account:badges"; r=59' in account.ask("POST", "/badge", {"badge": 1}).headers["RateLimit"]


# Slots


@pytest.mark.parametrize("limit", [4, 5])
def test_a_full_phone_takes_no_further_activity_but_updates_and_rotations(limit: int) -> None:
    account = Account(device_limit=limit)
    for n in range(limit):
        account.put(f"job-{n}")

    refused = account.put("one-more")

    assert (refused.status, refused.body["limit"], refused.body["active"]) == (429, limit, limit)
    assert "Retry-After" not in refused.headers
    assert account.put("job-0", {"title": "Job", "type": "alert", "message": "m"}).body["operation"] == "rotated"
    account.end("job-1")
    assert account.put("one-more").body["operation"] == "started"


def test_where_only_some_phones_are_full_the_answer_says_how_many() -> None:
    devices = [Device("a", "ann"), Device("b", "ben")]
    account = Account(devices=devices, channels={"ann": ("ann",)}, device_limit=1)
    account.put("job-1", channels=["ann"])

    refused = account.put("job-2")

    assert (refused.body["blocked_devices"], refused.body["targeted_devices"]) == (1, 2)


# Streams


def test_only_long_frequent_updating_is_warned_of() -> None:
    account = Account()
    account.put()
    for n in range(20):
        account.now += 121
        answer = account.put(content=PROGRESS | {"percentage": n + 2})
        assert "warning" not in answer.body


def test_a_start_needs_what_an_update_may_leave_out() -> None:
    account = Account()
    steps = {"title": "Steps", "type": "segmented_progress", "current_step": 1}
    assert account.put(content={"title": "no type"}).status == 400
    assert account.put(content=steps).status == 400
    assert account.put(content=steps | {"number_of_steps": 3}).status == 200
    assert account.put(content={"title": "Steps", "current_step": 2}).body["operation"] == "updated"
    assert account.put(content={"title": "Steps", "current_step": 4}).status == 400
    assert account.put("timer", {"title": "T", "type": "timer"}).status == 400
    assert account.put("timer", {"title": "T", "type": "timer", "counts_down": False}).status == 200


def test_tags_and_metadata_stay_when_left_out_and_go_when_empty() -> None:
    account = Account()
    account.put(tags=["a", "b", "a"], metadata={"k": 1})
    stream = account.service.state.streams["job"]
    assert account.put().body == account.put().body
    assert (stream.tags, stream.metadata) == (["a", "b"], {"k": 1})
    assert account.put(tags=[], metadata={}).body["operation"] == "noop"
    assert (stream.tags, stream.metadata) == ([], {})


def test_an_ended_activity_stays_on_the_phone_until_it_is_dismissed() -> None:
    account = Account()
    account.put("short")
    account.put("usual")
    account.end("short", {"content_state": PROGRESS | {"title": "Done", "auto_dismiss_seconds": 30}})
    account.end("usual")

    def titles() -> list[str]:
        return [activity["content_state"]["title"] for activity in account.service.screen(account.now)["activities"]]

    assert titles() == ["Done", "Job"]
    account.now += 30
    assert titles() == ["Job"]
    account.now += 90
    assert titles() == []


def test_a_paused_timer_keeps_what_is_left_of_its_window() -> None:
    account = Account()
    timer = {"title": "T", "type": "timer"}
    account.put(content=timer | {"duration_seconds": 300})
    account.now += 100
    account.put(content=timer | {"is_running": False})
    account.now += 50
    account.put(content=timer | {"is_running": True})
    (activity,) = account.service.screen(account.now)["activities"]
    assert activity["timer"] == {"began": NOW + 50, "duration": 300, "frozen_at": None, "counts_down": True}


@pytest.mark.parametrize("key", ["", "job"])
def test_an_end_brings_nothing_back_that_ios_took_off_the_phone(key: str) -> None:
    account = Account()
    first = account.put().body["activity_id"] if key else account.start()
    account.now += 13 * 3600
    ended = account.end() if key else account.legacy("end", first)
    assert (ended.status, ended.body["ignored"], ended.body.get("devices_notified", 0)) == (200, True, 0)
    assert account.shown() == []


def test_ios_takes_an_activity_off_four_hours_after_it_ended_it_whatever_the_end_says() -> None:
    account = Account()
    account.put()
    account.now += 11 * 3600
    account.end(body={"content_state": PROGRESS | {"percentage": 100, "auto_dismiss_minutes": 300}})
    (shown,) = account.shown()
    assert (shown["ended"], shown["dismiss_at"]) == (NOW + 8 * 3600, NOW + 12 * 3600)
    assert shown["content_state"] == PROGRESS


def test_what_ios_ended_is_no_longer_updated_by_the_legacy_call() -> None:
    account = Account()
    alone, of_stream = account.start(), account.put().body["activity_id"]
    account.now += 9 * 3600
    assert account.legacy("update", alone, PROGRESS | {"percentage": 50}).status == 404
    rotated = account.legacy("update", of_stream, PROGRESS | {"percentage": 60})
    assert (rotated.body["operation"], rotated.body["previous_activity_id"]) == ("rotated", of_stream)
    assert [one["content_state"]["percentage"] for one in account.shown()] == [1, 60]


def test_a_rotation_needs_what_a_start_needs() -> None:
    account = Account()
    steps = {"title": "Steps", "type": "segmented_progress", "current_step": 1}
    account.put(content=steps | {"number_of_steps": 3})
    assert account.put(content=steps | {"current_step": 2}, channels=["ops"]).status == 400
    assert (
        account.put(content={"title": "Steps", "number_of_steps": 3, "current_step": 2}, channels=["a"]).status == 400
    )
    account.now += 8 * 3600
    assert account.put(content=steps | {"current_step": 2}).status == 400
    assert account.put(content=steps | {"number_of_steps": 3}).body["operation"] == "rotated"
    account.service.state.streams["job"] = Stream("job", paused=True)
    assert [account.put(content=content).status for content in ({"title": "x", "percentage": 3}, PROGRESS)] == [
        400,
        200,
    ]


def test_true_is_not_one_where_nothing_seems_to_change() -> None:
    account = Account()
    hook = {"title": "Run", "type": "webhook", "url": "https://e.example"}
    operations = [
        account.put(action=hook | {"body": {"on": [on]}}).body["operation"] for on in (True, 1, 1.0, False, 0, 0)
    ]
    assert operations == ["started", "updated", "noop", "updated", "updated", "noop"]


def test_the_clock_set_back_warns_of_no_negative_time() -> None:
    account = Account()
    account.put()
    account.now -= 3600
    for n in range(13):
        answer = account.put(content=PROGRESS | {"percentage": n + 2})
    assert answer.body["warning"].startswith("13 updates in 0 s")


def test_an_update_counts_the_phones_that_show_it() -> None:
    account = Account()
    pushed, _ = account.push().body["notification_id"], account.put()
    account.service.state.devices.append(Device("new", "eve"))
    replaced = account.ask("PUT", f"/push-notification/{pushed}", {"title": "y"})
    updated = account.put(content=PROGRESS | {"percentage": 2})
    assert [(answer.body["devices_notified"], answer.body["users_notified"]) for answer in (replaced, updated)] == [
        (1, 1),
        (1, 1),
    ]
    del account.service.state.devices[0]
    assert account.ask("PUT", f"/push-notification/{pushed}", {"title": "z"}).status == 422
    assert account.end().body["devices_notified"] == 0


def test_stream_keys_out_of_use_are_forgotten_in_the_end() -> None:
    idle = {f"job-{n}": Stream(f"job-{n}") for n in range(KEPT + 10)}
    account = Account(streams={"paused": Stream("paused", paused=True)} | idle)
    account.put("job")
    assert len(account.service.state.streams) == KEPT + 2
    assert [account.end(key).status for key in ("job-0", "paused", "job", f"job-{KEPT}")] == [404, 200, 200, 200]


# The legacy calls


def test_another_type_by_a_legacy_update_needs_what_a_start_needs() -> None:
    account = Account()
    for named in (account.start(), account.put().body["activity_id"]):
        assert account.legacy("update", named, {"title": "T", "type": "timer"}).status == 400
        steps = {"title": "T", "type": "segmented_progress", "current_step": 2}
        assert account.legacy("update", named, steps).status == 400
        assert account.legacy("update", named, {"title": "T", "type": "timer", "duration_seconds": 5}).status == 200


def test_the_end_of_a_streams_activity_labels_the_stream() -> None:
    account = Account()
    named = account.put(tags=["a"]).body["activity_id"]
    account.ask("POST", "/live-activity/end", {"activity_id": named, "content_state": PROGRESS, "tags": ["done"]})
    assert account.put().body["tags"] == ["done"]


def test_the_legacy_calls_can_name_a_streams_activity() -> None:
    account = Account()
    first = account.put().body["activity_id"]

    def named(activity_id: str, **content: Any) -> dict[str, Any]:
        return {"activity_id": activity_id, "content_state": {"title": "Job"} | content}

    updated = account.ask("POST", "/live-activity/update", named(first, percentage=2)).body
    assert (updated["operation"], updated["stream_key"], updated["activity_id"]) == ("updated", "job", first)
    rotated = account.ask("POST", "/live-activity/update", named(first, type="alert", message="m")).body
    second = rotated["activity_id"]
    assert (rotated["operation"], rotated["previous_activity_id"], second != first) == ("rotated", first, True)
    assert account.ask("POST", "/live-activity/update", named(first, percentage=3)).status == 404
    assert account.ask("POST", "/live-activity/end", named(second, message="done")).body["activity_id"] == second
    assert account.put().body["operation"] == "started"


def test_a_legacy_activity_ends_once_and_stays_for_three_minutes() -> None:
    account = Account()
    started = account.ask("POST", "/live-activity/start", {"content_state": PROGRESS, "tags": ["a"]}).body
    body = {"activity_id": started["activity_id"], "content_state": PROGRESS | {"percentage": 100}}
    account.service.state.billing = Billing.TRIAL_EXPIRED
    assert account.ask("POST", "/live-activity/start", {"content_state": PROGRESS}).status == 402
    assert account.ask("POST", "/live-activity/update", body).body["tags"] == ["a"]
    answers = [account.ask("POST", "/live-activity/end", body).body for _ in range(2)]
    assert [answer.get("ignored") for answer in answers] == [None, True]
    assert account.ask("POST", "/live-activity/end", {"activity_id": started["activity_id"]}).status == 400
    account.now += 179
    assert len(account.service.screen(account.now)["activities"]) == 1
    account.now += 1
    assert account.service.screen(account.now)["activities"] == []


# Notifications, badge, metrics, channels


def test_a_replaced_notification_keeps_its_place_and_its_people() -> None:
    account = Account()
    first = account.push(message="down", tags=["t"], interruption_level="time-sensitive").body["notification_id"]
    account.push(title="later")
    account.now += 5

    answer = account.ask("PUT", f"/push-notification/{first}", {"title": "up"})

    assert (answer.status, answer.body["notification_id"], answer.body["tags"]) == (200, first, ["t"])
    shown = account.service.screen(account.now)["notifications"]
    assert [push["content"] for push in shown] == [{"title": "later"}, {"title": "up"}]
    assert shown[1] | {"content": {}} == {
        "id": first,
        "content": {},
        "interruption_level": "time-sensitive",
        "sent": NOW,
        "replaced": NOW + 5,
    }


def test_metrics_must_exist_and_be_of_the_right_kind() -> None:
    account = Account(metrics={"m": Metric("m", Format.PERCENT), "text": Metric("text", Format.STRING)})
    assert account.metric(99.9).body == {"success": True}
    assert account.metric("99.9").body["error"] == "value must be a finite number"
    assert account.metric("fine", "text").status == 200
    assert account.metric(1, "text").status == 400
    assert account.metric(1, "other").body == {"error": "Metric not found"}
    shown = account.service.screen(account.now)["widgets"]
    assert [(widget["key"], widget["format"], widget["value"]) for widget in shown] == [
        ("m", "percent", 99.9),
        ("text", "string", "fine"),
    ]


def test_metrics_can_be_created_by_their_first_value() -> None:
    account = Account(creates_metrics=True)
    assert (account.metric(1, "a").status, account.metric("x", "b").status) == (200, 200)
    assert account.metric("x", "a").status == 400


def test_channels_reach_their_members_only() -> None:
    devices = [Device("a", "ann"), Device("b", "ben"), Device("b2", "ben")]
    account = Account(
        devices=devices, channels={"ann": ("ann",), "ben": ("ben",)}, keys={KEY: None, "ask_ann": ("ann",)}
    )
    answer = account.push(target={"channels": ["ben"]})
    assert (answer.body["devices_notified"], answer.body["users_notified"]) == (2, 1)
    account.ask("POST", "/badge", {"badge": 3}, key="ask_ann")
    account.ask("POST", "/badge", {"badge": 7, "target": {"channels": ["ben"]}})
    screens = {device.name: account.service.screen(account.now, device.name) for device in devices}
    assert {name: (screen["badge"], len(screen["notifications"])) for name, screen in screens.items()} == {
        "a": (3, 0),
        "b": (7, 1),
        "b2": (7, 1),
    }
    assert account.ask("POST", "/badge", {"badge": 3, "target": {"channels": ["ben"]}}, key="ask_ann").status == 403


def test_a_channel_that_is_not_declared_reaches_nobody_once_there_are_any() -> None:
    account = Account(channels={"ops": ("owner",)}, keys={KEY: None, "ask_old": ("old",)})
    for slugs in (["opps"], ["ops", "opps"]):
        answers = [
            account.push(target={"channels": slugs}),
            account.ask("POST", "/badge", {"badge": 3, "target": {"channels": slugs}}),
            account.put(channels=slugs),
            account.ask("POST", "/live-activity/start", {"content_state": PROGRESS, "target": {"channels": slugs}}),
        ]
        assert [(one.status, one.body["error"]) for one in answers] == [(400, "Invalid channel targeting")] * 4
    assert account.ask("POST", "/push-notification", {"title": "x"}, key="ask_old").status == 422
    assert account.push(target={"channels": ["ops"]}).status == 200


def test_a_scoped_key_leaves_alone_what_others_see() -> None:
    account = Account(keys={KEY: None, "ask_ops": ("ops",)})
    pushed, alone, of_stream = account.push().body["notification_id"], account.start(), account.put()
    calls = [
        account.ask("PUT", f"/push-notification/{pushed}", {"title": "mine"}, "ask_ops"),
        account.ask("PUT", "/live-activity/stream/job", {"content_state": PROGRESS}, "ask_ops"),
        account.legacy("update", alone, key="ask_ops"),
        account.legacy("update", of_stream.body["activity_id"], key="ask_ops"),
        account.legacy("end", alone, key="ask_ops"),
        account.ask("DELETE", "/live-activity/stream/job", key="ask_ops"),
    ]
    assert [call.status for call in calls] == [403] * 5 + [404]
    assert len(account.shown()) == 2
    account.legacy("end", alone)
    assert account.legacy("end", alone, key="ask_ops").status == 403


def test_a_scoped_key_deals_with_its_own() -> None:
    account = Account(keys={"ask_ops": ("ops", "devs")})
    pushed = account.ask("POST", "/push-notification", {"title": "x"}, "ask_ops").body["notification_id"]
    named = account.start("ask_ops", target={"channels": ["devs"]})
    account.ask("PUT", "/live-activity/stream/job", {"content_state": PROGRESS, "channels": ["ops"]}, "ask_ops")
    calls = [
        account.ask("PUT", f"/push-notification/{pushed}", {"title": "mine"}, "ask_ops"),
        account.legacy("update", named, key="ask_ops"),
        account.legacy("end", named, key="ask_ops"),
        account.ask("DELETE", "/live-activity/stream/job", key="ask_ops"),
    ]
    assert [call.status for call in calls] == [200] * 4


# What cannot be read


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"value": NaN}',
        b'{"value": -Infinity}',
        b'{"value": 1e999}',
        b'{"value": ' + b"9" * 5000 + b"}",
        b'{"value": "\\ud800"}',
        b'{"value": "\xff"}',
        b'\xef\xbb\xbf{"value": 1}',
        '{"value": 1}'.encode("utf-16"),
        b'{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"value": ' + b'{"a":' * 400 + b"1" + b"}" * 401,
        b'{"value": "' + b"x" * 300_000 + b'"}',
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_a_body_that_is_no_sound_json_object_is_refused(raw: bytes) -> None:
    answer = Account(metrics={"m": Metric("m")}).ask("POST", "/metrics/m/value", raw)
    assert answer.status == 400
    assert set(answer.body) == {"error", "message"}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"tags": [1] * 9000}, "tags.0: 1 is not"),
        ({"tags": ["a", *[{}] * 9000]}, "tags.1: {} is not"),
        ({"metadata": {f"{n:02}": [] for n in range(40)}}, "metadata.00: [] is not"),
        ({"metadata": {f"{n:x}": [] for n in range(5000)}}, ": [] is not"),
        ({"title": "x" * 9000, "tags": []}, "bytes without tags and metadata"),
        ({"actions": [{}] * 9000}, "is too long"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_of_all_that_is_wrong_the_first_is_named(body: dict[str, Any], where: str) -> None:
    answer = Account().push(**body)
    assert (answer.status, where in answer.body["message"]) == (400, True), answer.body


def test_the_largest_body_that_is_valid_is_taken_however_it_is_escaped_and_stays_json_in_the_log() -> None:
    account = Account()
    metadata = {f"{n}": "ü" * 2000 for n in range(4)}
    body = {"title": "ü" * 1700, "metadata": metadata, "tags": [f"{n:064}" for n in range(20)]}
    raw = json.dumps(body).encode()
    assert account.ask("POST", "/push-notification", raw).status == 200
    assert described(account.service.seen[-1])["body"] == body


@pytest.mark.parametrize("raw", [b'{"badge": 2.0}', b'{"badge": -1, "badge": 2}', b' {"badge": 2e0}\n'])
def test_json_may_say_the_same_in_its_own_ways(raw: bytes) -> None:
    assert Account().ask("POST", "/badge", raw).body["badge"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/live-activity/stream/job%0A", {"content_state": PROGRESS}),
        ("PUT", "/live-activity/stream/", {"content_state": PROGRESS}),
        ("PUT", "/live-activity/stream/%zz", {"content_state": PROGRESS}),
        ("PUT", "/push-notification/%ff", {"title": "x"}),
        ("POST", "/metrics/m%0A/value", {"value": 1}),
        ("POST", "/push-notification", {"title": "x", "tags": ["a\n"]}),
        ("POST", "/metrics/m/value", {"value": 1, "timestamp": "2026-02-30T00:00:00Z"}),
        ("POST", "/metrics/m/value", {"value": 1, "timestamp": "2026-02-03T00:00:00Z\n"}),
        ("POST", "/metrics/m/value", {"value": 1, "timestamp": "2026-02-03"}),
        ("POST", "/push-notification", {"title": "x", "metadata": {f"k{n}": "x" * 4000 for n in range(5)}}),
    ],
)
def test_near_misses_are_refused(method: str, path: str, body: Any) -> None:
    assert Account(creates_metrics=True).ask(method, path, body).status == 400


def test_other_paths_and_methods_are_answered_with_what_there_is() -> None:
    account = Account()
    assert account.ask("GET", "/nowhere").status == 404
    wrong = account.ask("GET", "/live-activity/stream/job")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "PUT, DELETE")


def test_a_form_is_not_json() -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = Account().service.handle(Call("POST", "/api/badge", headers, b'{"badge": 1}'), NOW)
    assert (answer.status, "x-www-form-urlencoded" in answer.body["message"]) == (400, True)


# Who watches


def test_every_request_is_logged_in_one_line_with_its_verdict_and_without_the_key() -> None:
    account = Account()
    account.put(content=PROGRESS | {"title": "two\nlines \x1b[31m"})
    account.push(title="")
    account.ask("POST", "/badge", {"badge": 1}, key="ask_other")
    assert [str(seen) for seen in account.seen] == [
        "200 PUT /api/live-activity/stream/job  started: two�lines �[31m",
        "400 POST /api/push-notification  refused: Invalid request body: title: is blank",
        "401 POST /api/badge  refused: Unauthorized: the key is unknown",
    ]
    assert "ask_" not in repr(account.seen)
