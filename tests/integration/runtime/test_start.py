import socket

from tests.support.tiny_process import StartService


def test_unknown_setting_stops_the_start_with_one_line(start_service: StartService) -> None:
    service = start_service(prot="8000")
    assert service.exit_status() == 2
    (line,) = service.log().splitlines()
    assert line == "EMOTION_TINY_PROT: unknown setting; did you mean EMOTION_TINY_PORT?"


def test_port_in_use_stops_the_start_and_closes_resources(start_service: StartService) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        service = start_service(port=str(port))
        assert service.exit_status() not in (0, 2)
    opening, error, closed = service.log().splitlines()
    assert "opening" in opening
    assert "ERROR" in error
    assert "address already in use" in error
    assert str(port) in error
    assert "closed" in closed
