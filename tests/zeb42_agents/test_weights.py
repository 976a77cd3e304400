"""Weights on disk: round trips, the published bootstrap, files that are not what they should be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from zeb42_agents import make_agent, places, weights
from zeb42_agents.files import read_json, recover_folder, write_json
from zeb42_agents.model import ZebConfig, ZebModel


def small(**options: object) -> ZebModel:
    torch.manual_seed(1)
    return ZebModel(ZebConfig.named("small", **options))  # type: ignore[arg-type]


def same(a: ZebModel, b: ZebModel) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_round_trip_and_replacement(tmp_path: Path) -> None:
    first, second = small(belief_head=True), small(tokenizer="v2")
    for model, step in ((first, 1), (second, 2)):
        weights.save(tmp_path / "w", model, {"step": step})
        loaded = weights.load(tmp_path / "w")
        assert same(loaded.model, model)
        assert loaded.model.config == model.config
        assert loaded.state == {"step": step}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w"]


def test_a_crash_between_the_renames_is_mended(tmp_path: Path) -> None:
    weights.save(tmp_path / "w", small(), {})
    (tmp_path / "w").rename(tmp_path / "w.old")
    assert same(weights.load(tmp_path / "w").model, small())  # whoever only reads mends nothing
    recover_folder(tmp_path / "w")
    assert same(weights.load(tmp_path / "w").model, small())


def test_a_failed_save_leaves_the_old_weights(tmp_path: Path) -> None:
    weights.save(tmp_path / "w", small(), {"step": 1})
    with pytest.raises(TypeError):
        weights.save(tmp_path / "w", small(tokenizer="v2"), {"step": object()})
    assert weights.load(tmp_path / "w").state == {"step": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w"]


def test_a_run_folder_gives_its_best_weights(tmp_path: Path) -> None:
    weights.save(tmp_path / "latest", small(), {"step": 9})
    assert weights.load(tmp_path).state == {"step": 9}
    weights.save(tmp_path / "best", small(), {"step": 5})
    assert weights.load(tmp_path).state == {"step": 5}


def test_published_checkpoints_load(tmp_path: Path) -> None:
    model = small(belief_head=True)
    config = {"embed_dim": 64, "n_heads": 2, "n_layers": 2, "ff_dim": 128}
    around = {"model_state_dict": model.state_dict(), "model_config": config, "epoch": 7, "total_games": 100}
    torch.save(around, tmp_path / "a.pt")
    loaded = weights.load(tmp_path / "a.pt")
    assert same(loaded.model, model)
    assert loaded.state == {"step": 7, "total_games": 100}
    torch.save(model.state_dict(), tmp_path / "b.pt")
    write_json(tmp_path / "b-config.json", {**config, "tokenizer": "v1", "belief_head": True})
    assert same(weights.load(tmp_path / "b.pt").model, model)


def test_a_base_without_belief_head_starts_the_head_cold() -> None:
    base, model = small(), small(belief_head=True)
    cold = weights.load_into(model, weights.Weights(base, {}))
    assert {name.split(".")[0] for name in cold} == {"belief_proj"}
    assert torch.equal(model.policy_proj.weight, base.policy_proj.weight)


def test_weights_of_another_shape_are_refused_by_name() -> None:
    other = weights.Weights(ZebModel(ZebConfig.named("medium")), {})
    with pytest.raises(ValueError, match="embed_dim 64, got 128"):
        weights.load_into(small(), other)
    with pytest.raises(ValueError, match="tokenizer v2, got v1"):
        weights.load_into(small(tokenizer="v2"), weights.Weights(small(), {}))


@pytest.mark.parametrize("tokenizer", ["v1", "v2"])
@pytest.mark.parametrize("belief_head", [False, True])
@pytest.mark.parametrize("width", [16, 96])
def test_a_configuration_knows_the_shapes_of_its_parameters(tokenizer: str, belief_head: bool, width: int) -> None:
    config = ZebConfig(
        embed_dim=width,
        n_heads=2,
        n_layers=2,
        ff_dim=24,
        max_tokens=36 if tokenizer == "v1" else 33,
        tokenizer=tokenizer,  # type: ignore[arg-type]
        belief_head=belief_head,
    )
    expected = {name: tuple(tensor.shape) for name, tensor in ZebModel(config).state_dict().items()}
    layers = {
        f"encoder.layers.{k}.{name}": shape for k in range(2) for name, shape in config.shapes_of_a_layer().items()
    }
    assert config.shapes() | layers == expected


def test_kinds_of_numbers_that_numpy_lacks_are_named(tmp_path: Path) -> None:
    weights.save(tmp_path / "w", small().to(torch.bfloat16), {})
    with pytest.raises(ValueError, match="expected numbers of a kind that numpy has"):
        weights.load(tmp_path / "w")


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected weights, got"):
        weights.load(tmp_path / "nowhere")
    (tmp_path / "junk.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="damaged or foreign"):
        weights.load(tmp_path / "junk.pt")
    torch.save({"a": torch.zeros(2)}, tmp_path / "bare.pt")
    with pytest.raises(
        ValueError, match=r"without a model_config in it, and neither bare-config\.json nor config\.json"
    ):
        weights.load(tmp_path / "bare.pt")
    for content in ({1: torch.zeros(2)}, {"model_state_dict": None}, {"a": torch.zeros(2), "model_config": 3}):
        torch.save(content, tmp_path / "odd.pt")
        write_json(tmp_path / "odd-config.json", {})
        with pytest.raises(ValueError, match=r"expected (parameters|model_config) by name"):
            weights.load(tmp_path / "odd.pt")
    weights.save(tmp_path / "w", small(), {})
    file = tmp_path / "w" / places.MODEL_FILE
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged or foreign"):
        weights.load(tmp_path / "w")
    weights.save(tmp_path / "w", small(), {})
    write_json(tmp_path / "w" / places.CONFIG_FILE, {"embed_dim": 128})
    with pytest.raises(ValueError, match="expected the parameters of its configuration"):
        weights.load(tmp_path / "w")
    write_json(tmp_path / "w" / places.CONFIG_FILE, {"width": 128})
    with pytest.raises(ValueError, match="also width"):
        weights.load(tmp_path / "w")


def test_a_pickle_with_code_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"model_state_dict": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(ValueError, match="damaged or foreign"):
        weights.load(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"n_layers": 10**9},
        {"embed_dim": 16 * 10**9},
        {"ff_dim": 10**9},
        {"ff_dim": 10**30},
        {"n_layers": 1},
        {"max_tokens": 36.0},
    ],
)
def test_sizes_are_those_of_the_file_before_anything_is_built(change: dict, tmp_path: Path) -> None:
    weights.save(tmp_path / "w", small(), {})
    config = read_json(tmp_path / "w" / places.CONFIG_FILE)
    write_json(tmp_path / "w" / places.CONFIG_FILE, {**config, **change})
    with pytest.raises(ValueError, match=r"expected the parameters of its configuration|to be a whole number from 1"):
        weights.load(tmp_path / "w")


def _a_layer_far_up(tensors: dict[str, torch.Tensor]) -> dict[str, object]:
    """One layer with a high number, which once had three thousand built."""
    for name in [name for name in tensors if name.startswith("encoder.layers.1.")]:
        tensors[name.replace(".1.", ".2999.")] = tensors.pop(name)
    return {"n_layers": 3000}


def _the_two_that_were_looked_at(tensors: dict[str, torch.Tensor]) -> dict[str, object]:
    """Two parameters of a huge network alone: little on disk, gigabytes to build."""
    tensors.clear()
    tensors["pos_embed.weight"] = torch.zeros(36, 8000)
    tensors["encoder.layers.1.linear1.weight"] = torch.zeros(1, 8000)
    return {"embed_dim": 8000, "ff_dim": 1}


def _one_too_many(tensors: dict[str, torch.Tensor]) -> dict[str, object]:
    tensors["more"] = torch.zeros(2)
    return {}


def _one_missing(tensors: dict[str, torch.Tensor]) -> dict[str, object]:
    del tensors["policy_proj.bias"]
    return {}


@pytest.mark.parametrize("craft", [_a_layer_far_up, _the_two_that_were_looked_at, _one_too_many, _one_missing])
def test_no_network_is_built_whose_every_parameter_is_not_in_the_file(craft, tmp_path: Path, monkeypatch) -> None:
    weights.save(tmp_path / "w", small(), {})
    tensors = load_file(tmp_path / "w" / places.MODEL_FILE)
    config = read_json(tmp_path / "w" / places.CONFIG_FILE)
    change = craft(tensors)
    save_file(tensors, tmp_path / "w" / places.MODEL_FILE)
    write_json(tmp_path / "w" / places.CONFIG_FILE, {**config, **change})
    built = []

    def watched(config: ZebConfig) -> ZebModel:
        model = ZebModel(config)
        built.extend(parameter for parameter in model.parameters() if parameter.device.type != "meta")
        return model

    monkeypatch.setattr(weights, "ZebModel", watched)
    with pytest.raises(ValueError, match="expected the parameters of its configuration"):
        weights.load(tmp_path / "w")
    assert not built


@pytest.mark.parametrize("kind", ["stretched", "shared"])
def test_tensors_that_claim_more_than_their_file_holds_are_refused(kind: str, tmp_path: Path) -> None:
    model = small()
    tensors = model.state_dict()
    zero, name = torch.zeros(1), "encoder.layers.0.linear1.weight"
    if kind == "stretched":
        tensors[name] = zero.expand(tensors[name].shape)
    else:
        pool = torch.zeros(max(t.numel() for t in tensors.values()))
        tensors = {key: pool[: t.numel()].view(t.shape) for key, t in tensors.items()}
    torch.save({"model_state_dict": tensors, "model_config": model.config.__dict__}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"expected the parameters of its configuration .* more numbers than the file"):
        weights.load(tmp_path / "w.pt")


def test_odd_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.save(tmp_path / "w", small(), {"step": 3})
    monkeypatch.chdir(tmp_path / "w")
    assert weights.load(".").state == {"step": 3}
    monkeypatch.chdir(tmp_path)
    for odd in (".", "x" * 300, "x" * 5000 + ".pt"):
        with pytest.raises(ValueError, match="expected weights, got"):
            weights.load(odd)
    (tmp_path / "w" / places.CONFIG_FILE).unlink()
    (tmp_path / "w" / places.CONFIG_FILE).mkdir()
    with pytest.raises(ValueError, match=r"expected JSON in .*config\.json, got something else"):
        weights.load(tmp_path / "w")


def test_agents_know_their_weights(tmp_path: Path) -> None:
    weights.save(tmp_path / "w", small(tokenizer="v2"), {})
    before = make_agent(f"zeb:{tmp_path / 'w'}")
    assert before.fingerprint == places.fingerprint_of(tmp_path / "w")
    weights.save(tmp_path / "w", ZebModel(ZebConfig.named("small", tokenizer="v2")), {})
    assert make_agent(f"zeb:{tmp_path / 'w'}").fingerprint != before.fingerprint
    assert repr(make_agent("zeb:laptop,sims=64,calls=simple")) == "Zeb('laptop', sims=64)"
    assert repr(make_agent("eq:30,objective=points")) == "EQ(n=30, objective='points')"
    assert repr(make_agent("greedy")) == "<GreedyAgent greedy>"
