import pytest

from services.serving.version_policy import ALL_VERSIONS, NEWEST_VERSION, Step, VersionPolicy, next_step


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (NEWEST_VERSION, {10}),
        (VersionPolicy(latest=2), {9, 10}),
        (VersionPolicy(latest=7), {1, 9, 10}),
        (ALL_VERSIONS, {1, 9, 10}),
        (VersionPolicy(specific=frozenset({1, 10})), {1, 10}),
        (VersionPolicy(specific=frozenset({1, 2})), {1}),
        (VersionPolicy(specific=frozenset({2})), set()),
    ],
)
def test_which_versions_are_wanted(policy: VersionPolicy, wanted: set[int]) -> None:
    assert policy.wanted([9, 10, 1]) == wanted
    assert policy.wanted([]) == set()


@pytest.mark.parametrize(
    ("wanted", "serving", "blocked", "step"),
    [
        ({2}, {2}, set(), None),
        (set(), set(), set(), None),
        ({1, 3, 2}, set(), set(), Step(3, load=True)),
        ({1, 3, 2}, {3}, set(), Step(2, load=True)),
        ({1, 3, 2}, {2}, {3}, Step(1, load=True)),
        ({2}, {1}, set(), Step(2, load=True)),
        ({2}, {1, 2}, set(), Step(1, load=False)),
        ({2, 3}, {1, 2}, set(), Step(1, load=False)),
        ({2}, {1}, {2}, None),
        ({2}, {1, 3}, {2}, None),
        (set(), {1, 3}, set(), Step(1, load=False)),
    ],
    ids=[
        "done", "nothing", "newest-first", "then-the-next", "past-a-blocked-one", "new-before-old", "old-after-new",
        "old-once-one-serves", "old-stays-while-new-fails", "all-old-stay", "all-leave-where-none-is-wanted",
    ],
)  # fmt: skip
def test_what_to_do_next(wanted: set[int], serving: set[int], blocked: set[int], step: Step | None) -> None:
    assert next_step(wanted, serving, blocked) == step


def test_the_model_answers_at_every_step_of_a_change() -> None:
    wanted, serving = {4, 5}, {1, 2, 3}
    while step := next_step(wanted, serving, set()):
        serving = serving | {step.version} if step.load else serving - {step.version}
        assert serving
    assert serving == wanted
