"""Both sizes of the renderer: shapes, cost, and what they draw before training."""

import numpy as np
import pytest
import torch

from avatar.blocks import AdaConv, AdaIN, AdaResidual, identity_grid, look_up
from avatar.cost import count_macs
from avatar.graphs import FloatInference, export_graphs
from avatar.model import RealtimeRenderer
from avatar.paper import PaperConfig, PaperRenderer
from common.golden import check_equal, run_onnx


@pytest.mark.parametrize("renderer", [RealtimeRenderer(), PaperRenderer()], ids=["realtime", "paper"])
def test_draws_a_picture_and_a_flow_from_a_window_of_motion(renderer):
    portrait, motion = torch.rand(1, 3, 256, 256), torch.randn(1, renderer.config.frames, 59)

    with torch.no_grad():
        rendered = renderer(motion, portrait)

    assert rendered.picture.shape == rendered.warped.shape == (1, 3, 256, 256)
    assert rendered.grid.shape == (1, 64, 64, 2)
    assert rendered.picture.isfinite().all()


def test_paper_size_costs_what_the_paper_says():
    source, render = count_macs(PaperRenderer())

    assert source + render == pytest.approx(61.6, abs=0.1)


def test_realtime_size_stays_below_its_budget():
    _, render = count_macs(RealtimeRenderer())

    assert render <= 0.7


def test_paper_size_takes_other_descriptors():
    renderer = PaperRenderer(PaperConfig(motion=73, scaled=False, edit_base=8, warp_base=8, most=16))

    with torch.no_grad():
        rendered = renderer(torch.randn(2, 27, 73), torch.rand(1, 3, 256, 256))

    assert rendered.picture.shape == (2, 3, 256, 256)


def test_untrained_realtime_warp_leaves_the_portrait_nearly_as_it_is():
    portrait = torch.rand(1, 3, 256, 256)

    with torch.no_grad():
        rendered = RealtimeRenderer()(torch.zeros(1, 1, 59), portrait)

    assert (rendered.grid - identity_grid(64)).abs().max() < 0.02


def test_frames_of_a_batch_do_not_depend_on_each_other():
    renderer, portrait, motion = RealtimeRenderer().eval(), torch.rand(1, 3, 256, 256), torch.randn(3, 1, 59)

    with torch.no_grad():
        together = renderer(motion, portrait).picture
        alone = renderer(motion[1:2], portrait).picture

    torch.testing.assert_close(together[1:2], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_exported_graphs_of_the_paper_size_draw_what_pytorch_draws(tmp_path):
    renderer = PaperRenderer(PaperConfig(edit_base=4, warp_base=4, most=8)).eval()
    motion = torch.randn(1, 1, 59).repeat(1, renderer.config.frames, 1)

    exported = export_graphs(FloatInference(renderer), motion, torch.rand(1, 3, 256, 256), tmp_path)

    assert exported.i420.shape == (1, 256 * 256 * 3 // 2)
    assert exported.i420.min() >= 16
    assert exported.i420.max() <= 240
    assert set(exported.inputs) == {"motion", "portrait", *exported.features}


@pytest.mark.filterwarnings("ignore")
def test_the_exported_graph_of_the_paper_size_draws_a_batch_as_it_draws_each_frame(tmp_path):
    renderer = PaperRenderer(PaperConfig(edit_base=4, warp_base=4, most=8)).eval()
    torch.nn.init.normal_(renderer.warping.flow[-1].weight, std=0.2)
    motion = torch.randn(1, renderer.config.frames, 59)
    exported = export_graphs(FloatInference(renderer), motion, torch.rand(1, 3, 256, 256), tmp_path)
    batch = np.random.default_rng(0).normal(size=(5, renderer.config.frames, 59)).astype(np.float32)

    together = run_onnx(tmp_path / "render.onnx", {**exported.inputs, "motion": batch})["i420"]

    assert together.shape == (5, 256 * 256 * 3 // 2)
    for row, frame in zip(batch, together, strict=True):
        alone = run_onnx(tmp_path / "render.onnx", {**exported.inputs, "motion": row[None]})["i420"]
        check_equal({"i420": alone[0]}, {"i420": frame})
    assert len({frame.tobytes() for frame in together}) == 5


def test_identity_grid_looks_up_every_pixel_where_it_is():
    picture = torch.rand(2, 3, 32, 32)

    found = look_up(picture, identity_grid(32).expand(2, -1, -1, -1))

    torch.testing.assert_close(found, picture, atol=1e-5, rtol=0)


def test_adain_gives_each_channel_the_mean_and_spread_that_z_asks_for():
    norm, x, z = AdaIN(4, 8), torch.randn(2, 4, 16, 16) * 5 + 3, torch.randn(2, 8)

    y = norm(x, z)

    gain, bias = norm.affine(z).chunk(2, 1)
    torch.testing.assert_close(y.mean((2, 3)), bias, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(y.std((2, 3), correction=0), (1 + gain).abs(), atol=1e-3, rtol=1e-3)


def test_a_new_residual_block_changes_nothing():
    x, z = torch.randn(1, 4, 8, 8), torch.randn(1, 8)

    assert torch.equal(AdaResidual(4, 8)(x, z), x)
    assert AdaConv(4, 6, 8, stride=2)(x, z).shape == (1, 6, 4, 4)
