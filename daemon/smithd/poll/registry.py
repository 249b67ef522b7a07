"""The types of sources: those of installed packages and those of plugin files. Each is loaded when it is needed."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeVar

from smithd.plugin.options import Options
from smithd.plugin.source import Source
from smithd.poll.isolation import MetricSettings, PluginFault, call_isolated
from smithd.poll.schedule import Schedule, ScheduleOptions, fresh_for

GROUP = "smithd.sources"
"""The entry point group in which packages declare their sources: ``type = "package.module:Class"``."""

OWN_PACKAGE = "smithd"

_TYPE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

SourceClass = type[Source[Any]]
T = TypeVar("T")


class PluginError(ValueError):
    """A plugin cannot be used. The text is one line that names the plugin and says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One configured source: everything that polling it needs.

    ``timeout`` is the deadline of one poll in seconds. ``metrics`` are the names of the metrics it may bring, without
    the source's own; ``metric_settings``: what is configured for some of them. ``zone``: where its days
    begin (None: in the file's). ``fresh_for``: for how many seconds values are fresh (None: as the schedule says).
    ``secrets``: those within what the user wrote.
    ``folder``: where relative paths among its options begin.
    ``isolated``: its code runs in a thread of its own, because it blocks, or because it is a third party's and may
    block. ``given`` is what the user wrote, with secrets filled in. Two sources are equal where it and ``folder``
    are; their options are not compared, since a plugin may make them of objects of any kind.
    """

    name: str
    type: str
    source_class: SourceClass
    options: Options = field(compare=False)
    schedule: Schedule
    timeout: float
    metrics: frozenset[str]
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    isolated: bool = False
    zone: tzinfo | None = field(default=None, compare=False)
    fresh_for: float | None = field(default=None, compare=False)
    metric_settings: Mapping[str, MetricSettings] = field(default_factory=dict, compare=False)
    secrets: tuple[str, ...] = field(default=(), compare=False, repr=False)
    folder: Path = Path()

    def fresh_for_of(self, metric: str, now: float) -> float:
        """For how many seconds a value of now of one of its metrics counts as fresh."""
        usual = fresh_for(self.schedule, self.timeout, now) if self.fresh_for is None else self.fresh_for
        settings = self.metric_settings.get(metric)
        if settings is None:
            return usual
        return max(usual, settings.least_fresh_for) if settings.fresh_for is None else settings.fresh_for


class Registry:
    """The types of sources that a configuration may name."""

    def __init__(self, installed: Iterable[EntryPoint] | None = None) -> None:
        """``installed`` stands in for the entry points of the installed packages."""
        self._installed: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=GROUP) if installed is None else installed:
            claims = self._installed.setdefault(entry.name, [])
            # A package may be found twice, by two paths.
            if all(entry.value != claim.value for claim in claims):
                claims.append(entry)
        self._loaded: dict[str, SourceClass] = {}
        self._files: dict[Path, tuple[str, ...]] = {}
        self._isolated: dict[str, bool] = {}

    def names(self) -> tuple[str, ...]:
        """Every type there is, sorted. Imports nothing."""
        return tuple(sorted(self._installed.keys() | self._loaded.keys()))

    def find(self, type_name: str) -> SourceClass:
        """The class of a type. Raises KeyError where there is no such type, PluginError where it cannot be used."""
        if type_name in self._loaded:
            return self._loaded[type_name]
        entry, *others = self._installed[type_name]
        if others:
            rivals = " and ".join(claim.value for claim in (entry, *others))
            raise PluginError(
                f"two installed packages define the source type {type_name!r}: {rivals}; remove one of them"
            )
        plugin = f"plugin {entry.value} (source type {type_name!r})"
        found: Any = _call_plugin(entry.load, plugin)
        # The check looks at attributes of the class, and so may run the plugin's code too.
        if problem := _call_plugin(lambda: problem_with(found), plugin):
            raise PluginError(f"{plugin}: {problem}")
        self._loaded[type_name] = found
        return self._loaded[type_name]

    def needs_isolation(self, type_name: str) -> bool:
        """Whether a type's code must not share a thread with others: it is a third party's, or blocks by design."""
        if type_name not in self._isolated:
            packages = {_name_of(entry.dist) for entry in self._installed.get(type_name, ()) if entry.dist is not None}
            is_own = packages == {OWN_PACKAGE} and inspect.iscoroutinefunction(self._loaded[type_name].poll)
            self._isolated[type_name] = not is_own
        return self._isolated[type_name]

    def load_plugin_file(self, path: Path) -> tuple[str, ...]:
        """Run a plugin file and add each source it defines; returns their types.

        A source's type is its ``type_name``, or the name of its class in snake_case. Loading a file twice changes
        nothing. Raises PluginError where the file cannot be used.
        """
        path = path.resolve()
        if path not in self._files:
            module = _run_file(path)
            found = _call_plugin(lambda: _sources_of(module, path), f"plugin {path}")
            for type_name in found:
                owners = [str(file) for file, types in self._files.items() if type_name in types]
                owners += [f"the installed {entry.value}" for entry in self._installed.get(type_name, ())]
                if owners:
                    raise PluginError(
                        f"plugin {path} defines the source type {type_name!r}, which {owners[0]} defines already; "
                        "give the class another type_name"
                    )
            self._loaded.update(found)
            self._files[path] = tuple(found)
        return self._files[path]


@lru_cache(maxsize=100)
def _name_of(package: Distribution) -> str:
    """A package's name. Slow: each access parses the package's METADATA."""
    return package.name


def _run_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise PluginError(f"plugin {path}: there is no such file")
    if path.suffix != ".py":
        raise PluginError(f"plugin {path}: expected a Python file, with a name that ends in .py")
    content = _call_plugin(path.read_bytes, f"plugin {path}")
    # Two files may have the same name, so the path is part of the module's. The content is part of it too: a file that
    # did not change since the last reload remains the same module.
    name = f"smithd_plugin_{path.stem}_{sha256(bytes(path) + bytes(1) + content).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    loader = _Loader(name, path, content)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses and typing look up a class's module there.
    sys.modules[name] = module
    try:
        _call_plugin(lambda: loader.exec_module(module), f"plugin {path}")
    except PluginError:
        del sys.modules[name]
        raise
    return module


class _Loader(SourceFileLoader):
    """Runs the text that was read.

    Python's cache of compiled files would not do: it recognizes a file by its size and by its second of change.
    """

    def __init__(self, name: str, path: Path, content: bytes) -> None:
        super().__init__(name, str(path))
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._content, self.get_filename(fullname))


def _call_plugin(load: Callable[[], T], plugin: str) -> T:
    """What ``load`` returns. Raises PluginError for whatever goes wrong in it, an exit at import included."""
    try:
        return call_isolated(load, passing=(PluginError,), what=plugin)
    except PluginFault as fault:
        error = fault.__cause__ or fault
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if "importlib" not in frame.filename and Path(frame.filename).parent != Path(__file__).parent
        ]
        at = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        said = " ".join(str(fault).split())
        if isinstance(error, SyntaxError):
            said, at = f"{type(error).__name__}: {error.msg}", f" ({error.filename}:{error.lineno})"
        raise PluginError(f"{plugin} cannot be imported: {said}{at}") from error


def _sources_of(module: ModuleType, path: Path) -> dict[str, SourceClass]:
    """The sources that a file defines, by type; without bases of others and names with a leading underscore."""
    # Not what the file only imports, nor a second name of a class.
    defined = [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, Source) and value.__module__ == module.__name__
        if value.__name__ == name and not name.startswith("_")
    ]
    # An abstract class that others of the file inherit from is no source; one without heirs is a mistake, and reported.
    bases = {base for source in defined for base in source.__mro__[1:]}
    sources = [source for source in defined if not (inspect.isabstract(source) and source in bases)]
    if not sources:
        raise PluginError(f"plugin {path} defines no source: expected a class that inherits from smithd.plugin.Source")
    found: dict[str, SourceClass] = {}
    for source in sources:
        type_name = str(getattr(source, "type_name", None) or _WORD_START.sub("_", source.__name__).lower())
        problem = problem_with(source)
        if problem is None and type_name in found:
            problem = f"claims the source type {type_name!r}, as {found[type_name].__name__} does"
        if problem is None and not _TYPE_NAME.fullmatch(type_name):
            problem = f"has the type_name {type_name!r}: expected small letters, digits and _"
        if problem is not None:
            raise PluginError(f"plugin {path}: {source.__name__} {problem}")
        found[type_name] = source
    return found


def problem_with(found: Any) -> str | None:
    """What is wrong with the class that a plugin declares as a source; None where nothing is."""
    if not inspect.isclass(found) or not issubclass(found, Source):
        return f"expected a class that inherits from smithd.plugin.Source, found {found!r:.80}"
    options = getattr(found, "Options", None)
    if not inspect.isclass(options) or not issubclass(options, Options):
        return "must name its options model in 'Options', a class that inherits from smithd.plugin.Options"
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        return f"does not define {' and '.join(missing)}"
    if (problem := _problem_with_methods(found)) is not None:
        return problem
    if not isinstance(options.short_form, Mapping | None):
        return "has a 'short_form' in its options that is no JSON Schema: expected a dict"
    own_descriptors = getattr(found, "own_descriptors", None)
    if not isinstance(own_descriptors, int) or own_descriptors < 0:
        return "has 'own_descriptors' that are no whole number: expected how many it keeps open"
    keys = {field.alias or name for name, field in options.model_fields.items()}
    if taken := sorted(keys & ScheduleOptions.model_fields.keys()):
        return f"has an option {taken[0]!r}, a key that every source has already"
    return None


def _problem_with_methods(found: SourceClass) -> str | None:
    if not isinstance(inspect.getattr_static(found, "metrics"), classmethod):
        return "must define 'metrics' as a classmethod: metrics are known from the options alone, before any poll"
    if inspect.iscoroutinefunction(found.metrics) or not _takes(found.metrics, "options"):
        return "must define 'metrics' as def metrics(cls, options): it returns the names at once"
    if not _takes(found.__init__, "self", "options", "context"):
        return "must define '__init__' as Source does, with options and context, or leave it out"
    if not _takes(found.poll, "self"):
        return "must define 'poll' as a method without arguments: async def poll(self), or def poll(self)"
    if inspect.isasyncgenfunction(found.poll):
        return "yields from an async 'poll': return a list of samples instead"
    for name in ("open", "close"):
        method = getattr(found, name)
        if not inspect.iscoroutinefunction(method) or not _takes(method, "self"):
            return f"must define {name!r} with 'async def', and without arguments"
    return None


def _takes(function: Any, *arguments: str) -> bool:
    """Whether a function can be called with these arguments, as far as its signature says."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:
        # A function that is not written in Python may have no signature.
        return True
    return True
