"""Masks of padded batches. Synthesis speaks one utterance at a time and has nothing to mask: there a mask is None."""

import torch


def length_mask(lengths: torch.Tensor, longest: int) -> torch.Tensor:
    """1 inside each utterance, 0 after its end: lengths int64[B] → float[B, longest]."""
    return (torch.arange(longest, device=lengths.device)[None] < lengths[:, None]).float()


def masked(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """x with the padding set to 0."""
    return x if mask is None else x * mask
