"""Sources are found by their type. A plugin that cannot be used is reported in one line that says where and why."""

from __future__ import annotations

from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Any

import pytest

from smithd.poll.registry import GROUP, PluginError, Registry

IMPORTS = "from smithd.plugin import Options, RawSample, Source\n\n"
GOOD = """
class {name}(Source[Options]):
    Options = Options
    {extra}

    @classmethod
    def metrics(cls, options):
        return ["level"]

    async def poll(self):
        return [RawSample("level", 1.0)]
"""


def good(name: str = "WaterButt", extra: str = "") -> str:
    return GOOD.format(name=name, extra=extra)


@pytest.fixture
def registry() -> Registry:
    return Registry(
        EntryPoint(name, value, GROUP)
        for name, value in [
            ("gone", "no_such_package:Thing"),
            ("odd", "collections:OrderedDict"),
            ("twice", "one:Thing"),
            ("twice", "two:Thing"),
        ]
    )


def load(registry: Registry, tmp_path: Path, text: str, name: str = "garden.py") -> tuple[str, ...]:
    path = tmp_path / name
    path.write_text(IMPORTS + text)
    return registry.load_plugin_file(path)


def test_the_sources_of_a_file_are_known_by_type(registry: Registry, tmp_path: Path) -> None:
    text = good() + good("HTTPBin") + good("_Hidden") + good("Named", "type_name = 'other'")
    assert load(registry, tmp_path, text) == ("water_butt", "http_bin", "other")
    assert registry.names() == ("gone", "http_bin", "odd", "other", "twice", "water_butt")
    assert registry.find("water_butt").__name__ == "WaterButt"
    with pytest.raises(KeyError):
        registry.find("nothing")


def test_a_file_is_run_once_and_may_share_its_name_with_another(registry: Registry, tmp_path: Path) -> None:
    load(registry, tmp_path, good())
    found = registry.find("water_butt")
    registry.load_plugin_file(tmp_path / "." / "garden.py")
    assert registry.find("water_butt") is found
    (tmp_path / "other").mkdir()
    assert load(registry, tmp_path / "other", good("Pond")) == ("pond",)
    assert registry.find("pond").__module__ != found.__module__


def test_a_file_is_the_same_until_it_is_edited_and_then_another_however_quickly(
    registry: Registry, tmp_path: Path
) -> None:
    load(registry, tmp_path, good())
    first = registry.find("water_butt")
    again, edited, back = Registry([]), Registry([]), Registry([])
    load(again, tmp_path, good())
    assert again.find("water_butt") is first
    load(edited, tmp_path, good().replace("1.0", "2.0"))  # of the same size, and within the same second
    assert edited.find("water_butt") is not first
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        load(Registry([]), tmp_path, "1 / 0\n")
    load(back, tmp_path, good())
    assert back.find("water_butt") is first, "a mistake in between costs nothing"


def test_imported_sources_and_unfinished_bases_are_not_the_files_own(registry: Registry, tmp_path: Path) -> None:
    load(registry, tmp_path, good())
    module = registry.find("water_butt").__module__
    base = "class Base(Source[Options]):\n    Options = Options\n"
    child = good("Child").replace("Source[Options]", "Base")
    assert load(registry, tmp_path, f"from {module} import WaterButt\n{base}{child}", "b.py") == ("child",)


def test_two_plugins_cannot_claim_one_type(registry: Registry, tmp_path: Path) -> None:
    load(registry, tmp_path, good())
    with pytest.raises(PluginError, match=r"b\.py defines the source type 'water_butt', which .*garden\.py defines"):
        load(registry, tmp_path, good(), "b.py")
    with pytest.raises(PluginError, match="'odd', which the installed collections:OrderedDict defines already"):
        load(registry, tmp_path, good("Odd"), "c.py")
    with pytest.raises(PluginError, match="two installed packages define the source type 'twice': one:Thing and two"):
        registry.find("twice")
    with pytest.raises(PluginError, match="B claims the source type 'x', as A does"):
        load(registry, tmp_path, good("A", "type_name = 'x'") + good("B", "type_name = 'x'"), "d.py")


