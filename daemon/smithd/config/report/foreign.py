"""What keys are called elsewhere: in Prometheus, Alertmanager, Grafana, Gatus, Uptime Kuma, Home Assistant. No I/O.

People bring these words along, and most of them are nowhere near ours by their letters.
"""

from __future__ import annotations

from collections.abc import Collection

# Each of our keys with the words for it. Where a word means several keys, the first that a place has is meant.
ELSEWHERE = {
    "every": "interval scrape_interval poll_interval polling_interval check_interval evaluation_interval scan_interval "
    "refresh refresh_interval update_interval frequency period",
    "min_interval": "interval update_interval refresh_interval refresh",
    "cron": "schedule crontab",
    "timeout": "scrape_timeout request_timeout timelimit",
    "sources": "scrape_configs jobs inputs endpoints datasources sensors monitors services",
    "rules": "alerts alert alerting alert_rules groups triggers checks conditions",
    "derived": "recording_rules computed",
    "widgets": "tiles dashboards panels",
    "live_activities": "activities",
    "time_windows": "time_intervals mute_time_intervals mute_timings maintenance downtime quiet_hours silences",
    "activitysmith": "account",
    "web": "server http port status_page",
    "state": "database db storage data_dir",
    "history": "retention",
    "api_key": "token api_token",
    "push": "notify notification notifications alert alerts annotations receiver contact_points",
    "when": "expr expression condition if",
    "critical": "threshold crit error page",
    "warning": "threshold",
    "for": "pending pending_period pending_for duration delay wait hold failure_threshold",
    "keep_firing_for": "keep_firing resolve_after recovery_period success_threshold",
    "recover": "hysteresis recovery recovery_threshold resolve_threshold",
    "damping": "flap_detection flapping cooldown",
    "no_data": "nodata no_data_state on_missing missing absent",
    "on_error": "exec_err_state on_failure error_state",
    "unless_firing": "inhibit inhibited_by inhibit_rules suppressed_by",
    "depends_on": "dependencies depends requires parents",
    "mute": "mute_time_intervals mute_timings maintenance maintenance_windows downtime quiet_hours silence "
    "active_time_intervals",
    "title": "summary subject heading headline",
    "message": "description body text annotations",
    "interruption_level": "priority urgency importance level sound",
    "on_resolve": "send_resolved send_on_resolved notify_resolved resolved",
    "repeat": "repeat_interval reminder remind renotify resend_delay minimum_reminder_interval",
    "redirection": "url link click click_url generator_url runbook_url",
    "channels": "receivers receiver recipients targets users",
    "on": "severities levels states",
    "query": "params parameters",
    "url": "uri address endpoint host target",
    "auth": "username password bearer bearer_token authorization basic_auth credentials",
    "body": "payload data json",
    "tls": "ssl verify_ssl insecure insecure_skip_verify tls_config",
    "path": "jsonpath json_path selector field xpath",
    "scale": "factor multiplier multiply",
    "value": "metric",
    "format": "template value_template unit_of_measurement",
    "label": "legend",
    "show": "visible condition",
    "while_firing": "rules alerts when_firing",
}


def meant(word: str, allowed: Collection[str]) -> str | None:
    """Which of the keys that are allowed is called ``word`` elsewhere; None where none is."""
    plain = word.lower().replace("-", "_")
    return next((key for key, words in ELSEWHERE.items() if key in allowed and plain in words.split()), None)
