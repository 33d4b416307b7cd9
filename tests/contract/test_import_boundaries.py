"""Import rules that import-linter can't express: TensorFlow, the contracts' dependencies, the environment.

Which package may import which is configured in ``.importlinter``.
"""

import ast
import sys
from fnmatch import fnmatch

import pytest

from tests.contract.sources import ROOT, Source, all_sources, read_source

CONTRACTS_MAY_USE = sys.stdlib_module_names | {"msgspec", "numpy"}

MAY_LOAD_TENSORFLOW = (
    "services/serving/*",
    # Only modules that export, load or measure a model. Training runs on any backend of Keras.
    "training/export/publish.py",
    "training/export/saved_model.py",
    "training/export/served_model.py",
    "training/evaluation/latency.py",
    "training/import_run.py",
    "bench/*",
    "tests/*",
)
LOADS_TENSORFLOW_WHERE_IT_TRAINS = ("training/models/layers.py",)
"""Modules that use TensorFlow operations instead of Keras's if TensorFlow is the backend."""
MAY_LOAD_KERAS = ("training/*",)
TENSORFLOW = ("tensorflow", "tf_keras")
KERAS = ("keras",)
TRAINING_COMMANDS = ("training.train", "training.evaluation.seed_variance")
"""Commands that must run without TensorFlow, on another backend of Keras."""
WITHOUT_TENSORFLOW = "tensorflow.core."
"""Generated protobuf modules, which do not load TensorFlow."""

MAY_USE_ENVIRONMENT = (
    "services/runtime/settings.py",
    "services/*/settings.py",
    "services/serving/__main__.py",  # TensorFlow's log level must be set before its import
    "services/serving/grpc_environment.py",  # gRPC's log level, likewise
    "services/capture/*",  # OpenCV's FFmpeg and log options, likewise
    "training/export/export.py",  # hides GPUs and other backends before TensorFlow is imported
    "launcher/*",  # hands the environment on to the processes it starts
    "bench/*",
    "tests/*",
)

SOURCES = list(all_sources())


def within(name: str, packages: frozenset[str] | tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def tensorflow_imports(source: Source) -> list[str]:
    if any(fnmatch(source.path, pattern) for pattern in (*MAY_LOAD_TENSORFLOW, *LOADS_TENSORFLOW_WHERE_IT_TRAINS)):
        return []
    keras_too = any(fnmatch(source.path, pattern) for pattern in MAY_LOAD_KERAS)
    forbidden = TENSORFLOW if keras_too else (*TENSORFLOW, *KERAS)
    return sorted(
        name for name in source.imports if within(name, forbidden) and not name.startswith(WITHOUT_TENSORFLOW)
    )


def imported_by(module: str) -> set[str]:
    """Return the files of the repository that a module imports, including its own."""
    by_module = {source.path.removesuffix(".py").replace("/", "."): source for source in SOURCES}
    needed, waiting = set(), [module]
    while waiting:
        source = by_module.get(waiting.pop())
        if source is not None and source.path not in needed:
            needed.add(source.path)
            # In "from training.data.fer2013 import Split", the module is the name before the last dot.
            waiting += [part for name in source.imports for part in (name, name.rpartition(".")[0])]
    return needed


def forbidden_environment_read(source: Source) -> bool:
    return source.uses_environment and not any(fnmatch(source.path, pattern) for pattern in MAY_USE_ENVIRONMENT)


def test_contracts_need_numpy_and_msgspec_only() -> None:
    needed = {
        name
        for source in SOURCES
        if source.path.startswith("services/contracts/")
        for name in source.imports
        if name.split(".")[0] not in CONTRACTS_MAY_USE and not within(name, ("services.contracts",))
    }
    assert needed == set()


def test_tensorflow_is_imported_in_allowed_modules_only() -> None:
    assert {source.path: names for source in SOURCES if (names := tensorflow_imports(source))} == {}


@pytest.mark.parametrize("command", TRAINING_COMMANDS)
def test_training_needs_no_tensorflow(command: str) -> None:
    needed = imported_by(command)
    assert {"training/config.py", "training/run_dir.py"} <= needed
    assert [path for path in sorted(needed) if any(fnmatch(path, pattern) for pattern in MAY_LOAD_TENSORFLOW)] == []


@pytest.mark.parametrize("path", LOADS_TENSORFLOW_WHERE_IT_TRAINS)
def test_tensorflow_is_imported_inside_functions_only(path: str) -> None:
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert not any("tensorflow" in ast.unparse(statement) for statement in module.body if is_import(statement))


def test_environment_is_used_in_allowed_modules_only() -> None:
    assert [source.path for source in SOURCES if forbidden_environment_read(source)] == []


def test_tensorflow_in_training_is_detected_and_keras_is_allowed() -> None:
    assert tensorflow_imports(read_source("training/models/cnn_bilstm.py", "import tensorflow as tf"))
    assert not tensorflow_imports(read_source("training/models/cnn_bilstm.py", "import keras"))
    assert not tensorflow_imports(read_source("training/export/saved_model.py", "import tensorflow as tf"))


@pytest.mark.parametrize("code", ["import tensorflow as tf", "from keras import layers", "from tensorflow import io"])
def test_tensorflow_in_the_gateway_is_detected(code: str) -> None:
    assert tensorflow_imports(read_source("services/gateway/model.py", code))


@pytest.mark.parametrize(
    "code",
    ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ", "from os import getenv"],
)
def test_environment_access_is_detected(code: str) -> None:
    assert forbidden_environment_read(read_source("services/gateway/app.py", code))
    assert not forbidden_environment_read(read_source("services/gateway/settings.py", code))
