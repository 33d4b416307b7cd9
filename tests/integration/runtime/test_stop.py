import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor

import httpx

from tests.support.tiny_process import Service, StartService
from tests.support.waiting import wait_until


def get(service: Service, path: str) -> httpx.Response:
    with service.client() as client:
        return client.get(path)


def in_flight(service: Service, pool: ThreadPoolExecutor, seconds: float) -> "Future[httpx.Response]":
    """Start a slow request, and return once the service handles it."""
    answer = pool.submit(get, service, f"/sleep/{seconds}")
    service.wait_until_logged("asleep")
    return answer


def rejects_connections(service: Service) -> bool:
    try:
        get(service, "/healthz")
    except httpx.TransportError:
        return True
    return False


def test_sigterm_ends_readiness_then_listening_and_finishes_requests(
    start_service: StartService,
) -> None:
    service = start_service(drain_s="1.5")
    with ThreadPoolExecutor() as pool:
        answer = in_flight(service, pool, 4)
        assert get(service, "/readyz").status_code == 200
        service.send_signal(signal.SIGTERM)
        ready = wait_until(lambda: (got := get(service, "/readyz")).status_code == 503 and got, "readiness to go down")
        assert isinstance(ready, httpx.Response)
        assert ready.json()["status"] == "stopping"
        assert get(service, "/items/2").json() == 2, "requests are accepted until load balancers have noticed"
        wait_until(lambda: rejects_connections(service), "listening to end")
        assert not answer.done(), "the request must still be in flight"
        assert (answer.result().status_code, answer.result().json()) == (200, "slept")
    assert service.exit_status() == 0
    assert "closed" in service.log()
    assert "Traceback" not in service.log()


def test_idle_service_with_kept_alive_connections_stops_at_once(start_service: StartService) -> None:
    service = start_service(drain_s="0")
    with service.client() as client:
        client.get("/healthz")
        service.send_signal(signal.SIGINT)
        assert service.exit_status(5) == 0


def test_second_signal_ends_the_process_at_once(start_service: StartService) -> None:
    service = start_service(drain_s="60", stop_timeout_s="60")
    with ThreadPoolExecutor() as pool:
        answer = in_flight(service, pool, 60)
        service.send_signal(signal.SIGTERM)
        wait_until(lambda: get(service, "/readyz").status_code == 503, "the first signal to be seen")
        service.send_signal(signal.SIGTERM)
        assert service.exit_status(5) == -signal.SIGTERM
        assert isinstance(answer.exception(), httpx.TransportError)


def test_request_that_outlasts_the_shutdown_gets_a_problem(start_service: StartService) -> None:
    service = start_service(drain_s="0", stop_timeout_s="1")
    with ThreadPoolExecutor() as pool:
        answer = in_flight(service, pool, 60)
        service.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 503
        assert answer.result().json()["type"] == "urn:emotion:problem:stopping"
        assert answer.result().headers["retry-after"] == "1"
    assert service.exit_status() == 0


def test_start_in_progress_is_aborted(start_service: StartService) -> None:
    service = start_service(start_s="60")
    service.wait_until_logged("opening")
    began = time.monotonic()
    service.send_signal(signal.SIGTERM)
    assert service.exit_status() == 0
    assert time.monotonic() - began < 5
    assert "closed" in service.log(), "what was opened must be closed"
    assert "Traceback" not in service.log()
