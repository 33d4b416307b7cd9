"""Mutations of bytes and values that parsers tend to mishandle."""

from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

EDGES = (0, 1, 2, 3, 0x7F, 0x80, 0xFE, 0xFF, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Integers at the limits of widths and signs."""

TEXTS = (
    "",
    " ",
    "0",
    "-0",
    "-1",
    "+1",
    "1e309",
    "-1e309",
    "1e-400",
    "NaN",
    "nan",
    "inf",
    "-Infinity",
    "0x10",
    "1_000",
    "٣",  # a non-ASCII digit
    "½",
    "9" * 19,
    "9" * 400,
    "9" * 4400,
    "0" * 4400,
    "true",
    "null",
    "[]",
    "{}",
    "a" * 300,
    "a" * 7000,
    "é" * 50,
    "\u202e\u0000x",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "🦊" * 40,
    "%",
    "%00",
    "%ff%fe",
    "..%2f..%2fetc%2fpasswd",
    "{{7*7}}",
    "${jndi:x}",
    "<script>alert(1)</script>",
    "'; DROP TABLE x; --",
    "\x1b]52;c;eA==\x07",
    "a,b;c=d",
    "." * 60,
    "*",
)
"""Texts that parsers may read as numbers, names or markup."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 1.5, -0.0, 1e308, float("nan"), float("inf"), "", "x", [], {},
    [[]], [[[[]]]], {"": {}}, [None], ["x" * 100], {"a": [1, {"b": None}]},
)  # fmt: skip
"""JSON values of every type."""


def mutated(data: bytes, random: Random, most: int = 8) -> bytes:
    """Return bytes with a few mutations: flipped bits, edge values, cuts, copies and insertions."""
    out = bytearray(data)
    for _ in range(random.randint(1, most)):
        random.choice(_CHANGES)(out, random)
    return bytes(out)


def _flip(out: bytearray, random: Random) -> None:
    if out:
        out[random.randrange(len(out))] ^= 1 << random.randrange(8)


def _edge(out: bytearray, random: Random) -> None:
    width = random.choice((1, 2, 4, 8))
    number = random.choice(EDGES) & ((1 << 8 * width) - 1)
    if len(out) >= width:
        at = random.randrange(len(out) - width + 1)
        out[at : at + width] = number.to_bytes(width, random.choice(("big", "little")))


def _cut(out: bytearray, random: Random) -> None:
    del out[random.randrange(len(out) + 1) :]


def _remove(out: bytearray, random: Random) -> None:
    at = random.randrange(len(out) + 1)
    del out[at : at + random.choice((1, 2, 4, 16, 200))]


def _copy(out: bytearray, random: Random) -> None:
    at, to = random.randrange(len(out) + 1), random.randrange(len(out) + 1)
    out[to:to] = out[at : at + random.choice((1, 4, 32, 500))] * random.choice((1, 1, 2, 20))


def _insert(out: bytearray, random: Random) -> None:
    at = random.randrange(len(out) + 1)
    out[at:at] = random.randbytes(random.choice((1, 2, 4, 16, 200)))


def _text(out: bytearray, random: Random) -> None:
    at = random.randrange(len(out) + 1)
    out[at:at] = random.choice(TEXTS).encode("utf-8", "surrogatepass")


_CHANGES = (_flip, _flip, _edge, _edge, _cut, _remove, _copy, _insert, _text)


def rearranged(parts: Sequence[T], random: Random) -> list[T]:
    """Return the parts with a few of them dropped, duplicated, moved or repeated many times."""
    out = list(parts)
    for _ in range(random.randint(1, 4)):
        if not out:
            break
        at = random.randrange(len(out))
        match random.randrange(4):
            case 0:
                del out[at]
            case 1:
                out.insert(random.randrange(len(out) + 1), out[at])
            case 2:
                out.insert(random.randrange(len(out)), out.pop(at))
            case _:
                out[at:at] = [out[at]] * random.choice((2, 10, 100))
    return out


def split_at_random(data: bytes, random: Random, most: int = 6) -> tuple[bytes, ...]:
    """Return the same bytes in several pieces."""
    places = sorted(random.randrange(len(data) + 1) for _ in range(random.randint(0, most - 1)))
    ends = [0, *places, len(data)]
    return tuple(data[start:end] for start, end in zip(ends, ends[1:], strict=False) if end > start) or (data,)


def mutated_value(value: Any, random: Random) -> Any:
    """Return a JSON value with one element replaced."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        out, name = dict(value), random.choice(list(value))
        match random.randrange(8):
            case 0:
                del out[name]
            case 1:
                out[random.choice(TEXTS)] = out.pop(name)
            case _:
                out[name] = mutated_value(out[name], random)
        return out
    if isinstance(value, list) and value and random.random() < 0.85:
        items = list(value)
        at = random.randrange(len(items))
        items[at] = mutated_value(items[at], random)
        return items[: at + 1] if random.random() < 0.2 else items
    if isinstance(value, str) and value and random.random() < 0.4:
        return mutated(value.encode(), random, 3).decode("utf-8", "replace")
    return random.choice((random.choice(VALUES), random.choice(TEXTS), random.choice(EDGES)))
