from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from services.serving.errors import InvalidArgumentError
from services.serving.model_config import ModelConfig, to_model_configs
from services.serving.version_policy import ALL_VERSIONS, NEWEST_VERSION, VersionPolicy


def read(text: str) -> tuple[ModelConfig, ...]:
    return to_model_configs(text_format.Parse(text, ModelServerConfig()))


def one(rest: str) -> str:
    return f'model_config_list {{ config {{ name: "m" base_path: "/m" model_platform: "tensorflow" {rest} }} }}'


def test_several_models() -> None:
    text = """
    model_config_list {
      config { name: "a" base_path: "/models/a" model_platform: "tensorflow" }
      config {
        name: "b" base_path: "/models/b" model_type: TENSORFLOW
        version_labels { key: "stable" value: 1 }  version_labels { key: "canary" value: 2 }
      }
    }
    """
    assert read(text) == (
        ModelConfig("a", Path("/models/a")),
        ModelConfig("b", Path("/models/b"), NEWEST_VERSION, {"stable": 1, "canary": 2}),
    )


@pytest.mark.parametrize("text", ["", "model_config_list {}"])
def test_no_model_is_a_configuration_too(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    ("policy", "meant"),
    [
        ("", NEWEST_VERSION),
        ("model_version_policy { latest {} }", NEWEST_VERSION),
        ("model_version_policy { latest { num_versions: 3 } }", VersionPolicy(latest=3)),
        ("model_version_policy { all {} }", ALL_VERSIONS),
        ("model_version_policy: {specific: {versions: [1, 4]}}", VersionPolicy(specific=frozenset({1, 4}))),
    ],
)
def test_policies(policy: str, meant: VersionPolicy) -> None:
    assert read(one(policy))[0].policy == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (one('} config { name: "m" base_path: "/n" model_platform: "tensorflow"'), "list model m multiple times"),
        (one("").replace('"/m"', '"m"'), "Expected model m to have an absolute path or URI; got base_path()=m"),
        (one("").replace('"m" b', '"" b'), "has no name"),
        (one("model_type: TENSORFLOW"), "Illegal setting both model_type(deprecated) and model_platform."),
        (one("").replace('model_platform: "tensorflow"', ""), "Illegal setting neither model_type(deprecated)"),
        (one("").replace('"tensorflow"', '"pytorch"'), "Model m has platform pytorch; only tensorflow is supported."),
        (one("model_version_policy { specific {} }"), "a specific version policy that lists no version"),
        ('custom_model_config { type_url: "t" }', "does not yet support custom model config"),
    ],
)
def test_what_cannot_be_used(text: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        read(text)
    assert message in str(caught.value)
