import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.competitors.measurements import write_frames
from bench.competitors.process import PeerError, PeerProcess, peer_process
from services.contracts.geometry import Box

SMALL_PEER = (sys.executable, "-m", "tests.integration.bench.small_competitor")


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[PeerProcess]:
    with peer_process(SMALL_PEER, tmp_path / "peer.log") as running:
        yield running


def test_frames_lie_in_a_folder_in_their_order(tmp_path: Path) -> None:
    jpegs = [b"first", b"second", *(b"%d" % number for number in range(20))]
    paths = write_frames(tmp_path / "frames", jpegs)
    assert [path.read_bytes() for path in paths] == jpegs
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == [path.name for path in paths]


def test_a_peer_says_what_it_is(peer: PeerProcess) -> None:
    assert (peer.about["name"], peer.about["version"]) == ("pytest", pytest.__version__)
    assert set(peer.about["packages"]) == {"numpy"}


def test_a_peer_looks_at_one_picture_after_the_other_whatever_its_libraries_print(
    peer: PeerProcess, tmp_path: Path
) -> None:
    found = [peer.look(path) for path in write_frames(tmp_path, [b"abc", b"abcdef"])]
    assert [one.faces for one in found] == [(Box(1, 2, 3, 4),), (Box(1, 2, 6, 4),)]
    assert [one.emotions for one in found] == [("happy",), ("happy",)]
    assert all(one.seconds > 0 and one.cpu_seconds is not None for one in found)


def test_a_peer_that_fails_says_why(peer: PeerProcess, tmp_path: Path) -> None:
    (path,) = write_frames(tmp_path, [b"bad"])
    with pytest.raises(PeerError, match="not a picture"):
        peer.look(path)
