"""Redis entries as a camera host could write them, followed by requests to the gateway."""

from collections.abc import Iterator
from random import Random

from tests.fuzz.cases import Case, Writes
from tests.fuzz.decoders import redis_fields, values
from tests.fuzz.image_cases import mutated_image, samples
from tests.fuzz.strategy_values import strategy_values

Command = tuple[bytes, ...]

KEPT = b"cam0"
"""The camera whose entries no case changes."""

KEPT_PATH = "/predict?camera=cam0"
"""This request must succeed whatever other cameras contain."""

_SCORES = (b"0", b"inf", b"-inf", b"1e300", b"9999999999", b"-1")
_ENTRY_IDS = (b"*", b"*", b"*", b"*", b"1-1", b"18446744073709551615-18446744073709551615", b"999999999999999-0")


def redis_cases(random: Random) -> Iterator[Case]:
    """Yield writes to the keys of a camera, and requests that read them."""
    frames, statuses = (strategy_values(redis_fields(name), random, 20) for name in ("frame", "camera status"))
    texts = strategy_values(values, random, 20)
    while True:
        camera = f"fuzz{random.randrange(50)}"
        key = camera.encode()
        member = key if random.random() < 0.9 else next(texts)
        commands: list[Command] = [(b"DEL", *keys_of(key)), (b"ZADD", b"cameras", random.choice(_SCORES), member)]
        for kind in random.choices(("frame", "status", "type", "list"), [6, 4, 1, 1], k=random.randint(1, 3)):
            match kind:
                case "frame":
                    commands.append(_frame(key, next(frames), random))
                case "status":
                    commands.append((b"HSET", b"camera:" + key, *_flat(next(statuses))))
                case "type":
                    commands.append((b"SET", random.choice((b"frames:", b"camera:")) + key, next(texts)))
                case _:
                    commands.append((b"RPUSH", random.choice((b"frames:", b"camera:")) + key, next(texts)))
        paths = [f"/predict?camera={camera}", f"/cameras/{camera}/frame.jpg", "/cameras", KEPT_PATH, "/predict"]
        yield Case("redis", Writes(tuple(commands), tuple(random.sample(paths, 2))))


def _frame(key: bytes, fields: dict[bytes, bytes], random: Random) -> Command:
    if random.random() < 0.6:
        fields[b"jpeg"] = mutated_image(random) if random.random() < 0.5 else random.choice(samples())
        if random.random() < 0.7:
            fields |= {b"delay_us": b"1000", b"captured_at": b"1"}
    return (b"XADD", b"frames:" + key, b"MAXLEN", b"4", random.choice(_ENTRY_IDS), *_flat(fields))


def keys_of(camera: bytes) -> tuple[bytes, ...]:
    """Return the keys of a camera."""
    return tuple(prefix + camera for prefix in (b"frames:", b"camera:", b"results:", b"lease:"))


def _flat(fields: dict[bytes, bytes]) -> tuple[bytes, ...]:
    return tuple(part for pair in (fields or {b"": b""}).items() for part in pair)
