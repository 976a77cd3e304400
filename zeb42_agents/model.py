"""Zeb: a transformer over the tokens of a view, with a policy, a value and, if asked for, a belief head.

With tokenizer ``v1``, whose policy speaks of the viewer's seven slots, the module has exactly the layout of the
published zeb-42 checkpoints, down to the names of its parameters. With ``v2`` the 28 dominoes are tokens of their own,
so policy and belief are read off the domino they speak of, the belief head starts from what the rules alone say and
learns what plays reveal, and one more projection makes the calls and declarations.

Letters in shape comments: B batch, T tokens, F features of a token, E embed_dim, H heads.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from zeb42_agents.extras import needs_extras
from zeb42_agents.shape import IMPOSSIBLE, NUM_CALLS, SINKHORN_ROUNDS, TINY, V1_EMBEDDINGS, ZebConfig, v1_columns
from zeb42_env._core import tokens_v1
from zeb42_env._core.columns import DOMINOES, NUM_COLUMNS, NUM_OTHERS, SCALE, SEATS, SITUATION
from zeb42_env._core.dominoes import NUM_DOMINOES, NUM_TRICKS
from zeb42_env._core.tokens import DOMINOES_LEFT, MAY_HOLD
from zeb42_env.tokenizers import get_tokenizer

with needs_extras():
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn


class ZebOutput(NamedTuple):
    """What the network says of a batch of views."""

    policy: Tensor
    """Logits: [B, 7] for the dominoes dealt to the viewer, ascending (v1), or [B, 56] for the action ids (v2)."""
    value: Tensor
    """[B] expected score of the viewer's team, -1..1."""
    belief: Tensor | None
    """Logits [B, 28, 3] that left, partner or right was dealt each domino; None without a belief head."""


