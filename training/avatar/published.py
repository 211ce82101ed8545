"""The published weights of PIRenderer as a renderer of the server.

    python -m avatar.published --checkpoint epoch_…_checkpoint.pt --layout layout.json --licence "…" --out FOLDER

checkpoint: what PIRenderer's authors offer for faces (github.com/RenYurui/PIRender), which is not part of this project
and has a licence of its own. layout: the matrix that makes its 73 coefficients of our descriptors, by `avatar.layout`.
Their network has the paper's layers but for two things, which `PaperConfig.published` says: the residual blocks leave
their first convolution out, and the flow counts pixels. No weights of theirs were at hand here: what is checked is that
the graph computes what a network of those names and shapes does (`tests/test_avatar_published.py`).
"""

import argparse
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import torch
from torch import Tensor

from avatar.export import write_renderer
from avatar.graphs import FloatInference, export_graphs
from avatar.paper import PaperConfig, PaperRenderer

COEFFICIENTS = 73  # 64 of expression, 3 angles, 3 of translation, 3 of the crop
PUBLISHED = PaperConfig(motion=COEFFICIENTS, scaled=False, published=True)


class _Weights:
    """Tensors by their published names; those that were taken are counted."""

    def __init__(self, published: Mapping[str, Tensor]):
        self.left = dict(published)

    def take(self, name: str) -> Tensor:
        if name not in self.left:
            raise ValueError(f"expected the weights {name}, got none of that name: is this PIRenderer's face model?")
        return self.left.pop(name)

    def layer(self, theirs: str, ours: str) -> dict[str, Tensor]:
        """Weight and bias of a convolution, or of a normalization, whose two are (channels, 1, 1)."""
        weight, bias = self.take(f"{theirs}.weight"), self.take(f"{theirs}.bias")
        return {
            f"{ours}.weight": weight.flatten() if weight.ndim == 3 and weight.shape[1:] == (1, 1) else weight,
            f"{ours}.bias": bias.flatten(),
        }

    def adain(self, theirs: str, ours: str) -> dict[str, Tensor]:
        """Gain and bias come from two layers there, from one here."""
        parts = [self.layer(f"{theirs}.mlp_{name}", name) for name in ("gamma", "beta")]
        gain, bias = parts
        return {
            **self.layer(f"{theirs}.mlp_shared.0", f"{ours}.shared.0"),
            f"{ours}.affine.weight": torch.cat([gain["gamma.weight"], bias["beta.weight"]]),
            f"{ours}.affine.bias": torch.cat([gain["gamma.bias"], bias["beta.bias"]]),
        }


def convert(published: Mapping[str, Tensor], config: PaperConfig = PUBLISHED) -> PaperRenderer:
    """A renderer with published weights, by their names in the generator's state.

    Raises ValueError for a name that is missing or left over; RuntimeError for a tensor of another shape.
    """
    weights = _Weights({name.removeprefix("module."): tensor for name, tensor in published.items()})
    ours: dict[str, Tensor] = {}
    ours |= weights.layer("mapping_net.first.0", "mapping.first")
    for i in range(3):
        ours |= weights.layer(f"mapping_net.encoder{i}.1", f"mapping.layers.{i}")

    hourglass = "warpping_net.hourglass"
    ours |= weights.layer(f"{hourglass}.encoder.input_layer", "warping.input")
    for i in range(config.warp_down):
        theirs = f"{hourglass}.encoder.encoder{i}"
        for part in ("0", "1"):
            ours |= weights.layer(f"{theirs}.conv_{part}", f"warping.down.{i}.conv{part}")
            ours |= weights.adain(f"{theirs}.norm_{part}", f"warping.down.{i}.norm{part}")
    for k in range(config.warp_up):
        theirs = f"{hourglass}.decoder.decoder{config.warp_down - 1 - k}"
        for part in ("0", "1", "s"):
            ours |= weights.layer(f"{theirs}.conv_{part}", f"warping.up.{k}.conv{part}")
            ours |= weights.adain(f"{theirs}.norm_{part}", f"warping.up.{k}.norm{part}")
    ours |= weights.layer("warpping_net.flow_out.0", "warping.flow.0.norm")
    ours |= weights.layer("warpping_net.flow_out.2", "warping.flow.2")

    encoder, decoder = "editing_net.encoder", "editing_net.decoder"
    both = weights.layer(f"{encoder}.first.model.0", "first")
    ours["editing.input_source.weight"], ours["editing.input_warped.weight"] = both["first.weight"].chunk(2, 1)
    ours["editing.input_source.bias"] = both["first.bias"]
    ours |= weights.layer(f"{encoder}.first.model.1", "editing.input_norm.norm")
    for i in range(config.edit_down):
        k = config.edit_down - 1 - i
        names = {f"{encoder}.down{i}": f"down.{i}", f"{decoder}.up{i}": f"up.{k}", f"{decoder}.jump{i}": f"skips.{k}"}
        for theirs, mine in names.items():
            ours |= weights.layer(f"{theirs}.model.0", f"editing.{mine}.conv")
            ours |= weights.layer(f"{theirs}.model.1", f"editing.{mine}.norm.norm")
        for j in range(config.edit_blocks):
            for part in (1, 2):
                theirs, mine = f"{decoder}.res{i}.res{j}", f"editing.blocks.{k}.{j}"
                ours |= weights.layer(f"{theirs}.conv{part}", f"{mine}.conv{part - 1}")
                ours |= weights.adain(f"{theirs}.norm{part}", f"{mine}.norm{part - 1}")
    ours |= weights.layer(f"{decoder}.final.model.0", "editing.out")
    if weights.left:
        raise ValueError(f"got weights that the face model has not: {', '.join(sorted(weights.left)[:5])}")
    renderer = PaperRenderer(config)
    renderer.load_state_dict(ours)
    return renderer.eval()


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The averaged generator of a checkpoint, or the generator, or the tensors that the file holds."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    for name in ("net_G_ema", "net_G"):
        if name in content:
            return content[name]
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--layout", type=Path, required=True, help="JSON that avatar.layout wrote")
    parser.add_argument("--licence", required=True, help="under which you have the weights")
    parser.add_argument("--name", default="published")
    parser.add_argument("--out", type=Path, required=True, help="folder of the renderer")
    options = parser.parse_args()
    renderer = convert(read_checkpoint(options.checkpoint))
    motion, portrait = torch.zeros(1, PUBLISHED.frames, COEFFICIENTS), torch.rand(1, 3, PUBLISHED.size, PUBLISHED.size)
    exported = export_graphs(FloatInference(renderer), motion, portrait, options.out)
    shutil.copy(options.layout, options.out / "layout.json")
    write_renderer(
        options.out,
        options.name,
        renderer,
        exported,
        origin={
            "data": f"weights of others, {options.checkpoint.name}",
            "steps": 0,
            "hardware": "",
            "date": date.today().isoformat(),
            "notes": "",
        },
        evaluation={},
        layout={"name": "pirenderer-73", "size": COEFFICIENTS, "file": "layout.json"},
        licence=options.licence,
        description="PIRenderer, 256 × 256 portraits from motion, with weights that were trained elsewhere.",
    )
    print(f"{options.out}: check it with npm run avatar -- check {options.out}")


if __name__ == "__main__":
    main()
