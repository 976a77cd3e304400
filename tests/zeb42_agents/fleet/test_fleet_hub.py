"""A fleet that meets on the Hub's stand-in: the loop from the first weights to the cards."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="pip install 'zeb42[hub]'")

from hub_standin import FakeHub
from test_fleet import TINY, workers
from test_hub import SPEC, plain, server  # noqa: F401 - fixtures

from zeb42_agents.exchange import open_exchange
from zeb42_agents.fleet import FleetLearner

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def test_a_fleet_meets_on_the_hub(plain: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("zeb42_agents.exchange.exchange.HUB_POLL_S", 0.1)
    monkeypatch.setattr("zeb42_agents.exchange.exchange.HUB_COMMITS_PER_HOUR", 0)
    exchange = open_exchange(SPEC, "tiny")
    learner = FleetLearner(TINY, tmp_path / "run", exchange)
    with workers(open_exchange(SPEC, "tiny"), tmp_path, 1) as (worker,):
        learner.run()
    assert set(learner.ring.hands["worker"]) == {worker.session}
    files = set(exchange.weights_store.names())
    assert {"tiny.safetensors", "tiny-config.json", "tiny-state.json", "README.md"} <= files
    card = exchange.weights_store.read(["README.md"])["README.md"].decode()
    assert "| random | majority |" in card
    assert "README.md" in exchange.hands_store.names()
    again = FleetLearner(TINY, tmp_path / "elsewhere", open_exchange(SPEC, "tiny"))
    assert again.cycle == 3
    assert again.ring.num_hands > 0


def test_the_quota_is_shared(plain: FakeHub, tmp_path: Path) -> None:  # noqa: F811
    """The learner's 24 publications, eight for pruning and cards, and what workers hand over stay below 128 an hour."""
    from zeb42_agents.fleet import FleetConfig

    for num in (1, 12):
        exchange = open_exchange(SPEC, f"tiny-{num}")
        learner = FleetLearner(TINY, tmp_path / str(num), exchange, fleet=FleetConfig(workers=num))
        learner._publish()
        assert not learner._publication_due()
        by_workers = num * 3600 / learner._orders().period_s
        assert 24 + 8 + by_workers <= 128.001
