"""The recipe of the image is held to its rules everywhere; it is built and run where there is a builder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from e2e.test_run import configured, data
from e2e.world import wait_until, world
from smithd.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
Instruction = tuple[str, str]


def recipe() -> list[Instruction]:
    """The instructions of the Containerfile: a word, and the rest without line continuations."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Containerfile").read_text()).replace("\\\n", " ")
    return [(line.split()[0], " ".join(line.split()[1:])) for line in text.splitlines() if line.strip()]


def of(word: str) -> list[str]:
    return [rest for found, rest in recipe() if found == word]


def environment() -> dict[str, str]:
    """What the image has in its environment."""
    return dict(pair.split("=", 1) for rest in of("ENV") for pair in shlex.split(rest))


def command_of(rest: str) -> list[str]:
    words: list[str] = json.loads(rest[rest.index("[") :])
    return words


def test_the_base_is_named_with_its_versions_and_is_the_same_in_both_stages() -> None:
    (base,) = of("ARG")
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)
    assert of("FROM") == ["${BASE} AS build", "${BASE}"]


def test_it_does_not_run_as_root_and_the_user_is_a_number() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", of("USER")[-1])
    after = [word for word, _ in recipe()][[word for word, _ in recipe()].index("USER") :]
    assert "RUN" not in after


def test_everything_that_is_installed_has_a_hash_or_comes_from_what_had_one() -> None:
    commands = [part.strip() for rest in of("RUN") for part in rest.split("&&")]
    of_pip = [part for part in commands if part.startswith("pip ")]
    assert len(of_pip) == 3
    assert all("--require-hashes" in part or "--no-deps --no-index" in part for part in of_pip)
    assert not [part for part in commands if re.match(r"apt|curl|wget|git", part)]


def test_no_secret_is_built_in() -> None:
    assert of("ARG") == [rest for rest in of("ARG") if rest.startswith("BASE=")]
    assert not [name for name in environment() if re.search("KEY|TOKEN|SECRET|PASSWORD", name)]
    assert environment()["CREDENTIALS_DIRECTORY"] == "/run/secrets"
    copied = {source for rest in of("COPY") if "--from" not in rest for source in rest.split()[:-1]}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert copied <= {name.split("/")[0] for name in tracked}
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied if not name.endswith(".md")} | {"*", "!*.md"} <= set(allowed)


def test_what_it_writes_are_the_volume_and_the_folder_of_the_socket() -> None:
    assert of("VOLUME") == [environment()["STATE_DIRECTORY"]]
    made = " ".join(of("RUN"))
    assert all(
        f"-o 65532 -g 65532 -m 0700 {environment()[name]}" in made for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY")
    )


def test_what_it_starts_and_the_health_check_are_commands_for_the_same_configuration() -> None:
    start, health = command_of(of("ENTRYPOINT")[0]) + command_of(of("CMD")[0]), command_of(of("HEALTHCHECK")[0])
    assert start == ["smithd", "run", "-c", "/etc/smithd/smithd.yaml"]
    assert health == ["smithd", "status", "-c", "/etc/smithd/smithd.yaml"]
    assert {start[1], health[1]} <= set(COMMANDS)


