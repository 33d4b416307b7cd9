import io

from training.io import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_every_item_comes_through() -> None:
    assert list(progress([3, 1, 2], "work", io.StringIO())) == [3, 1, 2]


def test_a_log_gets_one_line() -> None:
    log = io.StringIO()
    list(progress(range(500), "work", log))
    assert log.getvalue().startswith("work: 500 in ")
    assert log.getvalue().count("\n") == 1


def test_a_terminal_gets_a_bar_on_one_line() -> None:
    terminal = Terminal()
    steps = progress(range(4), "work", terminal)
    next(steps)
    assert terminal.getvalue().endswith(f"\rwork [{' ' * 30}] 0/4")
    list(steps)
    assert "=" * 30 in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1
