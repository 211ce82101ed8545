"""Published weights: a network of their names and shapes in plain functions, and what conversion makes of it."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from avatar.paper import PaperRenderer, channels
from avatar.published import PUBLISHED, convert

NARROW = replace(PUBLISHED, edit_base=4, warp_base=4, most=16, z=8)
HIDDEN = 128


def make_weights() -> dict[str, Tensor]:
    """Random weights of a narrow face model, by their published names."""
    weights: dict[str, Tensor] = {}

    def layer(name: str, *shape: int, width: int | None = None) -> None:
        fan = max(1, shape[1] * (shape[2] if len(shape) > 2 else 1))
        weights[f"{name}.weight"] = torch.randn(shape) / fan**0.5
        weights[f"{name}.bias"] = 0.1 * torch.randn(width or shape[0])

    def norm(name: str, width: int) -> None:
        weights[f"{name}.weight"] = 1 + 0.1 * torch.randn(width, 1, 1)
        weights[f"{name}.bias"] = 0.1 * torch.randn(width, 1, 1)

    def adain(name: str, width: int) -> None:
        layer(f"{name}.mlp_shared.0", HIDDEN, NARROW.z)
        layer(f"{name}.mlp_gamma", width, HIDDEN)
        layer(f"{name}.mlp_beta", width, HIDDEN)

    layer("mapping_net.first.0", NARROW.z, NARROW.motion, 7)
    for i in range(3):
        layer(f"mapping_net.encoder{i}.1", NARROW.z, NARROW.z, 3)
    hourglass = "warpping_net.hourglass"
    widths = [channels(NARROW.warp_base, i, NARROW.most) for i in range(NARROW.warp_down + 1)]
    layer(f"{hourglass}.encoder.input_layer", widths[0], 3, 7, 7)
    for i in range(NARROW.warp_down):
        layer(f"{hourglass}.encoder.encoder{i}.conv_0", widths[i + 1], widths[i], 4, 4)
        layer(f"{hourglass}.encoder.encoder{i}.conv_1", widths[i + 1], widths[i + 1], 3, 3)
        adain(f"{hourglass}.encoder.encoder{i}.norm_0", widths[i])
        adain(f"{hourglass}.encoder.encoder{i}.norm_1", widths[i + 1])
    inputs = widths[-1]
    for i in (4, 3, 2):
        name, out = f"{hourglass}.decoder.decoder{i}", widths[i]
        layer(f"{name}.conv_0", out, inputs, 3, 3)
        layer(f"{name}.conv_1", out, out, 3, 3)
        layer(f"{name}.conv_s", inputs, out, 3, 3, width=out)
        adain(f"{name}.norm_0", inputs)
        adain(f"{name}.norm_1", out)
        adain(f"{name}.norm_s", inputs)
        inputs = 2 * out
    norm("warpping_net.flow_out.0", inputs)
    layer("warpping_net.flow_out.2", 2, inputs, 7, 7)
    widths = [channels(NARROW.edit_base, i, NARROW.most) for i in range(NARROW.edit_down + 1)]
    layer("editing_net.encoder.first.model.0", widths[0], 6, 7, 7)
    norm("editing_net.encoder.first.model.1", widths[0])
    for i in range(NARROW.edit_down):
        for name, a, b in (("encoder.down", i, i + 1), ("decoder.up", i + 1, i), ("decoder.jump", i, i)):
            layer(f"editing_net.{name}{i}.model.0", widths[b], widths[a], 3, 3)
            norm(f"editing_net.{name}{i}.model.1", widths[b])
        for j in range(NARROW.edit_blocks):
            for part in (1, 2):
                layer(f"editing_net.decoder.res{i}.res{j}.conv{part}", widths[i + 1], widths[i + 1], 3, 3)
                adain(f"editing_net.decoder.res{i}.res{j}.norm{part}", widths[i + 1])
    layer("editing_net.decoder.final.model.0", 3, widths[0], 7, 7)
    return weights


def published_forward(w: dict[str, Tensor], portrait: Tensor, motion: Tensor) -> Tensor:
    """What the face model of these weights draws: portrait (B, 3, 256, 256) in −1…1, motion (B, 73, 27)."""

    def act(x: Tensor) -> Tensor:
        return F.leaky_relu(x, 0.1)

    def conv(x: Tensor, name: str, stride: int = 1, padding: int = 1) -> Tensor:
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride, padding)

    def up(x: Tensor, name: str) -> Tensor:
        return F.conv_transpose2d(x, w[f"{name}.weight"], w[f"{name}.bias"], 2, 1, 1)

    def norm(x: Tensor, name: str) -> Tensor:
        shape = x.shape[1:]
        return F.layer_norm(x, shape, w[f"{name}.weight"].expand(shape), w[f"{name}.bias"].expand(shape))

    def linear(x: Tensor, name: str) -> Tensor:
        return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def adain(x: Tensor, name: str) -> Tensor:
        h = F.relu(linear(z, f"{name}.mlp_shared.0"))
        gain, bias = linear(h, f"{name}.mlp_gamma"), linear(h, f"{name}.mlp_beta")
        return F.instance_norm(x) * (1 + gain[:, :, None, None]) + bias[:, :, None, None]

    h = F.conv1d(motion, w["mapping_net.first.0.weight"], w["mapping_net.first.0.bias"])
    for i in range(3):
        name = f"mapping_net.encoder{i}.1"
        h = F.conv1d(act(h), w[f"{name}.weight"], w[f"{name}.bias"], dilation=3) + h[:, :, 3:-3]
    z = h.mean(2)

    x = conv(portrait, "warpping_net.hourglass.encoder.input_layer", padding=3)
    kept = [x]
    for i in range(5):
        name = f"warpping_net.hourglass.encoder.encoder{i}"
        x = conv(act(adain(x, f"{name}.norm_0")), f"{name}.conv_0", stride=2)
        x = conv(act(adain(x, f"{name}.norm_1")), f"{name}.conv_1")
        kept.append(x)
    x = kept.pop()
    for i in (4, 3, 2):
        name = f"warpping_net.hourglass.decoder.decoder{i}"
        side = up(act(adain(x, f"{name}.norm_s")), f"{name}.conv_s")
        x = conv(act(adain(x, f"{name}.norm_0")), f"{name}.conv_0")
        x = side + up(act(adain(x, f"{name}.norm_1")), f"{name}.conv_1")
        x = torch.cat([x, kept.pop()], 1)
    flow = conv(act(norm(x, "warpping_net.flow_out.0")), "warpping_net.flow_out.2", padding=3)

    size = flow.shape[-1]
    line = 2 * torch.arange(size) / (size - 1) - 1
    place = torch.stack(torch.meshgrid(line, line, indexing="xy"))[None] + 2 * flow / (size - 1)
    place = F.interpolate(place, size=portrait.shape[-2:], mode="bilinear")
    warped = F.grid_sample(portrait, place.permute(0, 2, 3, 1), align_corners=False)

    def block(x: Tensor, name: str, padding: int = 1) -> Tensor:
        return act(norm(conv(x, f"{name}.model.0", padding=padding), f"{name}.model.1"))

    x = block(torch.cat([portrait, warped], 1), "editing_net.encoder.first", 3)
    kept = [x]
    for i in range(3):
        x = F.avg_pool2d(block(x, f"editing_net.encoder.down{i}"), 2)
        kept.append(x)
    x = kept.pop()
    for i in (2, 1, 0):
        for j in range(2):
            name = f"editing_net.decoder.res{i}.res{j}"
            x = adain(conv(x, f"{name}.conv2"), f"{name}.norm2") + x
        x = block(F.interpolate(x, scale_factor=2), f"editing_net.decoder.up{i}")
        x = block(kept.pop(), f"editing_net.decoder.jump{i}") + x
    return torch.tanh(conv(x, "editing_net.decoder.final.model.0", padding=3))


def test_converted_weights_draw_what_the_published_network_draws():
    torch.manual_seed(0)
    weights = make_weights()
    portrait, motion = torch.rand(2, 3, 256, 256), torch.randn(2, NARROW.frames, NARROW.motion)

    with torch.no_grad():
        wanted = published_forward(weights, 2 * portrait - 1, motion.transpose(1, 2))
        drawn = convert(weights, NARROW)(motion, portrait).picture

    assert wanted.std() > 0.1
    torch.testing.assert_close(2 * drawn - 1, wanted, atol=2e-4, rtol=0)


def test_weights_of_another_network_are_refused_by_name_or_shape():
    weights = make_weights()
    del weights["editing_net.decoder.jump1.model.0.weight"]
    with pytest.raises(ValueError, match=r"expected the weights editing_net.decoder.jump1.model.0.weight"):
        convert(weights, NARROW)
    with pytest.raises(ValueError, match="got weights that the face model has not: else"):
        convert({**make_weights(), "else": torch.zeros(1)}, NARROW)
    with pytest.raises(RuntimeError, match="size mismatch"):
        convert(make_weights(), replace(NARROW, warp_base=8))


def test_the_layers_are_those_of_the_published_size():
    widths = PaperRenderer(PUBLISHED)

    assert widths.mapping.first.weight.shape == (256, 73, 7)
    assert widths.warping.flow[-1].weight.shape == (2, 256, 7, 7)
    assert widths.editing.out.weight.shape == (3, 64, 7, 7)
