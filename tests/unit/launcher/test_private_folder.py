import os
import stat
import time
from pathlib import Path

from launcher.private_folder import MAX_SOCKET_PATH, PREFIX, fits, private_folder


def test_only_its_user_may_enter_and_it_is_removed_at_the_end(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with private_folder(tmp_path) as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            (folder / "redis.sock").touch()
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


def test_folder_of_a_killed_launcher_is_removed_and_one_in_use_stays(tmp_path: Path) -> None:
    with private_folder(tmp_path) as used:
        left, other = tmp_path / f"{PREFIX}left", tmp_path / f"{PREFIX}other"
        for folder in (left, other):
            folder.mkdir()
        (left / "lock").touch()
        (left / "redis.conf").touch()
        link = tmp_path / f"{PREFIX}link"
        link.symlink_to(other)
        long_ago = time.time() - 3600
        for folder in (used, left, other):
            os.utime(folder, (long_ago, long_ago))
        with private_folder(tmp_path) as mine:
            assert {path.name for path in tmp_path.iterdir()} == {one.name for one in (used, other, link, mine)}


def test_path_that_is_too_long_for_a_socket_is_rejected() -> None:
    assert fits(Path("/run/user/1000"))
    assert not fits(Path("/" + "x" * MAX_SOCKET_PATH))
    assert not fits(Path("/" + "ä" * (MAX_SOCKET_PATH // 2)))
