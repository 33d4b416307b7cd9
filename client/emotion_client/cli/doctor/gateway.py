"""Judges the gateway, the services behind it and its cameras."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from emotion_client.cli.doctor.facts import WINDOWS, Gateway
from emotion_client.cli.doctor.findings import Finding, Level
from emotion_client.errors import AccessError, EmotionError, UnavailableError, UnreachableError
from emotion_client.results import ServiceState
from services.contracts.cameras import OFFLINE, CameraView

_COMPOSE_SERVICE = {"redis": "redis", "detector": "detector", "model": "serving"}
_WELL = ("online", "ended")
_ROLE = {"redis": "cameras' pictures", "detector": "finding faces", "model": "telling emotions"}


def judge_gateway(gateway: Gateway, system: str) -> list[Finding]:
    """Return what is to be said of the gateway.

    Args:
        gateway: What was seen of it.
        system: Where this runs, as ``sys.platform`` names it.
    """
    findings = list(_services(gateway, system))
    if gateway.error is not None:
        findings.append(_judge_error(gateway, gateway.error, system))
    if gateway.cameras is not None:
        findings += [_camera(camera, system) for camera in gateway.cameras]
        if not gateway.cameras:
            detail = "none has registered: capture isn't running, or can't reach Redis"
            findings.append(Finding(Level.WARNING, "gateway's cameras", detail, _start_capture(system)))
    return findings


def _services(gateway: Gateway, system: str) -> Iterator[Finding]:
    if gateway.readiness is None:
        return
    level = {"ready": Level.OK, "degraded": Level.WARNING}.get(gateway.readiness.status, Level.WRONG)
    detail = f"{gateway.readiness.status}, answered in {gateway.answer_ms:.0f} ms"
    yield Finding(level, f"gateway {gateway.url}", detail)
    for name, state in gateway.readiness.dependencies.items():
        yield _service(name, state, gateway, system)


def _service(name: str, state: ServiceState, gateway: Gateway, system: str) -> Finding:
    if state.ok:
        return Finding(Level.OK, name, state.detail or "answers")
    level = Level.WRONG if state.required else Level.WARNING
    role = f" (needed for {_ROLE[name]})" if name in _ROLE else ""
    remedy = ""
    if gateway.is_here and name in _COMPOSE_SERVICE:
        remedy = f"docker compose up --detach --wait {_COMPOSE_SERVICE[name]}{_or_make_run(system)}"
    return Finding(level, name, f"{state.detail}{role}", remedy)


def _judge_error(gateway: Gateway, error: EmotionError, system: str) -> Finding:
    subject = f"gateway {gateway.url}"
    host = urlsplit(gateway.url).hostname or ""
    match error:
        case UnreachableError() if gateway.is_here:
            return Finding(Level.WRONG, subject, f"not reachable: {error}", _start(system))
        case UnreachableError():
            return Finding(Level.WRONG, subject, f"not reachable: {error}", f"ping {host}")
        case AccessError(status=401):
            return Finding(Level.WRONG, subject, str(error), _set_key(system))
        case AccessError(status=421):
            return Finding(Level.WRONG, subject, str(error), f"EMOTION_GATEWAY_ALLOWED_HOSTS={host} make run")
        case UnavailableError():  # what it lacks was named among the services
            return Finding(Level.WARNING, "gateway's cameras", str(error))
    return Finding(Level.WRONG, subject, str(error))


def _camera(camera: CameraView, system: str) -> Finding:
    subject = f"camera {camera.id}"
    age = "no picture" if camera.age_ms is None else f"newest picture {camera.age_ms:.0f} ms old"
    detail = f"{camera.state}, {camera.width}×{camera.height} at {camera.fps:.1f} fps, {age}, {camera.dropped} dropped"
    if camera.state in _WELL:
        return Finding(Level.OK, subject, detail)
    if camera.state == OFFLINE:
        return Finding(Level.WRONG, subject, "offline: its capture process has gone", _start_capture(system))
    why = f": {camera.last_error}" if camera.last_error else ""
    return Finding(Level.WRONG, subject, f"{detail}{why}")


def _start(system: str) -> str:
    return f"docker compose up --build --wait{_or_make_run(system)}"


def _or_make_run(system: str) -> str:
    return "" if system == WINDOWS else "  # without Docker: make run"


def _start_capture(system: str) -> str:
    if system == WINDOWS:
        return '$env:EMOTION_CAPTURE_CAMERAS = "cam0=0"; py -m services.capture'
    return "make capture CAMERA=0"


def _set_key(system: str) -> str:
    return '$env:EMOTION_API_KEY = "KEY"' if system == WINDOWS else "export EMOTION_API_KEY=KEY"
