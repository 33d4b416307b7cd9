"""Export a run as a version that TensorFlow Serving can load.

``python -m training.export.export --run runs/first --data fer2013.csv --repo model_repo --version 1``
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and export."""
    # Set before TensorFlow is imported, hence the imports below: if a GPU is visible, Keras may choose kernels that a
    # model server without one can't run.
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    # The exported graph is TensorFlow's, whatever backend trained the network.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from training.config import RecipeError
    from training.data.fer2013 import DatasetError
    from training.export import registry
    from training.export.publish import publish
    from training.export.registry import ModelError
    from training.run_dir import RunError

    parser = argparse.ArgumentParser(prog="python -m training.export.export", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="directory of the training run")
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--repo", type=Path, default=registry.DEFAULT_REPOSITORY, help="the model repository")
    parser.add_argument("--version", type=_version, help="number of the version (default: the next one)")
    options = parser.parse_args(arguments)
    version = options.version or max(registry.list_versions(options.repo), default=0) + 1
    try:
        directory = publish(options.run, options.data, options.repo, version)
    except (DatasetError, ModelError, RecipeError, RunError, OSError) as error:
        sys.exit(f"export: {error}")
    size = registry.size_on_disk(directory) / 1e6
    print(f"exported {directory} ({size:.1f} MB); run `make evaluate` to measure it")


def _version(text: str) -> int:
    version = int(text)
    if version < 1:
        raise argparse.ArgumentTypeError("versions start at 1")
    return version


if __name__ == "__main__":
    main()