WRONG = [
    ("1 +", r"cannot be imported: SyntaxError: invalid syntax \(.*garden\.py:3\)"),
    ("import no_such_module", r"ModuleNotFoundError: No module named 'no_such_module' .*garden\.py:3"),
    ("raise SystemExit(3)", r"cannot be imported: SystemExit: 3"),
    ("raise ValueError('two\\nlines')", r"ValueError: two lines \(.*garden\.py:3\)"),
    ("x = 1", r"garden\.py defines no source: expected a class that inherits from smithd\.plugin\.Source"),
    ("class A(Source): pass", r"garden\.py: A must name its options model in 'Options'"),
    ("class A(Source):\n    Options = dict", r"A must name its options model"),
    ("class A(Source):\n    Options = Options", r"A does not define metrics and poll"),
    (good("A").replace("@classmethod", ""), r"A must define 'metrics' as a classmethod"),
    (good("A").replace("return [R", "yield [R"), r"A yields from an async 'poll': return a list"),
    (good("A") + "    own_descriptors = 'a few'", r"A has 'own_descriptors' that are no whole number"),
    (good("A") + "    own_descriptors = -1", r"A has 'own_descriptors' that are no whole number"),
    (good("A") + "    def open(self): pass", r"A must define 'open' with 'async def'"),
    (good("A", "type_name = 'no good'"), r"A has the type_name 'no good': expected small letters, digits and _"),
    ("class O(Options):\n    every: int\n" + good("A", "Options = O"), r"A has an option 'every', a key that every"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_what_is_wrong_with_a_plugin_is_said_in_one_line(
    registry: Registry, tmp_path: Path, text: str, problem: str
) -> None:
    before = registry.names()
    with pytest.raises(PluginError, match=problem) as raised:
        load(registry, tmp_path, text)
    assert str(raised.value).startswith(f"plugin {tmp_path / 'garden.py'}")
    assert "\n" not in str(raised.value)
    assert registry.names() == before


def test_a_plugin_file_that_is_none(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="there is no such file"):
        registry.load_plugin_file(tmp_path / "nothing.py")
    with pytest.raises(PluginError, match="there is no such file"):
        registry.load_plugin_file(tmp_path)
    with pytest.raises(PluginError, match=r"expected a Python file, with a name that ends in \.py"):
        load(registry, tmp_path, good(), "garden.txt")


def test_installed_sources_that_cannot_be_used(registry: Registry) -> None:
    with pytest.raises(PluginError, match=r"plugin no_such_package:Thing \(source type 'gone'\) cannot be im"):
        registry.find("gone")
    with pytest.raises(PluginError, match=r"expected a class that inherits from smithd\.plugin\.Source, found <class"):
        registry.find("odd")


def test_the_installed_packages_are_asked() -> None:
    assert {"http_json", "prometheus", "sql"} <= set(Registry().names())


def test_third_parties_and_blocking_polls_are_isolated_and_a_package_is_asked_for_its_name_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    blocking = good("Blocking").replace("async def poll", "def poll")
    (tmp_path / "own_plugin.py").write_text(IMPORTS + good("Own") + blocking)
    (tmp_path / "other_plugin.py").write_text(IMPORTS + good("Other"))
    asked: list[str] = []

    class Package(Distribution):
        def __init__(self, package: str, *entries: str) -> None:
            self.package, self.entries = package, entries

        def read_text(self, filename: str) -> str | None:
            if filename == "entry_points.txt":
                return "\n".join([f"[{GROUP}]", *self.entries])
            asked.append(self.package)
            return f"Metadata-Version: 2.1\nName: {self.package}\n" if filename == "METADATA" else None

        def locate_file(self, path: object) -> Any:
            raise NotImplementedError

    own = Package("smithd", "own = own_plugin:Own", "blocking = own_plugin:Blocking")
    registry = Registry([*own.entry_points, *Package("other", "other = other_plugin:Other").entry_points])
    for name in ("own", "blocking", "other"):
        registry.find(name)
    for _ in range(3):
        assert not registry.needs_isolation("own")
        assert registry.needs_isolation("blocking")
        assert registry.needs_isolation("other")
    assert asked.count("smithd") == 1
