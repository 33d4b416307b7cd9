"""Redis clients with the options that every service needs. A client connects with its first command."""

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

_OPTIONS: dict[str, Any] = {
    # RESP2 works with every Redis, Valkey and managed service.
    "protocol": 2,
    # By default redis-py sends CLIENT SETINFO, a command of Redis 7.2.
    "driver_info": None,
}


def redis_client(url: str, timeout_s: float) -> redis.Redis:
    """Return a blocking client that fails at once if a command fails.

    Args:
        url: May hold a password, which only the client keeps.
        timeout_s: Limit for connecting and for each reply.
    """
    return redis.Redis.from_url(
        url, **_OPTIONS, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )


def async_redis_client(
    url: str, timeout_s: float, max_connections: int = 100, parser_class: type | None = None
) -> redis.asyncio.Redis:
    """Return an asyncio client that retries a command once, at once, if its connection is lost.

    After a restart of Redis every pooled connection is closed; the retry opens a new one.

    Args:
        url: May hold a password, which only the client keeps.
        timeout_s: Limit for connecting and for each reply.
        max_connections: Size of the connection pool.
        parser_class: Replaces redis-py's parser of replies.
    """
    parser: dict[str, Any] = {} if parser_class is None else {"parser_class": parser_class}
    return redis.asyncio.Redis.from_url(
        url,
        **_OPTIONS,
        **parser,
        max_connections=max_connections,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=AsyncRetry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
