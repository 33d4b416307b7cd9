"""What the requests in flight of an interface hold together."""

import pytest

from services.serving.byte_budget import ByteBudget
from services.serving.errors import UnavailableError


def test_requests_share_the_limit() -> None:
    budget = ByteBudget(100)
    with budget.share() as one, budget.share() as other:
        one.add(60)
        other.add(40)
        with pytest.raises(UnavailableError):
            one.add(1)
    with budget.share() as whole:
        whole.add(100)


def test_what_a_failed_request_held_is_given_back() -> None:
    budget = ByteBudget(100)
    with budget.share() as share:
        share.add(70)
        with pytest.raises(UnavailableError):
            share.add(70)
    with budget.share() as share:
        share.add(100)
