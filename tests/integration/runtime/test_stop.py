import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor

import httpx

from tests.support.tiny_process import Service, StartService
from tests.support.waiting import wait_until


def ask(service: Service, path: str) -> httpx.Response:
    with service.client() as client:
        return client.get(path)


def in_flight(service: Service, pool: ThreadPoolExecutor, seconds: float) -> "Future[httpx.Response]":
    """Begin a request that takes its time, and return when the service is at it."""
    answer = pool.submit(ask, service, f"/sleep/{seconds}")
    service.wait_until_logged("asleep")
    return answer


def refuses(service: Service) -> bool:
    try:
        ask(service, "/healthz")
    except httpx.TransportError:
        return True
    return False


def test_on_sigterm_readiness_goes_down_then_listening_ends_and_the_request_in_flight_is_answered(
    start_service: StartService,
) -> None:
    service = start_service(drain_s="1.5")
    with ThreadPoolExecutor() as pool:
        answer = in_flight(service, pool, 4)
        assert ask(service, "/readyz").status_code == 200
        service.send_signal(signal.SIGTERM)
        ready = wait_until(lambda: (got := ask(service, "/readyz")).status_code == 503 and got, "readiness to go down")
        assert isinstance(ready, httpx.Response)
        assert ready.json()["status"] == "stopping"
        assert ask(service, "/items/2").json() == 2, "requests are taken while load balancers look elsewhere"
        wait_until(lambda: refuses(service), "listening to end")
        assert not answer.done(), "the request must still be in flight here"
        assert (answer.result().status_code, answer.result().json()) == (200, "slept")
    assert service.exit_status() == 0
    assert "closed" in service.log()
    assert "Traceback" not in service.log()


def test_an_idle_service_stops_at_once_though_connections_are_kept_alive(start_service: StartService) -> None:
    service = start_service(drain_s="0")
    with service.client() as client:
        client.get("/healthz")
        service.send_signal(signal.SIGINT)
        assert service.exit_status(5) == 0


def test_a_second_signal_ends_the_process_at_once(start_service: StartService) -> None:
    service = start_service(drain_s="60", stop_timeout_s="60")
    with ThreadPoolExecutor() as pool:
        answer = in_flight(service, pool, 60)
        service.send_signal(signal.SIGTERM)
        wait_until(lambda: ask(service, "/readyz").status_code == 503, "the first signal to be seen")
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
