"""How a WebSocket's route says what clients may send to it."""

from starlette.websockets import WebSocket

from services.runtime.byte_budget import Lease
from services.runtime.connection_limits import MessageLimits

EXTENSION = "emotion.message_limits"
"""The ASGI extension: under ``set`` it has a function that takes the limits and the part of the budget."""


def limit_messages(websocket: WebSocket, limits: MessageLimits, budget: Lease | None = None) -> None:
    """Let a client send other messages than a feed's; call it before the connection is accepted.

    Args:
        websocket: The connection.
        limits: Of its messages.
        budget: Its part of a budget, for the messages that are received or answered. Where that has no room the
            connection ends with the code 1013.
    """
    extension = websocket.scope.get("extensions", {}).get(EXTENSION)
    if extension is not None:  # else the server is another, as in tests
        extension["set"](limits, budget)
