"""Privileges of the containers, and contents of the images."""

import re

import pytest

from tests.e2e.docker import docker, inspect, run_in_image
from tests.e2e.stack import OWN_IMAGES, SERVICES, Stack

BASE = "python:3.12-slim-bookworm"
MEGABYTE = 1_000_000
PACKAGES = "/opt/venv/lib/python3.12/site-packages"


@pytest.mark.parametrize(("service", "limit_mb"), [("gateway", 200), ("capture", 300), ("detector", 300)])
def test_image_adds_little_to_its_base(stack: Stack, service: str, limit_mb: int) -> None:
    if not docker("images", "--quiet", BASE):  # not available if the build pulled it
        docker("pull", "--quiet", BASE)
    added = inspect(str(inspect(stack.container(service))["Image"]))["Size"] - inspect(BASE)["Size"]
    assert 0 < added <= limit_mb * MEGABYTE


@pytest.mark.parametrize("service", OWN_IMAGES)
def test_only_the_model_server_image_contains_tensorflow(stack: Stack, service: str) -> None:
    image = str(inspect(stack.container(service))["Image"])
    names = run_in_image(
        image, "python", "-c", "import importlib.metadata as m; print(*{d.name for d in m.distributions()})"
    )
    assert not [name for name in names.split() if name.startswith(("tensorflow", "keras"))]
    files = run_in_image(image, "find", PACKAGES, "-path", "*tensorflow*", "-type", "f")
    assert [file for file in files.split() if not file.endswith(("_pb2.py", "_pb2_grpc.py", "/__init__.py"))] == []
    assert bool(files) == (service == "gateway")


@pytest.mark.parametrize("service", SERVICES)
def test_container_runs_as_a_numeric_user_without_capabilities(stack: Stack, service: str) -> None:
    container = inspect(stack.container(service))
    host = container["HostConfig"]
    user, _, group = container["Config"]["User"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] > 0
    assert host["MemorySwap"] == host["Memory"], "what is in its memory could be swapped to a disk"
    assert 0 < host["PidsLimit"] <= 1024
    assert host["NanoCpus"] > 0
    assert host["Init"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}
    assert not [mount for mount in container["Mounts"] if mount["RW"]]


@pytest.mark.parametrize("service", SERVICES)
def test_only_tmpfs_is_writable(stack: Stack, service: str) -> None:
    places = "/ /app /opt /tmp /var /var/tmp /home /run /data /models /usr/local /dev"
    script = f'for at in {places}; do touch "$at/probe" 2>/dev/null && stat -f -c %T "$at"; done; true'
    kinds = docker("exec", stack.container(service), "sh", "-c", script)
    assert set(kinds.split()) == {"tmpfs"}


@pytest.mark.parametrize("service", SERVICES)
def test_core_dumps_and_open_files_are_limited(stack: Stack, service: str) -> None:
    written = docker("exec", stack.container(service), "sh", "-c", "cat /proc/[0-9]*/limits 2>/dev/null")
    core = re.findall(r"^Max core file size +(\S+) +(\S+)", written, re.MULTILINE)
    assert len(core) >= 2, "its init and the service itself"
    assert set(core) == {("0", "0")}
    assert set(re.findall(r"^Max open files +(\S+) +(\S+)", written, re.MULTILINE)) == {("4096", "4096")}


@pytest.mark.parametrize("service", SERVICES)
def test_written_files_are_not_executable(stack: Stack, service: str) -> None:
    mounts = docker("exec", stack.container(service), "cat", "/proc/mounts").splitlines()
    writable = {
        path: set(options.split(","))
        for _, path, kind, options, *_ in (line.split() for line in mounts)
        if kind == "tmpfs" and "rw" in options.split(",") and path in ("/tmp", "/data", "/dev/shm")
    }
    assert {"/tmp", "/dev/shm"} <= writable.keys()
    assert all({"noexec", "nosuid", "nodev"} <= options for options in writable.values())


def redis_cli(stack: Stack, command: str) -> str:
    return docker("exec", stack.container("redis"), "sh", "-c", command)


def test_redis_stores_nothing_on_disk(stack: Stack) -> None:
    def setting(name: str) -> str:
        return redis_cli(stack, f"redis-cli config get {name}").partition("\n")[2]

    assert setting("save") == ""
    assert setting("appendonly") == "no"
    assert int(setting("maxmemory")) > 0
    assert setting("maxmemory-policy") == "volatile-lru"


@pytest.mark.parametrize("command", ["save", "config set dir /tmp"])
def test_redis_commands_that_write_files_are_denied(stack: Stack, command: str) -> None:
    assert "ERR" in redis_cli(stack, f"redis-cli {command}")
    assert redis_cli(stack, "ls /data") == ""


def test_redis_rejects_a_value_over_16_mib(stack: Stack) -> None:
    def set_value(size: int) -> str:
        return redis_cli(stack, f"head -c {size} /dev/zero | redis-cli -x psetex probe 5000 2>&1 || true")

    assert set_value(16 * 1024 * 1024) == "OK"
    assert set_value(16 * 1024 * 1024 + 1) != "OK"
