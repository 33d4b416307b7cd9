from collections.abc import Mapping

class Config:
    def __init__(self, *, retries: Mapping[str, int | str] = ..., proxies: Mapping[str, str] = ...) -> None: ...
