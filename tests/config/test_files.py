"""Files that cannot be read at all are a mistake like any other: said in a sentence, exit status 2."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from smithd.cli.main import run


def _error(path: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["check", path]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    return printed.err


@pytest.mark.parametrize("path", ["none.yaml", "no/such/folder.yaml", "x" * 5000, ""])
def test_a_file_that_is_not_there(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = _error(path, capsys)
    assert "no such file" in text or "cannot be read" in text or "is a directory" in text


def test_without_a_name_it_is_smithd_yaml_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["check"]) == 2
    assert capsys.readouterr().err.startswith("smithd.yaml: there is no such file\n")


def test_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "this is a directory" in _error(str(tmp_path), capsys)


def test_a_file_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root, who runs some tests, may read everything
    assert "permission denied" in _error(str(tmp_path / "a.yaml"), capsys)


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"a: 1\nb: caf\xe9\n", "2:7", "not UTF-8: byte 0xE9, the file's byte 12"),
        ("a: ü\nb: \udc80".encode("utf-8", "surrogatepass"), "2:4", "not UTF-8"),
        (b"a: \xff\xfe", "1:4", "not UTF-8"),
        ("a: 1\n".encode("utf-16"), "1:1", "UTF-16"),
        (b"a: 1\nb: \0\n", "2:4", "U+0000 is not allowed"),
        (b"a: \x1b[31m\n", "1:4", "U+001B is not allowed"),
        (b"\x89PNG\r\n\x1a\n", "1:1", "not UTF-8"),
        (b"\x7fELF\x02", "1:1", "U+007F is not allowed"),
        (b"a" * 10_000_001, "1:1", "larger than 10 MB"),
    ],
)
def test_a_file_that_is_no_text(
    content: bytes, place: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    text = _error(str(path), capsys)
    assert text.startswith(f"{path}:{place}: ")
    assert words in text
    assert "\x1b" not in text


def test_an_endless_file_is_read_no_further_than_it_is_worth(capsys: pytest.CaptureFixture[str]) -> None:
    assert "larger than 10 MB" in _error("/dev/zero", capsys)


SOUND = """
activitysmith: {api_key: "${file:key}"}
sources: {shop: {type: http_json, url: "http://127.0.0.1", metrics: {orders: $.orders}}}
state: sqlite:///state.db
"""


def test_a_pipe_is_read_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "smithd.yaml"
    os.mkfifo(pipe)
    # More than fits into a pipe.
    threading.Thread(target=pipe.write_text, args=(SOUND + "#" * 200_000 + "\n",), daemon=True).start()
    assert run(["check", str(pipe)]) == 0
    assert "is fine" in capsys.readouterr().out


def test_a_pipe_that_nobody_writes_into_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("smithd.config.files.PIPE_TIMEOUT", 0.01)
    pipe = tmp_path / "key"
    os.mkfifo(pipe)
    assert "cannot be read: it is a pipe, and nothing came for 0.01 s" in _error(str(pipe), capsys)
    (tmp_path / "smithd.yaml").write_text(SOUND)
    assert run(["check", str(tmp_path / "smithd.yaml")]) == 0
    assert "${file:key} cannot be read: it is a pipe" in capsys.readouterr().out