class ZebModel(nn.Module):
    """The network: ``ZebModel(config)`` is the one whose heads suit the tokenizer, :class:`SlotModel` for v1 and
    :class:`DominoModel` for v2. ``forward`` takes the int8 tokens of ``zeb42_env``.

    Each has its projections under the names that checkpoints know, so a head is no module of its own.
    """

    def __new__(cls, config: ZebConfig | None = None) -> Self:
        if config is None:  # a copy of a network is being made
            return super().__new__(cls)
        return super().__new__(SlotModel if get_tokenizer(config.tokenizer).has_slots else DominoModel)  # type: ignore

    def __init__(self, config: ZebConfig) -> None:
        super().__init__()
        self.config = config
        width, has_categories = config.embed_dim, get_tokenizer(config.tokenizer).categories is not None
        self.embeddings: nn.Module = CategoryEmbedding(width) if has_categories else FeatureEmbedding(width)
        self.pos_embed = nn.Embedding(config.max_tokens, width)
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.n_layers))
        self.policy_proj = nn.Linear(width, 1)
        self.value_head = nn.Sequential(nn.Linear(width, width // 2), nn.GELU(), nn.Linear(width // 2, 1))

    @property
    def num_parameters(self) -> int:
        """How many numbers the network has learned."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _encode(self, tokens: Tensor, valid: Tensor | None = None) -> Tensor:
        """[B, T, E] from int8 [B, T, F]; ``valid`` bool [B, T] says which tokens may be attended to, None all."""
        x = self.embeddings(tokens) + self.pos_embed.weight  # [B, T, E]
        for layer in self.encoder.layers:  # type: ignore[union-attr]
            x = layer(x, valid)  # [B, T, E]
        return x

    def _value(self, pooled: Tensor) -> Tensor:
        """[B] from [B, E]."""
        return torch.tanh(self.value_head(pooled).squeeze(-1).float())

    def _initialise(self, undecided: list[nn.Module], *, position_std: float) -> None:
        """Xavier for attention, as torch's own layer; small positions; ``undecided`` projections start near 0."""
        for layer in self.encoder.layers:  # type: ignore[union-attr]
            nn.init.xavier_uniform_(layer.self_attn.in_proj_weight)
            nn.init.zeros_(layer.self_attn.out_proj.bias)
        nn.init.normal_(self.pos_embed.weight, std=position_std)
        for head in [self.policy_proj, self.value_head[-1], *undecided]:
            nn.init.normal_(head.weight, std=0.01)  # type: ignore[arg-type]
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]


class SlotModel(ZebModel):
    """v1: the policy is over the seven dominoes dealt to the viewer; value and belief come from the mean token."""

    def __init__(self, config: ZebConfig) -> None:
        super().__init__(config)
        width = config.embed_dim
        if config.belief_head:
            self.belief_proj = nn.Sequential(
                nn.Linear(width, width), nn.GELU(), nn.Linear(width, NUM_DOMINOES * NUM_OTHERS)
            )
        self._initialise([], position_std=0.02)

    def forward(self, tokens: Tensor) -> ZebOutput:
        """Policy logits [B, 7], values [B] and belief logits [B, 28, 3] for ``tokens`` (int8 [B, 36, 8])."""
        valid = _valid(tokens)  # [B, T]
        x = self._encode(tokens, valid)  # [B, T, E]
        weight = valid.unsqueeze(-1).to(x.dtype)  # [B, T, 1]
        pooled = (x * weight).sum(1) / weight.sum(1)  # [B, E]
        belief = None
        if self.config.belief_head:
            belief = self.belief_proj(pooled).view(-1, NUM_DOMINOES, NUM_OTHERS).float()  # [B, 28, 3]
        policy = self.policy_proj(x[:, 1 : 1 + NUM_TRICKS]).squeeze(-1).float()  # [B, 7]
        return ZebOutput(policy, self._value(pooled), belief)


class DominoModel(ZebModel):
    """v2: what is said of a domino is read off its token, calls off the situation's, the value off their mean."""

    def __init__(self, config: ZebConfig) -> None:
        super().__init__(config)
        width = config.embed_dim
        self.final_norm = nn.LayerNorm(width)
        self.call_proj = nn.Linear(width, NUM_CALLS)
        undecided: list[nn.Module] = [self.call_proj]
        if config.belief_head:
            self.belief_proj = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, NUM_OTHERS))
            undecided.append(self.belief_proj[-1])
        self._initialise(undecided, position_std=0.5)

    def forward(self, tokens: Tensor) -> ZebOutput:
        """Policy logits [B, 56], values [B] and belief logits [B, 28, 3] for ``tokens`` (int8 [B, 33, 40])."""
        x = self.final_norm(self._encode(tokens))  # [B, T, E]
        dominoes = x[:, DOMINOES:]  # [B, 28, E]
        plays = self.policy_proj(dominoes).squeeze(-1)  # [B, 28]
        calls = self.call_proj(x[:, SITUATION])  # [B, 28]
        belief = None
        if self.config.belief_head:
            belief = self.belief_proj(dominoes).float() + legality_logits(tokens)  # [B, 28, 3]
        return ZebOutput(torch.cat([plays, calls], dim=1).float(), self._value(x.mean(1)), belief)


