import grpc
import pytest

from services.serving.errors import NotFoundError
from services.serving.monitoring import Monitoring
from services.serving.series import Counter, Distribution, exponential


def test_a_counter_has_the_originals_form() -> None:
    counter = Counter("/tensorflow/serving/request_count", ("model_name", "status"))
    counter.add("m", "OK")
    counter.add("m", "OK", amount=2)
    counter.add('a"b\\c\n', "NOT_FOUND")
    assert list(counter.lines()) == [
        "# TYPE :tensorflow:serving:request_count counter",
        ':tensorflow:serving:request_count{model_name="m",status="OK"} 3',
        ':tensorflow:serving:request_count{model_name="a\\"b\\\\c\\n",status="NOT_FOUND"} 1',
    ]


def test_a_distribution_counts_up_to_each_limit() -> None:
    distribution = Distribution("/latency", (10, 18.0), ("api",))
    for value in (1, 10, 11, 1000):
        distribution.observe(value, "Predict")
    assert list(distribution.lines()) == [
        "# TYPE :latency histogram",
        ':latency_bucket{api="Predict",le="10"} 2',
        ':latency_bucket{api="Predict",le="18"} 3',
        ':latency_bucket{api="Predict",le="+Inf"} 4',
        ':latency_sum{api="Predict"} 1022',
        ':latency_count{api="Predict"} 4',
    ]


def test_limits_grow_by_a_factor() -> None:
    assert exponential(10, 2, 4) == (10, 20, 40, 80)


def test_only_answers_count_for_the_time_they_took() -> None:
    monitoring = Monitoring()
    with monitoring.request("m", "GRPC"):
        pass
    with pytest.raises(NotFoundError), monitoring.request("m", "GRPC"):
        raise NotFoundError("no")
    text = monitoring.text()
    assert ':tensorflow:serving:request_count{model_name="m",status="OK"} 1' in text
    assert f':tensorflow:serving:request_count{{model_name="m",status="{grpc.StatusCode.NOT_FOUND.name}"}} 1' in text
    assert ':tensorflow:serving:request_latency_count{model_name="m",API="Predict",entrypoint="GRPC"} 1' in text
