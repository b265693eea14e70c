"""numpy: products, orders, conversions, a generator with a seed."""

import numpy as np


def described(array):
    return [str(array.dtype), list(array.shape), np.ascontiguousarray(array).tobytes()]


def numbers_of(value):
    if isinstance(value, dict):
        return [each for inner in value.values() for each in numbers_of(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in numbers_of(inner)]
    if isinstance(value, str):
        return [float(ord(each)) for each in value]
    if isinstance(value, (bytes, memoryview)):
        return [float(each) for each in bytes(value)]
    return [float(value)] if isinstance(value, (int, float)) else []


async def run(ctx, activation):
    given = dict(activation.ext_data if activation.event is None else activation.event.props)
    values = np.array([*numbers_of(given), 3.0, -1.5, 2.25], dtype=np.float64)
    small = np.clip(np.rint(values), -1000, 1000)
    square = np.resize(small, (4, 6))
    dice = np.random.Generator(np.random.PCG64(len(values)))
    mask = (values > 0) & np.isfinite(values)
    arrays = {
        "matmul": square @ square.T,
        "int": square.astype(np.int64).T @ square.astype(np.int64),
        "single": square.astype(np.float32) @ square.astype(np.float32).T,
        "einsum": np.einsum("ij,kj->ik", square, square),
        "argsort": np.argsort(values, kind="stable").astype(np.int64),
        "ordered": np.sort(values),
        "unique": np.unique(small),
        "cumulated": np.cumsum(small),
        "float32": values.astype(np.float32),
        "float16": small.astype(np.float16),
        "wrapped": small.astype(np.int64).astype(np.uint8),
        "shorts": small.astype(np.int16),
        "roots": np.sqrt(np.abs(values)),
        "divided": values / 7,
        "floored": np.floor_divide(small, 7),
        "where": np.where(mask, values, -1.0),
        "mask": mask,
        "bits": np.packbits(mask),
        "extremes": np.array([values.min(), values.max()]),
        "broadcast": small[:5, None] - small[None, :5],
        "integers": dice.integers(0, 1_000_000, 8, dtype=np.int64),
        "uniform": dice.random(5),
        "singles": dice.random(3, dtype=np.float32),
        "bytes": np.frombuffer(dice.bytes(8), dtype=np.uint8),
        "big": square.astype(">i4"),
        "strided": square[::2, ::-1],
        "stacked": np.stack([square, square], axis=1),
    }
    return {name: described(each) for name, each in arrays.items()} | {
        "text": np.array2string(small[:4]),
        "list": square.tolist(),
        "mean": float(small[:4].mean()),
        "sets": np.intersect1d(small, np.arange(-5, 5, dtype=np.float64)).tolist(),
        "any": bool(mask.any()),
    }
