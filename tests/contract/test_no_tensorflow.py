import subprocess
import sys

import pytest


@pytest.mark.parametrize("service", ["gateway", "detector", "capture"])
def test_tensorflow_is_never_loaded(service: str) -> None:
    code = (
        f"import sys, services.{service}.app; "
        "loaded = {'tensorflow', 'tensorflow.python', 'keras'} & set(sys.modules); "
        "assert not loaded, loaded"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
