"""Folding a batch norm and rounding to int8 change a convolution as little as they may."""

import numpy as np

from demo_h5.models.quantise import INT8_MAX, BatchNorm, Floats, fold, quantise


def naive_convolution(image: Floats, weight: Floats) -> Floats:
    """Slide each kernel over ``image`` [channels, height, width], loop by loop."""
    out_channels, in_channels, rows, columns = weight.shape
    height, width = image.shape[1] - rows + 1, image.shape[2] - columns + 1
    result = np.zeros((out_channels, height, width))
    for channel in range(out_channels):
        for y in range(height):
            for x in range(width):
                patch = image[:in_channels, y : y + rows, x : x + columns]
                result[channel, y, x] = (patch * weight[channel]).sum()
    return result


def tiny_layer() -> tuple[Floats, Floats, BatchNorm]:
    rng = np.random.default_rng(4)
    image, weight = rng.normal(size=(3, 6, 5)), rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    norm = BatchNorm(
        *(rng.normal(size=4).astype(np.float32) for _ in range(3)),
        variance=rng.uniform(0.1, 2, 4).astype(np.float32),
        epsilon=1e-3,
    )
    return image, weight, norm


def test_a_folded_convolution_equals_convolution_then_batch_norm() -> None:
    image, weight, norm = tiny_layer()
    raw = naive_convolution(image, weight)
    mean, variance = norm.mean[:, None, None], norm.variance[:, None, None]
    centred = (raw - mean) / np.sqrt(variance + norm.epsilon)
    expected = centred * norm.scale[:, None, None] + norm.shift[:, None, None]

    folded_weight, folded_bias = fold(weight, norm)

    actual = naive_convolution(image, folded_weight) + folded_bias[:, None, None]
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_int8_weights_are_off_by_half_a_step_at_most() -> None:
    _, weight, _ = tiny_layer()

    packed = quantise(weight)

    assert packed.values.dtype == np.int8
    assert packed.scales.shape == (4, 1, 1, 1)
    assert (np.abs(packed.values).reshape(4, -1).max(1) == INT8_MAX).all()
    error = np.abs(packed.values * packed.scales - weight)
    assert (error <= packed.scales / 2 + 1e-7).all()


def test_a_channel_of_zeros_stays_zero() -> None:
    packed = quantise(np.zeros((2, 3)))

    assert not packed.values.any()
    assert np.isfinite(packed.scales).all()
