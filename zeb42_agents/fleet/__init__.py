"""A learner and any number of workers that meet in an exchange: started, killed and started again at will."""

from zeb42_agents.extras import needs_extras

with needs_extras():
    from zeb42_agents.fleet.config import FleetConfig
    from zeb42_agents.fleet.learner import FleetLearner
    from zeb42_agents.fleet.worker import Worker

__all__ = ["FleetConfig", "FleetLearner", "Worker"]
