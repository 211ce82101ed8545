"""The real-time size in 8 bits: each rearrangement alone, and all of them against the network they come from."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from avatar.blocks import enlarge_twice, identity_grid, look_up, look_up_enlarged
from avatar.evaluate import psnr
from avatar.graphs import FloatInference, export_graphs
from avatar.inference import (
    FINE,
    Places,
    RealtimeInference,
    bilinear_cells,
    enlarge,
    from_yuv,
    pack,
    surround,
    to_yuv,
    unpack,
)
from avatar.model import RealtimeRenderer
from avatar.quantize import ByteCode, ByteConv, Bytes, ByteUpConv, Ranges
from avatar.rounding import round_activations, round_inside


@pytest.fixture(scope="module")
def renderer():
    """A renderer with random weights that moves and paints a little."""
    torch.manual_seed(0)
    renderer = RealtimeRenderer().eval()
    nn.init.normal_(renderer.editing.out.weight, std=0.01)
    nn.init.normal_(renderer.warping.modal.modes.weight, std=0.01)
    return renderer


@pytest.fixture(scope="module")
def portrait():
    torch.manual_seed(1)
    return F.interpolate(torch.rand(1, 3, 16, 16), size=(256, 256), mode="bicubic").clamp(0, 1) / 2 + 0.25


@pytest.fixture(scope="module")
def inference(renderer, portrait):
    torch.manual_seed(2)
    return RealtimeInference(renderer, torch.randn(8, 1, 59) * 0.3, portrait)


def test_bytes_hold_zero_exactly_and_cover_the_range():
    code = ByteCode(Bytes.of(-0.3, 1.1))
    x = torch.tensor([0.0, -0.3, 1.1, 0.456])

    back = code.decode(code.encode(x))

    assert back[0] == 0
    assert (back - x).abs().max() <= code.scale
    with pytest.raises(ValueError, match="finite range"):
        Bytes.of(0, float("inf"))


def test_a_convolution_in_bytes_is_near_the_one_in_float():
    torch.manual_seed(0)
    conv, x = nn.Conv2d(8, 6, 3, 2, 1), torch.rand(1, 8, 16, 16)
    want = conv(x).detach()

    got = ByteConv(conv.weight, conv.bias, 2, 1, Bytes.of(0, 1), Bytes.of(float(want.min()), float(want.max())))(x)

    assert psnr(got, want) > 40 - 20 * torch.log10(want.max() - want.min())


def test_an_upsampling_convolution_in_bytes_is_near_the_transposed_one():
    torch.manual_seed(0)
    conv, x = nn.ConvTranspose2d(5, 3, 4, 2, 1, bias=False), torch.rand(1, 5, 6, 6)
    want = conv(x).detach()

    got = ByteUpConv(conv, Bytes.of(0, 1), Bytes.of(float(want.min()), float(want.max())))(x)

    assert got.shape == want.shape == (1, 3, 12, 12)
    assert (got - want).abs().max() < 0.03 * (want.max() - want.min())


def test_ranges_are_those_of_all_frames():
    conv = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(conv.weight, 2)
    ranges = Ranges(nn.Sequential(conv))

    with torch.no_grad():
        conv(torch.full((1, 1, 2, 2), -1.0))
        conv(torch.full((1, 1, 2, 2), 3.0))
        ranges.close()
        conv(torch.full((1, 1, 2, 2), 100.0))

    assert ranges.codes("0") == (Bytes.of(-1, 3), Bytes.of(-2, 6))


def test_packed_chroma_comes_back():
    chroma = torch.randint(0, 256, (2, 500)).float()

    assert torch.equal(unpack(pack(chroma)), chroma)


def test_an_enlarged_picture_has_each_pixel_at_every_eighth_place():
    picture = torch.randint(0, 256, (1, 2, 9, 9)).float()

    fine = enlarge(picture)

    side = FINE * 8 + 1
    assert torch.equal(fine.reshape(2, side, side)[:, ::FINE, ::FINE], picture[0])


def test_a_sharp_lookup_gives_pixels_back_and_keeps_what_a_bilinear_one_blurs():
    stripes = (torch.arange(64) % 4 < 2).float().expand(1, 1, 64, 64) / 2 + 0.25
    shifted = identity_grid(64) + torch.tensor([1 / 64, 0])  # half a pixel

    still, between = (look_up_enlarged(enlarge_twice(stripes), grid) for grid in (identity_grid(64), shifted))

    torch.testing.assert_close(still, stripes, atol=1e-5, rtol=0)
    assert between[..., 2:-2].std() > 1.1 * look_up(stripes, shifted)[..., 2:-2].std()


@pytest.mark.parametrize("factor", [2, 4])
def test_cells_enlarge_like_bilinear_interpolation(factor):
    x = torch.rand(1, 1, 8, 8)

    cells = F.conv2d(surround(x), bilinear_cells(factor))

    want = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    torch.testing.assert_close(F.pixel_shuffle(cells, factor), want)


def test_grey_cells_come_back_from_luma_and_chroma():
    grey = torch.rand(16).repeat(3)

    torch.testing.assert_close(from_yuv() @ (to_yuv() @ grey), grey, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cell", [1, 2, 4])
def test_without_flow_every_place_looks_up_itself(cell):
    places = Places(cell)(torch.zeros(2, 1, 66, 66)).reshape(cell, cell, 64, 64)

    side = FINE * (64 * cell - 1) + 1
    assert places[0, 0, 0, 0] == 0
    assert places[-1, -1, -1, -1] == side * side - 1
    assert places[-1, 0, 2, 5] == FINE * (2 * cell + cell - 1) * side + FINE * 5 * cell


def test_a_picture_in_bytes_is_near_the_one_in_float(renderer, portrait, inference):
    motion = torch.randn(1, 1, 59) * 0.3
    in_float = FloatInference(renderer)

    with torch.no_grad():
        want = in_float.i420(motion, {"portrait": portrait, **in_float.source(portrait)}) / 255
        got = inference.i420(motion, inference.source(portrait)) / 255
        drawn = in_float.picture(motion, {"portrait": portrait, **in_float.source(portrait)})

    assert psnr(drawn, portrait) < 30
    assert psnr(got, want) > 36


def test_a_picture_is_what_a_player_makes_of_its_i420(portrait, inference):
    renderer = RealtimeRenderer().eval()
    converter = FloatInference(renderer)
    inputs = inference.source(portrait)

    with torch.no_grad():
        i420 = inference.i420(torch.zeros(1, 1, 59), inputs)
        picture = inference.picture(torch.zeros(1, 1, 59), inputs)
        converter.picture = lambda motion, inputs: picture
        again = converter.i420(torch.zeros(1, 1, 59), {})

    assert psnr(again / 255, i420 / 255) > 38


@pytest.mark.filterwarnings("ignore")
def test_exported_graphs_in_bytes_draw_what_pytorch_draws(portrait, inference, tmp_path):
    exported = export_graphs(inference, torch.randn(1, 1, 59) * 0.3, portrait, tmp_path)

    assert exported.i420.shape == (1, 256 * 256 * 3 // 2)
    assert set(exported.inputs) == {"motion", *exported.features}


def test_training_with_rounding_keeps_the_weights_names_and_lets_gradients_pass(portrait):
    torch.manual_seed(0)
    renderer = RealtimeRenderer()
    names = list(renderer.state_dict())

    round_inside(renderer)
    renderer(torch.randn(1, 1, 59), portrait).picture.mean().backward()

    assert list(renderer.state_dict()) == names
    assert renderer.editing.out.weight.grad.abs().sum() > 0
    assert renderer.warping.up32.coarse_conv.weight.grad is not None


def test_rounded_activations_take_at_most_256_values_and_keep_zero():
    x = torch.cat([torch.zeros(1), torch.randn(5000)])

    rounded = round_activations(x)

    assert len(rounded.unique()) <= 256
    assert rounded[0] == 0
    assert (rounded - x).abs().max() <= (x.max() - x.min()) / 255
