import threading
from concurrent.futures import ThreadPoolExecutor

from services.capture.frame_buffer import Mailbox
from tests.support.waiting import wait_until


def test_the_newest_takes_the_place_of_what_nobody_took() -> None:
    mailbox: Mailbox[str] = Mailbox()
    assert not mailbox.replace("old")
    assert mailbox.replace("new")
    assert mailbox.take() == "new"
    assert not mailbox.replace("next")


def test_putting_waits_until_the_slot_is_free() -> None:
    mailbox: Mailbox[int] = Mailbox()
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(lambda: [mailbox.put(i, threading.Event()) for i in range(3)])
        wait_until(lambda: mailbox._item is not None, "the first item")
        assert not putting.done()
        assert [mailbox.take() for _ in range(3)] == [0, 1, 2]
        assert putting.result(5) == [True, True, True]


def test_a_putter_that_is_told_to_leave_leaves() -> None:
    mailbox: Mailbox[int] = Mailbox()
    leave = threading.Event()
    mailbox.put(1, leave)
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(mailbox.put, 2, leave)
        leave.set()
        assert putting.result(5) is False
    assert mailbox.take() == 1


def test_a_closed_mailbox_gives_what_it_holds_and_then_nothing() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.replace(1)
    mailbox.close()
    assert mailbox.take() == 1
    assert mailbox.take() is None


def test_closing_wakes_one_who_waits() -> None:
    mailbox: Mailbox[int] = Mailbox()
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(mailbox.take)
        mailbox.close()
        assert taking.result(5) is None
