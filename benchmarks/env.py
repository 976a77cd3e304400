"""How fast the game and its environments are, beside their rivals where those are installed.

    python benchmarks/env.py [--seconds 3] [--cpu-time] [--only kernels vector rivals pettingzoo memory start]

The rivals are pgx (``pip install pgx``) and PettingZoo's classic environments (``pip install 'pettingzoo[classic]'``).
Each figure is the best of several runs of ``--seconds`` together; a *step* of a vector environment is one decision of
its learner, with the moves of the three random players between; in self-play it is one decision of anybody. On a busy
machine ``--cpu-time`` counts the seconds that the work had a core, for what runs on one thread.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import numpy as np
from numba import njit

import zeb42_env
from zeb42_env import HAND, Rules, Texas42VectorEnv
from zeb42_env._core import bits, tables

NUM_LANES = 4096
NUM_RUNS = 5
CLASSIC = (
    "tictactoe_v3",
    "connect_four_v3",
    "rps_v2",
    "leduc_holdem_v4",
    "texas_holdem_v4",
    "texas_holdem_no_limit_v6",
    "gin_rummy_v4",
    "hanabi_v5",
    "chess_v6",
    "go_v5",
)


clock = time.perf_counter  # of what runs on one thread


def best_rate(run: Callable[[], int], seconds: float, timer: Callable[[], float] | None = None) -> float:
    """The most units a second that ``run``, which returns how many it did, got through in one of NUM_RUNS runs."""
    timer = timer or clock
    run()
    best = 0.0
    for _ in range(NUM_RUNS):
        done, start = 0, timer()
        while (spent := timer() - start) < seconds / NUM_RUNS:
            done += run()
        best = max(best, done / spent)
    return best


def line(what: str, figure: str, remark: str = "") -> None:
    """One row of the table."""
    print(f"{what:<58} {figure:>14}  {remark}", flush=True)


def kernels(seconds: float) -> None:
    """Deal and play hands at random, one core."""
    hands, keys = np.zeros(NUM_LANES, HAND), np.arange(NUM_LANES, dtype=np.uint64)
    for contract, wanted in (("random", ">= 15 M plays/s"), ("auction", "")):
        rules = Rules(contract=contract)  # type: ignore[arg-type]

        def run(rules: Rules = rules) -> int:
            hands[:] = rules.blank_record()
            tables.deal_numbers(hands, np.uint64(1), np.arange(len(hands), dtype=np.uint64), rules.contract_code)
            return int(tables.play_randomly(hands, keys))

        line(
            f"kernels: deal and play, contract {contract}, actions/s", f"{best_rate(run, seconds) / 1e6:.1f} M", wanted
        )


@njit(cache=True)
def choose(masks: np.ndarray, stream: np.ndarray, actions: np.ndarray) -> None:
    """A uniformly random legal action for each of the masks (int8 [B, 56])."""
    for b in range(len(masks)):
        legal = 0
        for action in range(masks.shape[1]):
            legal += masks[b, action]
        if legal == 0:
            continue
        wanted = bits.below(stream, legal)
        for action in range(masks.shape[1]):
            wanted -= masks[b, action]
            if wanted < 0:
                actions[b] = action
                break


def vector(seconds: float) -> None:
    """Random legal play in the vector environment, everything included: actions, observations, masks, copies."""
    for threads in (1, 2):
        for form in ("planes", "tokens"):
            for seat in (0, "self_play"):
                env = Texas42VectorEnv(NUM_LANES, observation=form, seat=seat, num_threads=threads)  # type: ignore[arg-type]
                state = {"masks": env.reset(seed=0)[0]["action_mask"]}
                stream, actions = np.zeros(1, np.uint64), np.zeros(NUM_LANES, np.int64)

                def run(env: Texas42VectorEnv = env, state: dict = state, stream=stream, actions=actions) -> int:  # type: ignore[no-untyped-def]
                    for _ in range(10):
                        choose(state["masks"], stream, actions)
                        state["masks"] = env.step(actions)[0]["action_mask"]
                    return 10 * NUM_LANES

                who = "self-play" if seat == "self_play" else "learner and 3 random players"
                wanted = ">= 2 M steps/s" if threads == 1 and seat == 0 else ""
                name = f"vector, {form}, {who}, {threads} thread{'s' * (threads > 1)}, steps/s"
                timer = clock if threads == 1 else time.perf_counter
                line(name, f"{best_rate(run, seconds, timer) / 1e6:.2f} M", wanted)
                env.close()


def rivals(seconds: float) -> None:
    """pgx's games on the CPU, with all the cores that JAX takes: random legal play, compiled as one loop."""
    try:
        jax, pgx = importlib.import_module("jax"), importlib.import_module("pgx")
        auto_reset = importlib.import_module("pgx.experimental").auto_reset
    except ImportError:
        line("pgx", "not installed")
        return
    for game in ("connect_four", "tic_tac_toe"):
        env = pgx.make(game)
        step = auto_reset(env.step, env.init)
        for batch in (1024, 4096):

            def one_step(carry, _, step=step, batch=batch):  # type: ignore[no-untyped-def]
                state, key = carry
                key, choice, reset = jax.random.split(key, 3)
                logits = jax.numpy.where(state.legal_action_mask, 0.0, -1e9)
                action = jax.random.categorical(choice, logits, axis=-1)
                return (jax.vmap(step)(state, action, jax.random.split(reset, batch)), key), None

            def loop(state, key, one_step=one_step):  # type: ignore[no-untyped-def]
                return jax.lax.scan(one_step, (state, key), None, length=50)[0]

            compiled = jax.jit(loop)
            carry = {
                "value": (jax.jit(jax.vmap(env.init))(jax.random.split(jax.random.key(0), batch)), jax.random.key(1))
            }

            def run(compiled=compiled, carry=carry, batch=batch) -> int:  # type: ignore[no-untyped-def]
                carry["value"] = compiled(*carry["value"])
                jax.block_until_ready(carry["value"][0].observation)
                return 50 * batch

            rate = best_rate(run, seconds, time.perf_counter)
            line(f"pgx {game}, batch {batch}, {os.cpu_count()} cores, steps/s", f"{rate / 1e6:.2f} M")


