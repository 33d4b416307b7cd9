"""The Compose files and their variables agree with each other and with the services' settings."""

import re

from services.capture.settings import CaptureSettings
from services.detector.settings import DetectorSettings
from services.gateway.settings import GatewaySettings
from services.runtime.probe import TIMEOUT_S
from tests.support.processes import ROOT

COMPOSE_FILES = [ROOT / "docker-compose.yml", *sorted(ROOT.glob("compose.*.yml"))]
DOCKERFILE = ROOT / "Dockerfile"
SETTINGS = (CaptureSettings, DetectorSettings, GatewaySettings)


def interpolated(text: str) -> set[str]:
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text))  # $$ is a dollar of the command itself


def test_every_variable_is_described_and_every_described_one_is_used() -> None:
    described = re.findall(r"^#?(EMOTION_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    used = set[str]().union(*(interpolated(file.read_text()) for file in COMPOSE_FILES))
    assert sorted(described) == sorted(used)


def test_the_described_defaults_are_those_of_the_files() -> None:
    described = dict(re.findall(r"^#(EMOTION_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    main = (ROOT / "docker-compose.yml").read_text()
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", main))
    assert {name: described[name] for name in defaults} == defaults


def test_compose_passes_only_variables_that_are_settings() -> None:
    known = {f"{cls.model_config['env_prefix']}{name}".upper() for cls in SETTINGS for name in cls.model_fields}
    told = {name for file in COMPOSE_FILES for name in re.findall(r"^ +(EMOTION_\w+):", file.read_text(), re.MULTILINE)}
    assert told <= known


def test_no_service_may_swap_or_start_any_number_of_processes() -> None:
    main = (ROOT / "docker-compose.yml").read_text()
    services = len(re.findall(r"^    <<: \*service$", main, re.MULTILINE))
    limits = re.findall(r"^    mem_limit: (\S+).*\n    memswap_limit: (\S+)\n    pids_limit: \d+", main, re.MULTILINE)
    assert len(limits) == services > 0
    assert all(memory == with_swap for memory, with_swap in limits)


def test_health_checks_end_what_does_not_answer_before_docker_ends_them() -> None:
    text = DOCKERFILE.read_text()
    checks = re.findall(r"^HEALTHCHECK .*--timeout=(\d+)s .*\\\n +CMD (.*)$", text, re.MULTILINE)
    assert len(checks) == 3
    for timeout_s, command in checks:
        assert '"--kill-after=3"' in command
        assert int(timeout_s) >= 3 * (2 * TIMEOUT_S)  # two questions, and time to start on a busy machine


def test_images_share_their_base() -> None:
    bases = re.findall(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1


def test_each_service_that_compose_builds_is_a_stage_of_the_dockerfile() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    for file in COMPOSE_FILES:
        for target, service in re.findall(r"target: (\w+), args: \{SERVICE: (\w+)\}", file.read_text()):
            assert target == service
            assert target in stages


def test_the_gateways_image_is_built_without_tensorflow() -> None:
    assert "tensorflow" not in (ROOT / "requirements" / "gateway.lock").read_text()