def flops(config: ZebConfig) -> int:
    """The floating-point operations of the products in a forward pass over one view: two per multiply-add."""
    width, tokens = config.embed_dim, config.max_tokens
    layer = tokens * (4 * width * width + 2 * width * config.ff_dim) + 2 * tokens * tokens * width
    value = (width + 1) * (width // 2)
    if get_tokenizer(config.tokenizer).has_slots:
        embedding, heads = tokens * (13 * width // 16) * width, NUM_TRICKS * width + value
        belief = width * width + width * NUM_DOMINOES * NUM_OTHERS
    else:
        embedding, heads = tokens * NUM_COLUMNS * width, (NUM_DOMINOES + NUM_CALLS) * width + value
        belief = NUM_DOMINOES * (width * width + width * NUM_OTHERS)
    return 2 * (embedding + config.n_layers * layer + heads + config.belief_head * belief)


def legality_logits(tokens: Tensor) -> Tensor:
    """What the rules alone say of the hidden dominoes, as logits [B, 28, 3] that the belief head adds to.

    The seats that may hold each domino are scaled in turn until every domino is somewhere and every seat's room is
    full (Sinkhorn, 1964): close to the exact posterior over all consistent deals, at the price of a few products. An
    impossible seat is out for good; a domino whose owner is known gets no opinion.
    """
    options = tokens[:, DOMINOES:, MAY_HOLD : MAY_HOLD + NUM_OTHERS].float()  # [B, 28, 3]
    room = tokens[:, SEATS + 1 : DOMINOES, None, DOMINOES_LEFT].float().transpose(1, 2)  # [B, 1, 3]
    weight = options
    for _ in range(SINKHORN_ROUNDS):
        weight = weight * (room / weight.sum(1, keepdim=True).clamp(min=TINY))
        weight = weight / weight.sum(2, keepdim=True).clamp(min=TINY)
    hidden = options.sum(2, keepdim=True) > 0
    return torch.where(hidden & (options == 0), IMPOSSIBLE, torch.where(hidden, weight.clamp(min=TINY).log(), 0.0))


class CategoryEmbedding(nn.Module):
    """v1: the embeddings of a token's eight categories, side by side, projected to the width of the network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = v1_columns(width)
        for name, categories, columns in zip(V1_EMBEDDINGS, tokens_v1.CATEGORIES, sizes, strict=True):
            setattr(self, f"{name}_embed", nn.Embedding(categories, columns))
        self.proj = nn.Linear(sum(sizes), width)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T, E] from int8 [B, T, 8]."""
        index = tokens.long()
        columns = [getattr(self, f"{name}_embed")(index[..., i]) for i, name in enumerate(V1_EMBEDDINGS)]
        embedded: Tensor = self.proj(torch.cat(columns, dim=-1))
        return embedded


def _valid(tokens: Tensor) -> Tensor:
    """Which tokens say something: bool [B, T]. The declaration, whose type is 0, always does."""
    valid = tokens[..., tokens_v1.TOKEN_TYPE] != tokens_v1.DECLARATION_TOKEN
    return torch.cat([torch.ones_like(valid[:, :1]), valid[:, 1:]], dim=1)


class FeatureEmbedding(nn.Module):
    """v2: one linear map for each of the three kinds of token, over its small integers scaled to about -1..1."""

    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.situation = nn.Linear(NUM_COLUMNS, width)
        self.seats = nn.Linear(NUM_COLUMNS, width)
        self.dominoes = nn.Linear(NUM_COLUMNS, width)
        self.register_buffer("scale", torch.from_numpy(SCALE.copy()), persistent=False)  # [T, F]

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T, E] from int8 [B, T, F]."""
        x = tokens * self.scale
        parts = (
            self.situation(x[:, :SEATS]),
            self.seats(x[:, SEATS:DOMINOES]),
            self.dominoes(x[:, DOMINOES:]),
        )
        return torch.cat(parts, dim=1)


class EncoderLayer(nn.Module):
    """A pre-norm transformer layer with the parameter names of ``torch.nn.TransformerEncoderLayer``."""

    def __init__(self, config: ZebConfig) -> None:
        super().__init__()
        width = config.embed_dim
        self.n_heads = config.n_heads
        self.dropout = config.dropout
        self.self_attn = nn.Module()
        self.self_attn.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.self_attn.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.self_attn.out_proj = nn.Linear(width, width)
        self.linear1 = nn.Linear(width, config.ff_dim)
        self.linear2 = nn.Linear(config.ff_dim, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """[B, T, E] from [B, T, E]; ``valid`` bool [B, T] says which tokens may be attended to, None all."""
        x = x + self._drop(self._attend(self.norm1(x), valid))
        hidden = self._drop(F.relu(self.linear1(self.norm2(x))))
        return x + self._drop(self.linear2(hidden))

    def _attend(self, x: Tensor, valid: Tensor | None) -> Tensor:
        batch, tokens, width = x.shape
        qkv = F.linear(x, self.self_attn.in_proj_weight, self.self_attn.in_proj_bias)  # type: ignore[arg-type]
        query, key, value = qkv.view(batch, tokens, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)  # each [B, H, T, E/H]
        if self.training and x.device.type == "cpu":  # torch's bf16 attention has a backward ten times slower than fp32
            query, key, value = query.float(), key.float(), value.float()
        attended = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if valid is None else valid[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        mixed: Tensor = self.self_attn.out_proj(attended.transpose(1, 2).reshape(batch, tokens, width))  # type: ignore[operator]
        return mixed

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)
