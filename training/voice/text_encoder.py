"""Text encoder: a transformer with relative positions (VITS section 2.5.2; Shaw et al. 2018, arXiv 1803.02155)."""

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from voice.masks import masked

REACH = 4  # symbols to each side whose distance counts


class Distances(NamedTuple):
    """How far symbols are from each other, the same for all layers: for keys the row of each distance, int64
    [B, heads, P, P]; for values the neighbours of each symbol, int64[B, heads, P, 2 * REACH + 1], and whether there are
    such, float[P, 2 * REACH + 1]."""

    index: torch.Tensor
    neighbour: torch.Tensor
    inside: torch.Tensor


def distances_of(symbols: torch.Tensor, heads: int) -> Distances:
    """For symbols int64[B, P]."""
    b, p = symbols.shape
    place = torch.arange(p, device=symbols.device)
    distance = place[None, :] - place[:, None]  # [P, P], key minus query
    index = torch.where(distance.abs() <= REACH, distance + REACH, 2 * REACH + 1)
    neighbour = place[:, None] + torch.arange(-REACH, REACH + 1, device=symbols.device)[None, :]
    inside = ((neighbour >= 0) & (neighbour < p)).float()
    existing = neighbour.clamp(min=0).minimum(place[-1])
    return Distances(index.expand(b, heads, p, p), existing.expand(b, heads, p, -1), inside)


class RelativeAttention(nn.Module):
    """Self-attention whose keys and values know distances of symbols up to `REACH`: [B, P, hidden] → the same."""

    def __init__(self, hidden: int, heads: int):
        super().__init__()
        self.heads, self.depth = heads, hidden // heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        for part in self.qkv.weight.chunk(3):
            nn.init.xavier_uniform_(part)
        self.relative_keys = nn.Parameter(torch.randn(2 * REACH + 1, self.depth) * self.depth**-0.5)
        self.relative_values = nn.Parameter(torch.randn(2 * REACH + 1, self.depth) * self.depth**-0.5)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None, distances: Distances) -> torch.Tensor:
        b, p, _ = x.shape
        q, k, v = self.qkv(x).view(b, p, 3, self.heads, self.depth).permute(2, 0, 3, 1, 4)  # each [B, heads, P, depth]
        q = q * self.depth**-0.5
        # one row more, of zeros: what is too far away
        keys = F.pad(self.relative_keys, (0, 0, 0, 1))
        scores = q @ k.transpose(2, 3) + (q @ keys.t()).gather(3, distances.index)
        if mask is not None:
            scores = scores.masked_fill(mask[:, None, None, :] == 0, -1e4)
        weights = scores.softmax(dim=-1)
        # weights of the 2 * REACH + 1 neighbours of each query: [B, heads, P, 2 * REACH + 1]
        nearby = weights.gather(3, distances.neighbour) * distances.inside
        mixed = weights @ v + nearby.to(v.dtype) @ self.relative_values
        return self.out(mixed.transpose(1, 2).reshape(b, p, -1))


class FeedForward(nn.Module):
    """Two convolutions over the symbols: [B, P, hidden] → the same."""

    def __init__(self, hidden: int, filters: int, kernel: int = 3):
        super().__init__()
        self.widen = nn.Conv1d(hidden, filters, kernel, padding=kernel // 2)
        self.narrow = nn.Conv1d(filters, hidden, kernel, padding=kernel // 2)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        mask = None if mask is None else mask[:, None, :]
        h = torch.relu(self.widen(masked(x.transpose(1, 2), mask)))
        return masked(self.narrow(masked(h, mask)), mask).transpose(1, 2)


class TextEncoder(nn.Module):
    """Symbols int64[B, P] → hidden [B, hidden, P], prior mean and log scale [B, C, P]. mask: float[B, P]."""

    def __init__(
        self, symbols: int, channels: int, hidden: int, filters: int, heads: int, layers: int, dropout: float = 0.05
    ):
        super().__init__()
        self.embedding = nn.Embedding(symbols, hidden)
        nn.init.normal_(self.embedding.weight, 0.0, hidden**-0.5)
        self.attentions = nn.ModuleList(RelativeAttention(hidden, heads) for _ in range(layers))
        self.feeds = nn.ModuleList(FeedForward(hidden, filters) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(2 * layers))
        self.project = nn.Linear(hidden, 2 * channels)
        self.scale, self.dropout, self.heads = math.sqrt(hidden), dropout, heads

    def forward(
        self, phonemes: torch.Tensor, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        each = None if mask is None else mask[..., None]
        x = masked(self.embedding(phonemes) * self.scale, each)
        distances = distances_of(phonemes, self.heads)
        for i, (attention, feed) in enumerate(zip(self.attentions, self.feeds, strict=True)):
            x = self.norms[2 * i](x + F.dropout(attention(x, mask, distances), self.dropout, self.training))
            x = self.norms[2 * i + 1](x + F.dropout(feed(x, mask), self.dropout, self.training))
        x = masked(x, each)
        mean, log_scale = masked(self.project(x), each).transpose(1, 2).chunk(2, dim=1)
        return x.transpose(1, 2), mean, log_scale
