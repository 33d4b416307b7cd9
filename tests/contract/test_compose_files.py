"""The Compose files match their documented variables and the settings of the services."""

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
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text))  # $$ is an escaped dollar


def test_documented_variables_are_those_in_use() -> None:
    described = re.findall(r"^#?(EMOTION_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    used = set[str]().union(*(interpolated(file.read_text()) for file in COMPOSE_FILES))
    assert sorted(described) == sorted(used)


def test_documented_defaults_match_the_files() -> None:
    described = dict(re.findall(r"^#(EMOTION_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    main = (ROOT / "docker-compose.yml").read_text()
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", main))
    assert {name: described[name] for name in defaults} == defaults


def test_compose_passes_only_variables_that_are_settings() -> None:
    known = {f"{cls.model_config['env_prefix']}{name}".upper() for cls in SETTINGS for name in cls.model_fields}
    passed = {
        name for file in COMPOSE_FILES for name in re.findall(r"^ +(EMOTION_\w+):", file.read_text(), re.MULTILINE)
    }
    assert passed <= known


def test_swap_and_process_count_are_limited() -> None:
    main = (ROOT / "docker-compose.yml").read_text()
    services = len(re.findall(r"^    <<: \*service$", main, re.MULTILINE))
    limits = re.findall(r"^    mem_limit: (\S+).*\n    memswap_limit: (\S+)\n    pids_limit: \d+", main, re.MULTILINE)
    assert len(limits) == services > 0
    assert all(memory == with_swap for memory, with_swap in limits)


def test_health_check_kills_a_frozen_process_within_its_timeout() -> None:
    text = DOCKERFILE.read_text()
    checks = re.findall(r"^HEALTHCHECK .*--timeout=(\d+)s .*\\\n +CMD (.*)$", text, re.MULTILINE)
    assert len(checks) == 3
    for timeout_s, command in checks:
        assert '"--kill-after=3"' in command
        assert int(timeout_s) >= 3 * (2 * TIMEOUT_S)  # two requests, and time to start on a busy machine


def test_images_share_their_base() -> None:
    bases = re.findall(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1


def test_each_built_service_is_a_stage_of_the_dockerfile() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    for file in COMPOSE_FILES:
        for target, service in re.findall(r"target: (\w+), args: \{SERVICE: (\w+)\}", file.read_text()):
            assert target == service
            assert target in stages


def test_gateway_image_has_no_tensorflow() -> None:
    assert "tensorflow" not in (ROOT / "requirements" / "gateway.lock").read_text()