def pettingzoo(seconds: float) -> None:  # noqa: ARG001 - PettingZoo's benchmark takes five seconds whatever we say
    """PettingZoo's own performance_benchmark, turns/s."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pettingzoo.test import performance_benchmark
    rates = {}
    for name, make in (("zeb42_env.env()", zeb42_env.env), ("zeb42_env.raw_env()", zeb42_env.raw_env)):
        rates[name] = _turns(performance_benchmark, make)
    for name in CLASSIC:
        with warnings.catch_warnings(), contextlib.suppress(Exception):  # whatever its package lacks
            warnings.simplefilter("ignore")
            module = importlib.import_module(f"pettingzoo.classic.{name}")
            rates[name] = _turns(performance_benchmark, module.env)
    base = rates.get("tictactoe_v3", float("nan"))
    wanted = {"zeb42_env.env()": ">= 1.3 x tictactoe", "zeb42_env.raw_env()": ">= 3 x tictactoe"}
    for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
        line(
            f"performance_benchmark, {name}, turns/s",
            f"{rate / 1e3:.1f} k",
            f"{rate / base:.2f} x {wanted.get(name, '')}",
        )


def _turns(benchmark: Callable, make: Callable) -> float:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        benchmark(make())
    return float(next(text for text in printed.getvalue().splitlines() if "turns per second" in text).split()[0])


def memory(seconds: float) -> None:  # noqa: ARG001 - takes no time
    """Bytes of a hand."""
    line("HAND record, bytes", str(HAND.itemsize), "<= 96")
    line("a million hands, MB", f"{np.zeros(1_000_000, HAND).nbytes / 1e6:.0f}", "< 100")


def start(seconds: float) -> None:  # noqa: ARG001 - as long as it takes
    """Import, and the first hand with and without numba's cache; each in a fresh process."""
    play = "import zeb42_env as z; h = z.Hand.deal(1)\nwhile not h.is_over: h.apply(h.legal_actions()[0])"
    step = "import zeb42_env as z; e = z.env(); e.reset(seed=1); e.last(); e.step(28)"
    with tempfile.TemporaryDirectory() as cache:
        empty = {"NUMBA_CACHE_DIR": cache}
        line("import zeb42_env, s", f"{min(_seconds('import zeb42_env') for _ in range(3)):.2f}", "<= 0.7")
        line("first hand after installation, s", f"{_seconds(play, empty):.1f}", "<= 30")
        line("first env() after that, s", f"{_seconds(step, empty):.1f}")
        line("first hand, warm, s", f"{min(_seconds(play, empty) for _ in range(3)):.2f}", "<= 1.5")
        line("first env(), warm, s", f"{min(_seconds(step, empty) for _ in range(3)):.2f}", "<= 1.5")


def _seconds(code: str, environment: dict[str, str] | None = None) -> float:
    """How long a fresh Python takes over ``code``, its own bytecode kept as usual."""
    variables = {**os.environ, **(environment or {})}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=variables)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if clock is time.perf_counter:
        return time.perf_counter() - begun
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


SECTIONS = {section.__name__: section for section in (kernels, vector, rivals, pettingzoo, memory, start)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="time for each figure (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--cpu-time", action="store_true", help="for a busy machine; see above")
    options = parser.parse_args()
    global clock
    clock = time.process_time if options.cpu_time else time.perf_counter
    versions = f"zeb42 {zeb42_env.__version__}, Python {sys.version.split()[0]}, numpy {np.__version__}"
    print(f"{versions}, {os.cpu_count()} cores, {clock.__name__}")
    for name in options.only:
        SECTIONS[name](options.seconds)


if __name__ == "__main__":
    main()
