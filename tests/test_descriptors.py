"""Some descriptors are left for what must never lack one, whatever else has used up all others."""

from __future__ import annotations

import subprocess
import sys

START = """
import os, resource, socket, threading
from smithd.descriptors import RESERVE, hard_limit, raise_limit, soft_limit
taken = []
def take_all():
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return len(taken)
"""


def said(program: str, limits: str) -> list[str]:
    """What a program prints that runs within limits of the shell."""
    command = ["sh", "-ec", f'{limits}\nexec "$@"', "sh", sys.executable, "-c", START + program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    program = "before = soft_limit(); raise_limit(); print(before, soft_limit(), hard_limit())"
    assert said(program, "ulimit -Sn 100; ulimit -Hn 400") == ["100", "400", "400"]


def test_what_is_kept_serves_those_that_borrow_it_and_is_there_again_afterwards() -> None:
    program = """
RESERVE.hold()
take_all()
for _ in range(50):
    with RESERVE.lent():
        socket.socket().close()
with RESERVE.lent():
    kept = [socket.socket() for _ in range(3)]
try:
    socket.socket()
except OSError:
    print("nothing else is left")
for each in kept:
    each.close()
for _ in range(50):
    with RESERVE.lent():
        socket.socket().close()
print("served")
"""
    assert said(program, "ulimit -n 100") == ["nothing", "else", "is", "left", "served"]


def test_several_threads_may_borrow_at_once() -> None:
    program = """
RESERVE.hold()
take_all()
def borrow():
    for _ in range(200):
        with RESERVE.lent():
            socket.socket().close()
threads = [threading.Thread(target=borrow) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
print(take_all() - len(taken))
"""
    assert said(program, "ulimit -n 200") == ["0"]


def test_where_the_limit_is_very_low_most_of_it_is_left_for_use() -> None:
    assert int(said("RESERVE.hold(); print(take_all())", "ulimit -n 40")[0]) >= 20


def test_many_that_stay_open_leave_half_of_what_is_kept_to_others() -> None:
    program = """
RESERVE.hold()
take_all()
kept = []
try:
    while True:
        with RESERVE.half_lent():
            kept.append(socket.socket())
except OSError:
    print(len(kept))
with RESERVE.lent():
    socket.socket().close()
print("served")
"""
    assert said(program, "ulimit -n 200") == ["16", "served"]


def test_texts_are_cut_and_cleaned_where_no_descriptor_is_left() -> None:
    program = r"""
from smithd.contract.values import clipped
from smithd.redactor import Redactor
redactor = Redactor()
redactor.add("gQ7hz9mnis")
take_all()
print(len(clipped("x" * 100)), redactor.clean(r"\u0067Q7hz9mnis"))
"""
    assert said(program, "ulimit -n 100") == ["64", "[secret]"]


def test_the_page_is_drawn_where_no_descriptor_is_left() -> None:
    program = """
from datetime import UTC
from smithd.lockscreen.page import FILES, document, fragment, static
from smithd.lockscreen.screen import Page, Screen
page = Page("smithd", "", Screen(0.0, UTC))
take_all()
print(len(document(page)) > 500, len(fragment(page)) > 100, all(static(name) for name in FILES))
"""
    assert said(program, "ulimit -n 100") == ["True"] * 3
