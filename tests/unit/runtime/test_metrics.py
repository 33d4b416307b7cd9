import uuid

import httpx
from prometheus_client.parser import text_string_to_metric_families


async def counts(client: httpx.AsyncClient) -> dict[tuple[str, str, str], float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "http_requests_total"
    }


async def test_requests_are_counted_by_route_template(client: httpx.AsyncClient) -> None:
    for item in range(20):
        await client.get(f"/items/{item}")
    await client.get("/items/x")
    await client.put("/items/1")
    await client.get("/fail")
    assert await counts(client) == {
        ("GET", "/items/{item}", "200"): 20,
        ("GET", "/items/{item}", "422"): 1,
        ("PUT", "/items/{item}", "405"): 1,
        ("GET", "/fail", "500"): 1,
    }


async def test_unknown_paths_share_one_label(client: httpx.AsyncClient) -> None:
    for _ in range(50):
        await client.get(f"/{uuid.uuid4().hex}/{uuid.uuid4().hex}")
    assert await counts(client) == {("GET", "unmatched", "404"): 50}


async def test_requests_are_timed_and_the_process_is_measured(client: httpx.AsyncClient) -> None:
    await client.get("/sleep/0.02")
    text = (await client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    seconds = {
        sample.name: sample.value
        for sample in families["http_request_seconds"].samples
        if sample.labels["route"] == "/sleep/{seconds}"
    }
    assert seconds["http_request_seconds_count"] == 1
    assert 0.02 <= seconds["http_request_seconds_sum"] < 2
    assert families["process_resident_memory_bytes"].samples[0].value > 0
