"""The shape of a Zeb network: its configuration, and the parameters that belong to it. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from zeb42_env._core import record as core
from zeb42_env._core import tokens_v1
from zeb42_env._core.columns import NUM_COLUMNS, NUM_OTHERS
from zeb42_env._core.dominoes import NUM_DOMINOES
from zeb42_env.tokenizers import V1, TokenizerName, get_tokenizer

# embed_dim, n_heads, n_layers, ff_dim
_SIZES = {"small": (64, 2, 2, 128), "medium": (128, 4, 4, 256), "large": (256, 8, 6, 512)}
NUM_CALLS = core.NUM_ACTIONS - NUM_DOMINOES
SINKHORN_ROUNDS = 6  # of what the rules alone say, which the belief head starts from
TINY, IMPOSSIBLE = 1e-6, -1e4
V1_EMBEDDINGS = ("high_pip", "low_pip", "is_double", "count", "player", "is_in_hand", "decl", "token_type")


@dataclass(frozen=True, kw_only=True)
class ZebConfig:
    """The shape of a Zeb network; the field names are those of the published ``model_config``."""

    embed_dim: int = 128
    """Width of a token."""
    n_heads: int = 4
    """Attention heads; must divide embed_dim."""
    n_layers: int = 4
    """Transformer layers."""
    ff_dim: int = 256
    """Hidden width of a layer's feed-forward part."""
    dropout: float = 0.1
    """Dropout while training, 0..1."""
    max_tokens: int = V1.num_tokens
    """Length of the positional table; 36 for v1, 33 for v2."""
    tokenizer: TokenizerName = "v1"
    """Which encoding of a view the network reads."""
    belief_head: bool = False
    """Whether the network also predicts who holds each hidden domino."""

    def __post_init__(self) -> None:
        num_tokens = get_tokenizer(self.tokenizer).num_tokens
        for name in ("embed_dim", "n_heads", "n_layers", "ff_dim", "max_tokens"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"expected {name} to be a whole number from 1, got {getattr(self, name)!r}")
        if self.embed_dim % self.n_heads or self.embed_dim % 16:
            raise ValueError(
                f"expected embed_dim to be a multiple of 16 and of n_heads, got {self.embed_dim} and {self.n_heads}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"expected dropout in 0..1, got {self.dropout!r}")
        if self.max_tokens != num_tokens:
            raise ValueError(
                f"expected max_tokens of tokenizer {self.tokenizer} to be {num_tokens}, got {self.max_tokens}"
            )

    @classmethod
    def named(
        cls, size: str, *, tokenizer: TokenizerName = "v1", belief_head: bool = False, dropout: float = 0.1
    ) -> Self:
        """The published sizes: ``small``, ``medium`` or ``large``."""
        if size not in _SIZES:
            raise ValueError(f"expected a size, got {size!r}; allowed: {', '.join(_SIZES)}")
        embed_dim, n_heads, n_layers, ff_dim = _SIZES[size]
        return cls(
            embed_dim=embed_dim,
            n_heads=n_heads,
            n_layers=n_layers,
            ff_dim=ff_dim,
            dropout=dropout,
            max_tokens=get_tokenizer(tokenizer).num_tokens,
            tokenizer=tokenizer,
            belief_head=belief_head,
        )

    @property
    def has_slots(self) -> bool:
        """Whether the policy speaks of the viewer's seven slots, as that of tokenizer v1 does."""
        return get_tokenizer(self.tokenizer).has_slots

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter, but for the layers: see :meth:`shapes_of_a_layer`."""
        width, half = self.embed_dim, self.embed_dim // 2
        found: dict[str, tuple[int, ...]] = {"pos_embed.weight": (self.max_tokens, width)}
        if self.has_slots:
            sizes = v1_columns(width)
            for name, categories, columns in zip(V1_EMBEDDINGS, tokens_v1.CATEGORIES, sizes, strict=True):
                found[f"embeddings.{name}_embed.weight"] = (categories, columns)
            found |= _linear("embeddings.proj", sum(sizes), width)
        else:
            for kind in ("situation", "seats", "dominoes"):
                found |= _linear(f"embeddings.{kind}", NUM_COLUMNS, width)
            found |= _norm("final_norm", width) | _linear("call_proj", width, NUM_CALLS)
        found |= _linear("policy_proj", width, 1)
        found |= _linear("value_head.0", width, half) | _linear("value_head.2", half, 1)
        if self.belief_head:
            others = NUM_DOMINOES * NUM_OTHERS if self.has_slots else NUM_OTHERS
            found |= _linear("belief_proj.0", width, width) | _linear("belief_proj.2", width, others)
        return found

    def shapes_of_a_layer(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter of ``encoder.layers.N``, which are alike in all layers."""
        width = self.embed_dim
        return {
            "self_attn.in_proj_weight": (3 * width, width),
            "self_attn.in_proj_bias": (3 * width,),
            **_linear("self_attn.out_proj", width, width),
            **_linear("linear1", width, self.ff_dim),
            **_linear("linear2", self.ff_dim, width),
            **_norm("norm1", width),
            **_norm("norm2", width),
        }


def v1_columns(width: int) -> tuple[int, ...]:
    """The columns of each embedding of v1, side by side before they are projected to ``width``."""
    b, half = width // 8, width // 16
    return (b, b, half, half, b, half, b, b)


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
