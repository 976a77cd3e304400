"""How fast a Zeb network answers, by what computes it: ``python benchmarks/network.py [zeb:WEIGHTS]``.

The kernels, torch, torch compiled, and ONNX Runtime and OpenVINO where they are installed (``pip install onnxruntime
onnx openvino``): views a second of one core, CPU time, for batches and for one view after the other, with the largest
difference of a logit from torch's in float32. The candidates take turns, and the best of some rounds counts.
"""

from __future__ import annotations

import argparse
import platform
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import torch

from zeb42_agents import places, stored
from zeb42_agents.evaluator import load
from zeb42_agents.model import ZebModel
from zeb42_agents.transformer import think, transformer_of
from zeb42_env._core.record import HAND, NUM_ACTIONS
from zeb42_env.hand import Hand

Run = Callable[[np.ndarray], np.ndarray]
"""The logits [B, 56] of tokens int8 [B, T, F]."""
BATCH, ROUNDS, LEAST_S = 1024, 5, 0.4


class _Plays(torch.nn.Module):
    """The policy and the value, which is what exporters take."""

    def __init__(self, model: ZebModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.model(tokens)
        return output.policy, output.value


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="?", default="zeb:taught")
    name = parser.parse_args().network.removeprefix("zeb:")
    torch.set_num_threads(1)
    evaluator = load(name)
    tokens = evaluator.tokenizer.encode(_views(BATCH))
    runs = _candidates(evaluator.model, name, tokens)
    assert not evaluator.model.training  # exporters may switch it
    exact = runs["torch, float32"](tokens)
    print(f"{name}, one core of {platform.processor() or platform.machine()}, views a second\n")
    print(f"| computed by | {BATCH} at a time | one at a time | logits differ by |\n|---|---:|---:|---:|")
    many = dict.fromkeys(runs, 0.0)
    alone = dict(many)
    for _ in range(ROUNDS):
        for label, run in runs.items():
            many[label] = max(many[label], _per_second(run, [tokens]))
            alone[label] = max(alone[label], _per_second(run, [tokens[i : i + 1] for i in range(64)]))
    for label, run in runs.items():
        print(f"| {label} | {many[label]:,.0f} | {alone[label]:,.0f} | {np.abs(run(tokens) - exact).max():.0e} |")


def _views(number: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    views = np.empty(number, HAND)
    for i in range(number):
        hand = Hand.deal(seed=i, rules="majority")
        for _ in range(rng.integers(0, 24)):
            hand.apply(int(rng.choice(hand.legal_actions())))
        views[i] = hand.view(hand.to_move)
    return views


def _candidates(model: ZebModel, name: str, tokens: np.ndarray) -> dict[str, Run]:
    found = stored.read(places.locate(name))
    net = transformer_of(found.config, found.tensors)

    def kernels(some: np.ndarray) -> np.ndarray:
        logits, values = np.empty((len(some), NUM_ACTIONS), np.float32), np.empty(len(some), np.float32)
        think(net, some, logits, values)
        return logits

    compiled = torch.compile(model, dynamic=True)
    runs = {
        "the kernels": kernels,
        "torch, float32": _in_torch(model, torch.float32),
        "torch, bfloat16": _in_torch(model, torch.bfloat16),
        "torch compiled, float32": _in_torch(compiled, torch.float32),
        "torch compiled, bfloat16": _in_torch(compiled, torch.bfloat16),
    }
    example = torch.from_numpy(tokens[:2])
    if find_spec("onnxruntime") and find_spec("onnx"):
        runs["ONNX Runtime, float32"] = _in_onnx(model, example)
    if find_spec("openvino"):
        for precision in ("f32", "bf16"):
            runs[f"OpenVINO, {precision}"] = _in_openvino(model, example, precision)
    return runs


def _in_torch(model: Callable[[torch.Tensor], tuple[torch.Tensor, ...]], precision: torch.dtype) -> Run:
    def run(some: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
            return model(torch.from_numpy(some))[0].float().numpy()

    return run


def _in_onnx(model: ZebModel, example: torch.Tensor) -> Run:
    import onnxruntime

    axes = {"tokens": {0: "views"}}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plays.onnx"
        torch.onnx.export(
            _Plays(model).eval(), (example,), path, dynamo=False, input_names=["tokens"], dynamic_axes=axes
        )
        content = path.read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda some: session.run(None, {"tokens": some})[0]


def _in_openvino(model: ZebModel, example: torch.Tensor, precision: str) -> Run:
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    converted = openvino.convert_model(_Plays(model).eval(), example_input=example)
    request = openvino.Core().compile_model(converted, "CPU", settings).create_infer_request()
    return lambda some: np.array(request.infer([some])[0])


def _per_second(run: Run, batches: list[np.ndarray]) -> float:
    run(batches[0])
    began, done = process_time(), 0
    while process_time() - began < LEAST_S:
        for batch in batches:
            run(batch)
            done += len(batch)
    return done / (process_time() - began)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # exporters warn of themselves
        main()
