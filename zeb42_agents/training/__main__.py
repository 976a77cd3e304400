"""``python -m zeb42_agents.training``: the same as ``zeb42 train``."""

from zeb42_agents.extras import run_command

if __name__ == "__main__":
    raise SystemExit(run_command("zeb42_agents.training.cli", extra="train"))
