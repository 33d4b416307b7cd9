"""A keeper with a real folder and a real event loop, and a fake loader."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from services.serving.errors import ModelError
from services.serving.keeper import Keeper, Pace
from services.serving.model import Model, State
from services.serving.model_config import ModelConfig
from services.serving.retries import RetryRule
from services.serving.servable import Servable
from services.serving.version_policy import ALL_VERSIONS, VersionPolicy

QUICK = Pace(0.01, RetryRule(2, 0.0))
ONCE = Pace(0, RetryRule(0, 0.0))
AVAILABLE, END, LOADING, START = State.AVAILABLE, State.END, State.LOADING, State.START


class FakeLoader:
    """Fails to load the broken versions, and blocks the others until they are released."""

    def __init__(self, broken: set[int] | None = None) -> None:
        self.broken = broken or set()
        self.loaded: list[int] = []
        self.released = asyncio.Event()
        self.released.set()

    async def load(self, name: str, version: int, folder: Path) -> Servable:
        assert folder.name == str(version)
        self.loaded.append(version)
        await self.released.wait()
        if version in self.broken:
            raise ModelError("broken", 3)
        return Servable(name, version, {}, SignatureDefMap(), {}, None)


def put(base: Path, *versions: int) -> None:
    for version in versions:
        (base / str(version)).mkdir(exist_ok=True)
        (base / str(version) / "saved_model.pb").write_text(f"{version}")


def states(model: Model) -> dict[int, State]:
    return {version: state for state in State for version in model.versions(state)}


@asynccontextmanager
async def keeping(model: Model, config: ModelConfig, loader: FakeLoader, pace: Pace = QUICK) -> AsyncIterator[Keeper]:
    keeper = Keeper(model, config, loader, pace)
    running = asyncio.create_task(keeper.run())
    yield keeper
    assert not running.done()
    running.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.005)


async def test_waiting_versions_are_reported_and_the_newest_is_loaded_first(tmp_path: Path) -> None:
    put(tmp_path, 1, 2, 3)
    model, loader = Model("m"), FakeLoader()
    loader.released.clear()
    async with keeping(model, ModelConfig("m", tmp_path, ALL_VERSIONS), loader):
        await until(lambda: states(model) == {3: LOADING, 2: START, 1: START})
        loader.released.set()
        await until(lambda: set(states(model).values()) == {AVAILABLE})
    assert loader.loaded == [3, 2, 1]


async def test_failing_version_is_retried_a_limited_number_of_times(tmp_path: Path) -> None:
    put(tmp_path, 1)
    model, loader = Model("m"), FakeLoader({2})
    async with keeping(model, ModelConfig("m", tmp_path), loader) as keeper:
        await until(lambda: states(model) == {1: AVAILABLE})
        put(tmp_path, 2)
        await until(lambda: loader.loaded == [1, 2, 2, 2])
        await asyncio.sleep(0.1)  # ten more polls of the folder
        assert loader.loaded == [1, 2, 2, 2]
        assert states(model) == {1: AVAILABLE, 2: END}
        assert keeper.stuck
        loader.broken.clear()
        (tmp_path / "2" / "variables").write_text("arrived")
        await until(lambda: states(model) == {2: AVAILABLE, 1: END})
        await until(lambda: not keeper.stuck)


async def test_removed_version_stops_loading(tmp_path: Path) -> None:
    put(tmp_path, 1, 2)
    model, loader = Model("m"), FakeLoader()
    loader.released.clear()
    async with keeping(model, ModelConfig("m", tmp_path, ALL_VERSIONS), loader, ONCE) as keeper:
        await until(lambda: states(model) == {2: LOADING, 1: START})
        keeper.change(ModelConfig("m", tmp_path, VersionPolicy(specific=frozenset({2}))))
        loader.released.set()
        await until(lambda: states(model) == {2: AVAILABLE, 1: END})
        assert loader.loaded == [2]
        keeper.change(None)
        await until(lambda: states(model) == {2: END, 1: END})
        keeper.change(ModelConfig("m", tmp_path))
        await until(lambda: states(model) == {2: AVAILABLE, 1: END})


async def test_unreadable_folder_changes_nothing_and_an_empty_one_unloads_the_model(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    put(base, 1)
    model = Model("m")
    async with keeping(model, ModelConfig("m", base), FakeLoader()):
        await until(lambda: states(model) == {1: AVAILABLE})
        base.rename(tmp_path / "away")
        await asyncio.sleep(0.1)  # ten polls
        assert states(model) == {1: AVAILABLE}
        base.mkdir()
        await until(lambda: states(model) == {1: END})


async def test_version_in_use_is_reloaded_only_after_it_is_unloaded(tmp_path: Path) -> None:
    put(tmp_path, 1)
    model, loader = Model("m"), FakeLoader()
    config = ModelConfig("m", tmp_path)
    async with keeping(model, config, loader, ONCE) as keeper:
        await until(lambda: states(model) == {1: AVAILABLE})
        with model.lease():
            keeper.change(None)
            await until(lambda: states(model) == {1: State.UNLOADING})
            keeper.change(config)
            await asyncio.sleep(0.05)
            assert loader.loaded == [1]
        await until(lambda: states(model) == {1: AVAILABLE})
        assert loader.loaded == [1, 1]
