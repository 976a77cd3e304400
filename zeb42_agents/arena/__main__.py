"""``python -m zeb42_agents.arena``: rate agents, rate a run again, explain a deal."""

from __future__ import annotations

import sys

from zeb42_agents.extras import run_command

if __name__ == "__main__":
    sys.exit(run_command("zeb42_agents.arena.cli", program="python -m zeb42_agents.arena"))
