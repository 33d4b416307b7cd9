"""Prints the services' lines without what a terminal would act on: they repeat words of cameras and clients."""

from honcho.printer import Message, Printer

from services.contracts.terminal_text import printable


class PrintablePrinter(Printer):
    """honcho's printer, with control characters escaped."""

    def write(self, message: Message) -> None:
        """Print the lines of a message."""
        data = message.data
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        for line in text.rstrip("\r\n").split("\n"):
            super().write(message._replace(data=printable(line.rstrip("\r"))))
