"""The network: published layout and arithmetic, both tokenizers, heads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from zeb42_agents.belief import legality
from zeb42_agents.evaluator import NetworkEvaluator
from zeb42_agents.model import ZebConfig, ZebModel, flops
from zeb42_env._core import record as core
from zeb42_env.hand import Hand
from zeb42_env.rules import Rules
from zeb42_env.tokenizers import get_tokenizer


def positions(num: int, *, contract: str = "random", seed: int = 0) -> np.ndarray:
    """Views of the seat to move at random moments of random hands."""
    rng = np.random.default_rng(seed)
    views = np.empty(num, core.HAND)
    for i in range(num):
        hand = Hand.deal(seed * 1000 + i, Rules(contract=contract, scoring="majority"))  # type: ignore[arg-type]
        for _ in range(rng.integers(0, 28)):
            hand.apply(int(rng.choice(hand.legal_actions())))
        views[i] = hand.view(hand.to_move)
    return views


def test_large_with_belief_head_has_the_published_number_of_parameters() -> None:
    assert ZebModel(ZebConfig.named("large", belief_head=True)).num_parameters == 3_347_110
    assert ZebModel(ZebConfig.named("medium")).num_parameters == 556_970


@pytest.mark.parametrize("tokenizer", ["v1", "v2"])
@pytest.mark.parametrize("belief_head", [False, True])
def test_flops_are_those_that_torch_counts(tokenizer: str, belief_head: bool) -> None:
    config = ZebConfig.named("small", tokenizer=tokenizer, belief_head=belief_head)  # type: ignore[arg-type]
    tokens = torch.from_numpy(get_tokenizer(tokenizer).encode(positions(3)))
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), counter:
        ZebModel(config).eval()(tokens)
    assert counter.get_total_flops() == 3 * flops(config)


def test_layers_compute_what_torch_encoder_layers_compute() -> None:
    torch.manual_seed(0)
    config = ZebConfig.named("small", dropout=0.0)
    model = ZebModel(config).eval()
    reference = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(64, 2, 128, dropout=0.0, batch_first=True, norm_first=True),
        config.n_layers,
        enable_nested_tensor=False,
    ).eval()
    reference.load_state_dict(model.encoder.state_dict())
    x = torch.randn(5, 36, 64)
    valid = torch.rand(5, 36) < 0.6
    valid[:, 0] = True
    ours = x
    for layer in model.encoder.layers:  # type: ignore[union-attr]
        ours = layer(ours, valid)
    theirs = reference(x, src_key_padding_mask=~valid)
    assert (ours - theirs)[valid].abs().max() < 1e-5


@pytest.mark.parametrize("tokenizer", ["v1", "v2"])
def test_shapes_and_ranges(tokenizer: str) -> None:
    model = ZebModel(ZebConfig.named("small", tokenizer=tokenizer, belief_head=True)).eval()  # type: ignore[arg-type]
    output = model(torch.from_numpy(get_tokenizer(tokenizer).encode(positions(6))))
    assert output.policy.shape == (6, 7 if tokenizer == "v1" else 56)
    assert output.value.shape == (6,)
    assert output.value.abs().max() <= 1
    assert output.belief.shape == (6, 28, 3)
    assert all(torch.isfinite(part).all() for part in output)


def test_padding_of_v1_is_derived_and_ignored() -> None:
    model = ZebModel(ZebConfig.named("small", belief_head=True)).eval()
    tokens = torch.from_numpy(get_tokenizer("v1").encode(positions(8, seed=3)))
    output = model(tokens)
    disturbed = tokens.clone()
    padding = disturbed[:, 1:, 7] == 0
    disturbed[:, 1:, 0][padding] = 5  # a pip in a token that says nothing
    again = model(disturbed)
    assert torch.allclose(output.value, again.value, atol=1e-6)
    held = tokens[:, 1:8, 7] != 0
    assert torch.allclose(output.policy[held], again.policy[held], atol=1e-6)


def test_belief_of_v2_rules_out_seats_that_showed_void() -> None:
    model = ZebModel(ZebConfig.named("small", tokenizer="v2", belief_head=True)).eval()
    views = positions(40, seed=5)
    belief = torch.softmax(model(torch.from_numpy(get_tokenizer("v2").encode(views))).belief, -1).detach().numpy()
    candidates = np.empty(4, np.uint32)
    ruled_out = 0
    for view, rows in zip(views, belief, strict=True):
        core.may_hold(view, candidates)
        for domino in np.flatnonzero(view["owner"] < 0):
            for place in range(3):
                if not int(candidates[(view["seat"] + 1 + place) % 4]) >> int(domino) & 1:
                    assert rows[domino, place] == 0
                    ruled_out += 1
    assert ruled_out > 20


def test_an_untrained_belief_of_v2_is_nearly_the_legality_posterior() -> None:
    """The head starts from what the rules alone say: compare with the exact posterior over all consistent deals."""
    model = ZebModel(ZebConfig.named("small", tokenizer="v2", belief_head=True)).eval()
    with torch.no_grad():
        model.belief_proj[-1].weight.zero_()
    views = positions(60, seed=8)
    belief = NetworkEvaluator(model, precision="float32").belief(views)
    exact = legality(views)
    hidden = views["owner"] < 0
    assert np.abs(belief - exact)[hidden].mean() < 0.01
    assert np.abs(belief - exact)[hidden].max() < 0.15
    assert np.allclose(belief[~hidden], exact[~hidden])


def test_gradients_reach_every_parameter() -> None:
    model = ZebModel(ZebConfig.named("small", tokenizer="v2", belief_head=True))
    output = model(torch.from_numpy(get_tokenizer("v2").encode(positions(16, contract="auction"))))
    (output.policy.square().sum() + output.value.sum() + torch.softmax(output.belief, -1).square().sum()).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embed_dim": 60}, "embed_dim"),
        ({"n_heads": 0}, "n_heads"),
        ({"tokenizer": "v3"}, "tokenizer"),
        ({"dropout": 1.5}, "dropout"),
        ({"max_tokens": 33}, "max_tokens"),
    ],
)
def test_a_wrong_configuration_says_what_is_allowed(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ZebConfig(**change)
    with pytest.raises(ValueError, match="allowed: small, medium, large"):
        ZebConfig.named("huge")


@pytest.mark.parametrize("tokenizer", ["v1", "v2"])
def test_the_whole_network_is_one_graph(tokenizer: str) -> None:
    """torch.compile finds nothing that it would have to leave to Python, so CUDA graphs can hold a forward pass."""
    model = ZebModel(ZebConfig.named("small", tokenizer=tokenizer, belief_head=True)).eval()  # type: ignore[arg-type]
    tokens = torch.from_numpy(get_tokenizer(tokenizer).encode(positions(6)))
    compiled = torch.compile(model, fullgraph=True, dynamic=False, backend="eager")
    with torch.inference_mode():
        for ours, theirs in zip(compiled(tokens), model(tokens), strict=True):
            assert torch.equal(ours, theirs)
