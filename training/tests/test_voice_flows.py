"""The normalizing flows invert exactly and report their true Jacobians."""

import torch

from voice.duration import DurationPredictor, SplineCoupling
from voice.flow import Flow
from voice.splines import rational_quadratic


def randomize(module: torch.nn.Module) -> None:
    """Couplings start as the identity, which would hide mistakes."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))


def test_latent_flow_inverts() -> None:
    torch.manual_seed(0)
    flow = Flow(channels=8, hidden=12)
    randomize(flow)
    z, mask = torch.randn(2, 8, 20), torch.ones(2, 1, 20)

    prior = flow(z, mask)

    assert (prior - z).abs().max() > 0.1
    torch.testing.assert_close(flow.inverse(prior, mask), z, rtol=1e-4, atol=1e-4)


def test_latent_flow_without_a_mask_equals_a_mask_of_ones() -> None:
    flow = Flow(channels=8, hidden=12)
    randomize(flow)
    prior = torch.randn(1, 8, 20)

    torch.testing.assert_close(flow.inverse(prior, None), flow.inverse(prior, torch.ones(1, 1, 20)))


def test_spline_inverts_inside_and_outside_its_bounds() -> None:
    torch.manual_seed(0)
    x = torch.linspace(-7, 7, 401, dtype=torch.float64)
    shape = [torch.randn(401, n, dtype=torch.float64) for n in (10, 10, 9)]

    y, log_slope = rational_quadratic(x, *shape)
    back, inverse_log_slope = rational_quadratic(y, *shape, inverse=True)

    torch.testing.assert_close(back, x)
    torch.testing.assert_close(inverse_log_slope, -log_slope)
    assert torch.equal(y[x.abs() > 5], x[x.abs() > 5])


def test_spline_reports_its_slope() -> None:
    torch.manual_seed(0)
    x = torch.linspace(-6, 6, 101, dtype=torch.float64, requires_grad=True)
    shape = [torch.randn(1, n, dtype=torch.float64).expand(101, n) for n in (10, 10, 9)]

    y, log_slope = rational_quadratic(x, *shape)
    (slope,) = torch.autograd.grad(y.sum(), x)

    torch.testing.assert_close(log_slope, slope.log())
    assert (y.diff() > 0).all()


def test_spline_coupling_inverts() -> None:
    torch.manual_seed(0)
    coupling = SplineCoupling(16)
    randomize(coupling)
    x, mask, text = torch.randn(2, 2, 9), torch.ones(2, 1, 9), torch.randn(2, 16, 9)

    y, _ = coupling(x, mask, text)

    assert (y - x).abs().max() > 0.01
    back = torch.cat([y[:, :1], coupling.inverse(y[:, :1], y[:, 1:], mask, text)], dim=1)
    torch.testing.assert_close(back, x, rtol=1e-4, atol=1e-4)


def test_duration_predictor_learns_durations_that_depend_on_the_symbol() -> None:
    torch.manual_seed(0)
    predictor = DurationPredictor(channels=4, hidden=16, couplings=2)
    optimizer = torch.optim.Adam(predictor.parameters(), 5e-3)
    kinds = torch.randint(0, 2, (16, 1, 12))
    text = torch.cat([kinds, 1 - kinds, kinds * 0, kinds * 0], 1).float()
    mask, durations = torch.ones(16, 1, 12), 3.0 + 9.0 * kinds

    for _ in range(150):
        loss = predictor.loss(text, mask, durations).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    frames = predictor.sample(text, mask, 0.3 * torch.randn(16, 2, 12)).exp().ceil()

    assert abs(frames[kinds == 0].median() - 3) <= 1
    assert abs(frames[kinds == 1].median() - 12) <= 2