def test_what_is_copied_is_all_that_the_build_needs(tmp_path: Path) -> None:
    tools = Path(sys.prefix) / "build"
    if not tools.exists():
        pytest.skip(f"needs the locked build tools in {tools}: 'make test' puts them there")
    folder, made = tmp_path / "smithd", tmp_path / "wheel"
    folder.mkdir()
    for name in (source for rest in of("COPY") if "--from" not in rest for source in rest.split()[:-1]):
        found = ROOT / name
        if found.is_dir():
            shutil.copytree(found, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, folder / name)
    pip = [sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "--no-index", "--find-links", str(tools)]
    done = subprocess.run([*pip, "-w", str(made), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(made.glob("smithd-*.whl"))


def test_with_the_image_s_environment_the_health_check_succeeds_while_it_runs_only(tmp_path: Path) -> None:
    folders = {name: tmp_path / name.lower() for name in environment() if name.endswith("_DIRECTORY")}
    for folder in folders.values():
        folder.mkdir()
    # The path of a socket has a hundred characters at most.
    short = tempfile.TemporaryDirectory(prefix="smithd-")
    folders["RUNTIME_DIRECTORY"] = Path(short.name)
    # As in the image, there is no home; and the folder of the configuration is not written.
    inside = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **{name: str(path) for name, path in folders.items()}}
    with world(data()) as (service, _, url):
        (tmp_path / "etc").mkdir()
        config = configured(tmp_path / "etc", "${credential:activitysmith_key}", url)
        config.write_text(re.sub(r"(?m)^state:.*\n", "", config.read_text()))
        (folders["CREDENTIALS_DIRECTORY"] / "activitysmith_key").write_text(service.key)

        def healthy() -> bool:
            command = [sys.executable, "-m", "smithd", "status", "-c", str(config)]
            return subprocess.run(command, env=inside, capture_output=True, check=False).returncode == 0

        assert not healthy()
        with short, subprocess.Popen([sys.executable, "-m", "smithd", "run", "-c", str(config)], env=inside) as daemon:
            try:
                wait_until(healthy, what="the health check to succeed")
                wait_until(lambda: len(service.of("metric-value")) == 1, what="the first value")
            finally:
                daemon.terminate()
        assert daemon.returncode == 0
        assert not healthy()
    assert [path.name for path in (tmp_path / "etc").iterdir()] == ["smithd.yaml"]
    assert (folders["STATE_DIRECTORY"] / "smithd.db").exists()


def test_the_compose_example_runs_it_read_only_without_rights_and_keeps_its_state() -> None:
    compose = yaml.safe_load((ROOT / "examples/container/compose.yaml").read_text())
    service = compose["services"]["smithd"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert environment()["RUNTIME_DIRECTORY"] in service["tmpfs"]
    assert f"state:{environment()['STATE_DIRECTORY']}" in service["volumes"]
    assert set(service["secrets"]) == set(compose["secrets"])
    build = service["build"]
    assert (ROOT / "examples/container" / build["context"] / build["dockerfile"]).resolve() == ROOT / "Containerfile"


def builder() -> str | None:
    """The program that builds and runs images here; None where there is none, or it does not run."""
    for name in filter(shutil.which, ("podman", "docker")):
        if subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    return None


@contextmanager
def running(program: str, image: str, config: Path) -> Iterator[str]:
    name = f"{image}-{os.getpid()}"
    command = [program, "run", "-d", "--name", name, "--read-only", "--tmpfs", "/run/smithd", "--tmpfs", "/tmp"]
    rights = ["--cap-drop", "all", "--security-opt", "no-new-privileges", "--network", "none"]
    volumes = ["-v", f"{config}:/etc/smithd/smithd.yaml:ro", "-v", f"{name}:/var/lib/smithd"]
    subprocess.run([*command, *rights, *volumes, image], check=True, capture_output=True)
    try:
        yield name
    finally:
        subprocess.run([program, "rm", "-f", name], check=False, capture_output=True)
        subprocess.run([program, "volume", "rm", name], check=False, capture_output=True)


@pytest.mark.elsewhere
@pytest.mark.timeout(900)
def test_the_image_is_built_and_runs_read_only(tmp_path: Path) -> None:
    program = builder() or pytest.skip("needs podman, or docker with its daemon: apt-get install podman")
    command = [
        program,
        "build",
        "-f",
        "Containerfile",
        "-t",
        "smithd-test",
        *(["--format", "docker"] * (program == "podman")),
    ]
    subprocess.run([*command, "."], cwd=ROOT, check=True)
    config = configured(tmp_path, "not-a-real-key", "http://127.0.0.1:9")
    config.write_text(re.sub(r"(?m)^state:.*\n", "", config.read_text()))
    tmp_path.chmod(0o755)
    config.chmod(0o644)
    with running(program, "smithd-test", config) as name:

        def inside(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([program, "exec", name, *words], capture_output=True, text=True, check=False)

        deadline = time.monotonic() + 60
        while inside("smithd", "status").returncode != 0:
            assert time.monotonic() < deadline, "it is not healthy after a minute"
            time.sleep(0.5)
        assert inside("id", "-u").stdout.strip() == "65532"
        assert inside("ls", "/var/lib/smithd").stdout.split()[0] == "smithd.db"
        assert inside("touch", "/opt/smithd/x").returncode != 0
