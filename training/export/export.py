"""Exports a run as a version that TensorFlow Serving can load.

``python -m training.export.export --run runs/first --data fer2013.csv --repo model_repo --version 1``
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and export."""
    # Before TensorFlow is loaded, hence the imports below: where it sees a GPU, Keras may choose kernels that
    # a model server without one can't run.
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    # Whatever trained it: the graph is TensorFlow's.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from training.config import RecipeError
    from training.data.fer2013 import DatasetError
    from training.export import registry
    from training.export.publish import publish
    from training.export.registry import ModelError
    from training.run_dir import RunError

    parser = argparse.ArgumentParser(prog="python -m training.export.export", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--data", type=Path, required=True, help="the published fer2013.csv")
    parser.add_argument("--repo", type=Path, default=registry.REPOSITORY)
    parser.add_argument("--version", type=_version, help="by default the next free number")
    options = parser.parse_args(arguments)
    version = options.version or max(registry.versions(options.repo), default=0) + 1
    try:
        folder = publish(options.run, options.data, options.repo, version)
    except (DatasetError, ModelError, RecipeError, RunError, OSError) as error:
        sys.exit(f"export: {error}")
    print(f"exported {folder} ({registry.bytes_on_disk(folder) / 1e6:.1f} MB); `make evaluate` writes its figures")


def _version(text: str) -> int:
    version = int(text)
    if version < 1:
        raise argparse.ArgumentTypeError("versions count from 1")
    return version


if __name__ == "__main__":
    main()
