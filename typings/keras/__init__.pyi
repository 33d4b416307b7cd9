from typing import Any

from keras import callbacks as callbacks
from keras import optimizers as optimizers
from keras import utils as utils

KerasTensor = Any
Model = Any

def __getattr__(name: str) -> Any: ...
