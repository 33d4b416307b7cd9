from typing import Any

def client(
    service_name: str,
    *,
    endpoint_url: str,
    region_name: str,
    aws_access_key_id: str,
    aws_secret_access_key: str,
    config: Any = ...,
) -> Any: ...
