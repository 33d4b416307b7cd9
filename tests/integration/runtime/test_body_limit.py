from tests.support.tiny_process import Service
from tests.support.tiny_service import BODY_LIMIT

HEAD = b"POST /raw HTTP/1.1\r\nHost: tiny\r\n"


def is_413(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 413 ") and b"content-type: application/problem+json" in answer


def test_content_length_over_the_limit_is_rejected_before_the_body(service: Service) -> None:
    with service.raw() as connection:
        connection.send(HEAD + b"Content-Length: 1000000000000\r\n\r\n")
        assert is_413(connection.read_until(b"}"))


def test_expect_100_continue_is_rejected_for_a_large_body(service: Service) -> None:
    with service.raw() as connection:
        connection.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
        assert is_413(connection.read_until(b"}"))


def test_chunked_body_is_rejected_at_the_limit_before_its_end(service: Service) -> None:
    with service.raw() as connection:
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.send(b"%x\r\n%s\r\n" % (BODY_LIMIT, b"x" * BODY_LIMIT))
        connection.send(b"1\r\nx\r\n")
        assert is_413(connection.read_until(b"}"))


def test_chunked_body_within_the_limit_is_read(service: Service) -> None:
    with service.raw() as connection:
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (BODY_LIMIT, b"x" * BODY_LIMIT))
        answer = connection.read_until(b"%d" % BODY_LIMIT)
        assert answer.startswith(b"HTTP/1.1 200 ")


def test_connection_is_reusable_after_a_rejected_body(service: Service) -> None:
    with service.client() as client:
        assert client.post("/raw", content=b"x" * 40 * BODY_LIMIT).status_code == 413
        assert client.post("/raw", content=b"x").json() == 1


def test_many_rejected_bodies_on_one_connection(service: Service) -> None:
    with service.client() as client:
        body = b"x" * 12 * 2**20
        assert {client.post("/raw", content=body).status_code for _ in range(8)} == {413}


def test_endless_rejected_body_is_disconnected(service: Service) -> None:
    with service.raw() as connection:
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (2**20, b"x" * 2**20)
        assert is_413(connection.send_until_closed(chunk, at_most=200))


def test_route_that_ignores_the_body_responds(service: Service) -> None:
    with service.client() as client:
        body = b"x" * 4 * BODY_LIMIT
        assert client.request("GET", "/healthz", content=body).status_code == 200
        assert client.request("POST", "/nothing-here", content=body).status_code == 404
        assert client.request("GET", "/healthz").status_code == 200
