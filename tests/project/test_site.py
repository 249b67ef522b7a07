"""The documentation site: every page has its place, every link leads somewhere, and nothing comes from elsewhere."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from browser import browsing

ROOT = Path(__file__).parents[2]
SITE: dict[str, Any] = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
WHEEL: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
    "wheel"
]["shared-data"]


def pages() -> set[str]:
    """The pages of the documentation, by their path from the root."""
    found = [ROOT / name for name in WHEEL]
    files = [file for place in found for file in ([place] if place.is_file() else place.rglob("*.md"))]
    return {file.relative_to(ROOT).as_posix() for file in files if file.suffix == ".md"}


def places(nav: list[dict[str, Any]]) -> list[str]:
    """The pages that a part of the nav names."""
    entries = [entry for item in nav for entry in item.values()]
    return [page for entry in entries for page in ([entry] if isinstance(entry, str) else places(entry))]


def built(folder: Path) -> tuple[int, str]:
    """Build the site of the pages in ``folder``, into ``folder/site``: exit status, and what was said."""
    command = (sys.executable, "-m", "zensical", "build", "--strict", "--clean")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the pages, laid out as ``make docs`` does it."""
    if find_spec("zensical") is None:
        pytest.skip("needs the builder of the site: 'make docs' puts it into .venv")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    for name in WHEEL:
        place = tmp_path / SITE["docs_dir"] / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
    return tmp_path


def test_every_page_has_its_place_in_the_nav() -> None:
    named = places(SITE["nav"])
    assert len(named) == len(set(named))
    assert pages() - set(named) == set(), "add them to the nav in zensical.toml"
    assert set(named) - pages() == set(), "the nav in zensical.toml names pages that are not there"


def test_the_site_has_what_the_wheel_has() -> None:
    listed = re.search(r"^PAGES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed is not None
    assert sorted(listed[1].split()) == sorted(WHEEL)


def test_every_link_to_a_file_leads_to_one_that_the_site_has() -> None:
    for page in sorted(pages()):
        for link in re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text()):
            if "://" not in link:
                file = (ROOT / page).parent.joinpath(link).resolve().relative_to(ROOT)
                assert (ROOT / file).is_file(), f"{page} links to {link}, which is no file"
                assert any(file.is_relative_to(part) for part in WHEEL), f"{page} links to {link}, which the site lacks"


@pytest.mark.parametrize("link", ["docs/no-such-page.md", "docs/rules.md#no-such-part", "#no-such-part"])
def test_a_link_that_leads_nowhere_is_found(folder: Path, link: str) -> None:
    with (folder / SITE["docs_dir"] / "README.md").open("a") as page:
        page.write(f"\n[lost]({link})\n")
    status, said = built(folder)
    assert status != 0
    assert "README.md" in said


def test_the_site_is_built_searched_and_complete_without_a_network(folder: Path, chromium: str) -> None:
    status, said = built(folder)
    assert status == 0, said
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder / "site")))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        asyncio.run(search(chromium, f"http://127.0.0.1:{server.server_port}/"))
    finally:
        server.shutdown()
        server.server_close()


async def search(chromium: str, here: str) -> None:
    """Look for a word, as a person does."""
    async with browsing(chromium) as (page, errors):
        asked = list[str]()
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(here)
        await page.get_by_role("button", name="Search").first.click()
        await page.keyboard.type("keep_firing_for")
        await page.locator("a[href*='rules.html']").last.wait_for()
        assert errors == []
        assert len(asked) > 3
        assert [url for url in asked if not url.startswith((here, "data:", "blob:"))] == []


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
