"""Rows of the neural operators on images and sequences: convolution, pooling, resizing, regions, boxes, CTC."""

import numpy as np

from . import MXNET, Row, Wrong, fixed

INTERNAL = "MXNet doesn't have this operator"
LAST = "MXNet's CPU build has no channels-last convolution"
WIDE = ("float32", "float64")


def correlate(x, w, stride, dilate, pad, groups=1):
    """Return the convolution of x with w, by its definition."""
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    size = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilate))
    y = np.zeros((len(x), len(w), *size))
    inputs, filters = w.shape[1], len(w) // groups
    for f in range(len(w)):
        part = x[:, f // filters * inputs:(f // filters + 1) * inputs]
        for place in np.ndindex(size):
            window = tuple(slice(i * s, i * s + d * k, d) for i, s, d, k in zip(place, stride, dilate, w.shape[2:]))
            y[(slice(None), f, *place)] = (part[(slice(None), slice(None), *window)] * w[f]).sum(tuple(range(1, x.ndim)))
    return y


def spread(x, w, stride, pad, size, groups=1):
    """Return the transposed convolution of x with w, by its definition."""
    y = np.zeros((len(x), w.shape[1] * groups, *(n + 2 * p for n, p in zip(size, pad))))
    inputs = len(w) // groups
    for c in range(len(w)):
        part = slice(c // inputs * w.shape[1], (c // inputs + 1) * w.shape[1])
        for place in np.ndindex(x.shape[2:]):
            window = tuple(slice(i * s, i * s + k) for i, s, k in zip(place, stride, w.shape[2:]))
            y[(slice(None), part, *window)] += x[(slice(None), c, *place)].reshape(-1, 1, *(1,) * len(place)) * w[c]
    return y[(slice(None), slice(None), *(slice(p, p + n) for p, n in zip(pad, size)))]


def _conv(stride, dilate, pad, groups=1):
    def expect(x, w, b=None):
        y = correlate(x, w, stride, dilate, pad, groups)
        return y if b is None else y + b.reshape(1, -1, *(1,) * len(pad))
    return expect


def _channels_last(expect):
    def turned(x, w, b):
        return np.moveaxis(expect(np.moveaxis(x, -1, 1), np.moveaxis(w, -1, 1), b), 1, -1)
    return turned


C, D = "Convolution", "Deconvolution"
ONE, ZERO = (1, 1), (0, 0)
K2 = {"kernel": (2, 2), "num_filter": 2}
INSIDE = {"stride": ONE, "dilate": ONE, "pad": (1, 0), "groups": 1}
CONVOLUTION = [
    Row(C, [(2, 2, 3, 4), (2, 2, 2, 2), (2,)], K2, expect=_conv(ONE, ONE, ZERO),
        wrong=[Wrong(inputs=[(2, 3, 3, 4), (2, 2, 2, 2), (2,)], says="weight"), Wrong(inputs=[(2, 2, 3, 4), (2, 2, 2, 2)], says="bias"),
               Wrong(inputs=[(2, 2, 3), (2, 2, 2, 2), (2,)], says="kernel"), Wrong(attrs={"stride": (0, 1)}, says="stride"),
               Wrong(inputs=[(2, 2, 1, 4), (2, 2, 2, 2), (2,)], says="kernel"), Wrong(attrs={"num_group": 3}, says="num_group=3")]),
    Row(C, [(1, 2, 5), (3, 2, 2)], {"kernel": (2,), "num_filter": 3, "no_bias": True, "stride": (2,), "dilate": (2,), "pad": (1,)},
        expect=_conv((2,), (2,), (1,))),
    Row(C, [(1, 4, 3, 3), (4, 2, 2, 2), (4,)], {"kernel": (2, 2), "num_filter": 4, "num_group": 2, "pad": (1, 0)},
        expect=_conv(ONE, ONE, (1, 0), 2)),
    Row(C, [(2, 3, 3, 3), (3, 1, 2, 2), (3,)], {"kernel": (2, 2), "num_filter": 3, "num_group": 3, "stride": (1, 2), "pad": (1, 1)},
        expect=_conv((1, 2), ONE, ONE, 3)),
    Row(C, [(2, 3, 2, 2), (2, 3, 1, 1), (2,)], {"kernel": (1, 1), "num_filter": 2}, expect=_conv(ONE, ONE, ZERO)),
    Row(C, [(1, 2, 3, 2, 3), (2, 2, 2, 1, 2), (2,)], {"kernel": (2, 1, 2), "num_filter": 2, "stride": (1, 2, 1)},
        expect=_conv((1, 2, 1), (1, 1, 1), (0, 0, 0))),
    Row(C, [(2, 3, 4, 2), (2, 2, 2, 2), (2,)], {**K2, "layout": "NHWC"}, expect=_channels_last(_conv(ONE, ONE, ZERO)), mxnet=LAST),
    Row(D, [(2, 2, 2, 3), (2, 2, 2, 2)], K2, expect=lambda x, w: spread(x, w, ONE, ZERO, (3, 4)),
        wrong=[Wrong(inputs=[(2, 3, 2, 3), (2, 2, 2, 2)], says="weight"), Wrong(attrs={"adj": (1, 1)}, says="adj")]),
    Row(D, [(1, 2, 2, 3), (2, 2, 3, 2), (2,)],
        {"kernel": (3, 2), "num_filter": 2, "stride": (2, 2), "pad": (1, 0), "adj": (1, 0), "no_bias": False},
        expect=lambda x, w, b: spread(x, w, (2, 2), (1, 0), (4, 6)) + b.reshape(1, 2, 1, 1)),
    Row(D, [(1, 4, 2), (4, 2, 3)], {"kernel": (3,), "num_filter": 4, "num_group": 2, "stride": (2,)},
        expect=lambda x, w: spread(x, w, (2,), (0,), (5,), 2)),
    Row(D, [(1, 2, 2, 2), (2, 1, 4, 4)], {"kernel": (4, 4), "num_filter": 1, "stride": (2, 2), "target_shape": (4, 4)},
        expect=lambda x, w: spread(x, w, (2, 2), (1, 1), (4, 4)), mxnet="MXNet's CPU build refuses target_shape",
        wrong=[Wrong(attrs={"target_shape": (9, 9)}, says="target shape")]),
    Row("_convolve", [(1, 2, 3, 3), (2, 2, 2, 2)], INSIDE, expect=_conv(ONE, ONE, (1, 0)), mxnet=INTERNAL),
    Row("_convolve_data", [(1, 2, 4, 2), (2, 2, 2, 2)], {**INSIDE, "size": (3, 3)}, mxnet=INTERNAL,
        expect=lambda dy, w: spread(dy, w, ONE, (1, 0), (3, 3))),
    Row("_convolve_weight", [(1, 2, 4, 2), (1, 2, 3, 3)], {**INSIDE, "kernel": (2, 2)}, mxnet=INTERNAL,
        expect=lambda dy, x: correlate(x.transpose(1, 0, 2, 3), dy.transpose(1, 0, 2, 3), ONE, ONE, (1, 0)).transpose(1, 0, 2, 3)),
]


def pooled(x, kernel, stride, reduce):
    """Return windows without padding reduced."""
    size = tuple((n - k) // s + 1 for n, k, s in zip(x.shape[2:], kernel, stride))
    y = np.zeros(x.shape[:2] + size)
    for place in np.ndindex(size):
        window = tuple(slice(i * s, i * s + k) for i, s, k in zip(place, stride, kernel))
        y[(slice(None), slice(None), *place)] = reduce(x[(slice(None), slice(None), *window)], axis=tuple(range(2, x.ndim)))
    return y


P = "Pooling"
SECOND = {"max": False, "avg": True, "sum": True}
TRAINING = "max"  # MXNet's gradient of a maximum needs what it keeps in training only
REDUCE = {"max": np.max, "avg": np.mean, "sum": np.sum}
FULL = {"kernel": (2, 2), "stride": (2, 2), "pooling_convention": "full"}
PADDED = {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1)}
FULL_BUG = "MXNet's gradient divides by the whole window where the average doesn't"
POOLING = [
    *[Row(P, [(1, 2, 4, 3)], {"kernel": (2, 2), "stride": (2, 1), "pool_type": t}, second=SECOND[t], training=t == TRAINING,
          expect=lambda x, f=f: pooled(x, (2, 2), (2, 1), f)) for t, f in REDUCE.items()],
    *[Row(P, [(1, 2, 4, 3)], {"global_pool": True, "pool_type": t}, second=SECOND[t], training=t == TRAINING,
          expect=lambda x, f=f: f(x, axis=(2, 3), keepdims=True)) for t, f in REDUCE.items()],
    *[Row(P, [(1, 2, 5, 4)], {**PADDED, "pool_type": t}, second=SECOND[t], training=t == TRAINING, expect=MXNET, dtypes=WIDE) for t in REDUCE],
    *[Row(P, [(1, 2, 5, 4)], {**FULL, "pool_type": t}, second=SECOND[t], training=t == TRAINING, expect=MXNET, dtypes=WIDE,
          mxnet_gradient=FULL_BUG if t == "avg" else True) for t in REDUCE],
    Row(P, [(1, 2, 5, 4)], {**PADDED, "pool_type": "avg", "count_include_pad": False}, expect=MXNET, dtypes=WIDE),
    Row(P, [(1, 2, 6)], {"kernel": (2,), "stride": (2,)}, expect=lambda x: pooled(x, (2,), (2,), np.max), second=False,
        training=True,
        wrong=[Wrong(inputs=[(1, 2, 1)], says="kernel"), Wrong(inputs=[(1, 2, 4, 4)], says="kernel"),
               Wrong(attrs={"pad": (2,)}, says="pad")]),
    Row(P, [(1, 1, 7)], {"kernel": (3,), "stride": (2,), "pooling_convention": "same"}, second=False, mxnet="MXNet crashes or refuses",
        expect=lambda x: pooled(np.pad(x, [(0, 0), (0, 0), (0, 2)], constant_values=-9), (3,), (2,), np.max)),
    Row(P, [(1, 1, 3, 2, 3)], {"kernel": (2, 2, 2), "pool_type": "avg"}, expect=lambda x: pooled(x, (2, 2, 2), (1, 1, 1), np.mean)),
    Row(P, [(1, 4, 3, 2)], {"kernel": (2, 2), "pool_type": "avg", "layout": "NHWC"}, mxnet=LAST,
        expect=lambda x: np.moveaxis(pooled(np.moveaxis(x, -1, 1), (2, 2), ONE, np.mean), 1, -1)),
    Row(P, [(1, 4, 3, 2)], {"kernel": (2, 2), "layout": "NHWC"}, mxnet=LAST, second=False,
        expect=lambda x: np.moveaxis(pooled(np.moveaxis(x, -1, 1), (2, 2), ONE, np.max), 1, -1)),
    *[Row(P, [(1, 2, 4, 3)], {"kernel": (2, 2), "pool_type": "lp", "p_value": p}, domain=(0.4, 2.2), tolerance={"float16": 1e-2},
          expect=lambda x, p=p: pooled(x ** p, (2, 2), ONE, np.sum) ** (1 / p), wrong=[Wrong(attrs={"p_value": None}, says="p_value")])
      for p in (1, 2, 3)],
    Row("_spread", [(1, 2, 2, 3)], {"size": (3, 3), "kernel": (2, 1), "stride": ONE, "pad": ZERO, "pooling_convention": "valid",
                                    "average": False, "count_include_pad": None}, mxnet=INTERNAL,
        expect=lambda dy: np.pad(dy, [(0, 0), (0, 0), (0, 1), (0, 0)]) + np.pad(dy, [(0, 0), (0, 0), (1, 0), (0, 0)])),
]

B = "_contrib_BilinearResize2D"
SAMPLED = {"kind": "corners", "source": (3, 3), "target": (5, 3), "transposed": False}


def _doubled_rows(x):
    return np.stack([x[:, :, 0], (x[:, :, 0] + x[:, :, 1]) / 2, x[:, :, 1], (x[:, :, 1] + x[:, :, 2]) / 2, x[:, :, 2]], 2)


RESIZE = [
    Row("_contrib_AdaptiveAvgPooling2D", [(1, 2, 4, 3)], {"output_size": (2, 1)},
        expect=lambda x: x.reshape(1, 2, 2, 2, 3).mean((3, 4))[..., None], wrong=[Wrong(inputs=[(2, 4, 3)], says="height")]),
    Row("_contrib_AdaptiveAvgPooling2D", [(1, 1, 5, 4)], {"output_size": 3}, expect=MXNET),
    Row("_contrib_AdaptiveAvgPooling2D", [(1, 2, 2, 3)], expect=lambda x: x.mean((2, 3), keepdims=True)),
    Row(B, [(1, 2, 3, 3)], {"height": 5, "width": 3}, expect=_doubled_rows, dtypes=WIDE,
        wrong=[Wrong(attrs={"scale_height": 2.0}, says="scale_width"), Wrong(inputs=[(1, 2, 3, 3), (1, 2, 3, 3)], says="like")]),
    Row(B, [(1, 2, 3, 3)], {"height": 5, "width": 2, "align_corners": False}, expect=MXNET, dtypes=WIDE),
    Row(B, [(1, 2, 3, 4)], {"scale_height": 1.7, "scale_width": 0.6}, expect=MXNET, dtypes=WIDE),
    Row(B, [(1, 1, 3, 4)], {"scale_height": 2.0, "scale_width": 0.5, "mode": "odd_scale"}, expect=MXNET, dtypes=WIDE),
    *[Row(B, [(1, 1, 3, 4)], {"mode": mode}, expect=MXNET, dtypes=WIDE)
      for mode in ("to_even_down", "to_even_up", "to_odd_down", "to_odd_up")],
    Row(B, [(1, 1, 3, 4), (1, 1, 2, 5)], {"mode": "like"}, expect=MXNET, gradient=(0,), dtypes=WIDE),
    Row("UpSampling", [(1, 2, 2, 3)], {"scale": 2, "sample_type": "nearest", "num_args": 1},
        expect=lambda x: x.repeat(2, 2).repeat(2, 3)),
    Row("UpSampling", [(1, 2, 4, 4), (1, 1, 2, 2)], {"scale": 2, "sample_type": "nearest", "num_args": 2},
        expect=lambda x, z: np.concatenate([x.repeat(2, 2).repeat(2, 3), z.repeat(4, 2).repeat(4, 3)], 1),
        wrong=[Wrong(inputs=[(1, 2, 4, 4), (1, 1, 3, 2)], says="(3, 2)", shapes=False)]),
    Row("UpSampling", [(1, 2, 2, 2), (1, 2, 1, 1)], {"scale": 2, "sample_type": "nearest", "num_args": 2, "multi_input_mode": "sum"},
        expect=lambda x, z: x.repeat(2, 2).repeat(2, 3) + z.repeat(4, 2).repeat(4, 3)),
    Row("UpSampling", [(1, 2, 2, 3), (2, 1, 4, 4)], {"scale": 2, "sample_type": "bilinear", "num_args": 2, "num_filter": 2},
        expect=lambda x, w: spread(x, w, (2, 2), (1, 1), (4, 6), 2), dtypes=WIDE),
    Row("_resize", [(1, 2, 3, 3)], SAMPLED, expect=_doubled_rows, mxnet=INTERNAL),
    Row("_enlarge", [(1, 2, 2, 1)], {"scale": 3}, expect=lambda x: x.repeat(3, 2).repeat(3, 3), mxnet=INTERNAL),
    Row("_shrink", [(1, 1, 4, 2)], {"scale": 2}, expect=lambda x: x.reshape(1, 1, 2, 2, 1, 2).sum((3, 5)), mxnet=INTERNAL),
]

REGIONS = fixed(np.array([[0, 0, 0, 3, 3], [0, 1, 2, 2, 2], [0, 3, 3, 9, 9], [0, -3, -3, 0.5, 1.5]], "float32"))
BOXES = np.array([[0, 0.5, 0.1, 0.1, 0.2, 0.2], [1, 0.4, 0.1, 0.1, 0.2, 0.2], [0, 0.3, 0.1, 0.1, 0.19, 0.2],
                  [2, 0.6, 0.5, 0.5, 0.7, 0.8]])
PAIR = np.array([[0.0, 0, 2, 2], [1, 1, 1, 1]])
OTHER = np.array([[[1.0, 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 7]]])
ANCHORS = np.array([[[0, 0, 0.5, 0.5], [0.1, 0.1, 0.6, 0.6], [0.5, 0.5, 1, 1], [0.4, 0, 0.9, 0.7], [0.2, 0.6, 0.3, 0.9]]], "float32")
LABELS = np.array([[[1, 0.1, 0, 0.5, 0.5], [0, 0.5, 0.1, 0.9, 0.7]], [[1, 0.2, 0.6, 0.4, 1], [-1, -1, -1, -1, -1]]], "float32")
PREDICTIONS = np.array([[[1, 0, 2, 0.5, 0.3], [0, 1, 1, 0.2, 2], [0.5, 0.1, 0, 1, 0]],
                        [[0, 2, 1, 1, 0], [1, 1, 0, 0, 0.4], [0.2, 0, 0, 3, 1]]], "float32")
CHANCES = np.array([[[0.2, 0.1, 0.5, 0.3, 0.1], [0.5, 0.6, 0.3, 0.1, 0.2], [0.3, 0.3, 0.2, 0.6, 0.7]],
                    [[0.9, 0.3, 0.4, 0.2, 0.995], [0.06, 0.3, 0.35, 0.5, 0.003], [0.04, 0.4, 0.25, 0.3, 0.002]]], "float32")
OFFSETS = np.linspace(-1, 1, 40).reshape(2, 20).astype("float32")
N, I = "_contrib_box_nms", "_contrib_box_iou"
BOX = [
    Row("ROIPooling", [(1, 2, 4, 4), REGIONS], {"pooled_size": (2, 3), "spatial_scale": 1.0}, expect=MXNET, gradient=(0,), second=False,
        dtypes=WIDE, wrong=[Wrong(inputs=[(1, 2, 4, 4), (2, 4)], says="rois")]),
    Row("ROIPooling", [(1, 1, 4, 4), REGIONS], {"pooled_size": (2, 2), "spatial_scale": 0.5}, expect=MXNET, gradient=(0,), second=False,
        dtypes=WIDE),
    *[Row(N, [BOXES], attrs, expect=MXNET, gradient=MXNET, dtypes=("float32",)) for attrs in (
        {}, {"overlap_thresh": 0.1, "id_index": 0}, {"overlap_thresh": 0.1, "id_index": 0, "force_suppress": True},
        {"topk": 2, "valid_thresh": 0.35}, {"id_index": 0, "background_id": 0},
        {"in_format": "center", "out_format": "corner", "overlap_thresh": 0.1})],
    Row(N, [np.stack([BOXES, BOXES[::-1]])], {"overlap_thresh": 0.1}, expect=MXNET, gradient=MXNET, dtypes=("float32",),
        wrong=[Wrong(attrs={"coord_start": 4}, says="coord_start=4")]),
    Row("_contrib_MultiBoxPrior", [(1, 1, 2, 3)], {"sizes": (0.5, 0.25), "ratios": (1.0, 2.0)}, expect=MXNET,
        gradient="zero", dtypes=("float32",), wrong=[Wrong(inputs=[(2, 3)], says="4D")]),
    Row("_contrib_MultiBoxPrior", [(1, 1, 3, 2)], {"steps": (0.3, 0.4), "offsets": (0.2, 0.7), "clip": True}, expect=MXNET,
        gradient="zero", dtypes=("float32",)),
    *[Row("_contrib_MultiBoxTarget", [ANCHORS, LABELS, PREDICTIONS], attrs, expect=MXNET, gradient="zero", dtypes=("float32",),
          wrong=[Wrong(inputs=[(2, 4), (2, 2, 5), (2, 3, 5)], says="anchors")])
      for attrs in ({}, {"overlap_threshold": 0.2, "variances": (0.2, 0.2, 0.3, 0.4)},
                    {"negative_mining_ratio": 1.0, "negative_mining_thresh": 0.6, "ignore_label": -2.0})],
    *[Row("_contrib_MultiBoxDetection", [CHANCES, OFFSETS, ANCHORS], attrs, expect=MXNET, gradient="zero", dtypes=("float32",),
          wrong=[Wrong(inputs=[(2, 3, 5), (2, 20), (5, 4)], says="anchors")])
      for attrs in ({}, {"nms_threshold": 0.1, "force_suppress": True, "clip": False}, {"nms_topk": 2, "threshold": 0.35},
                    {"nms_threshold": -1.0, "variances": (0.2, 0.2, 0.3, 0.4)})],
    Row(I, [PAIR, OTHER], expect=lambda a, b: np.array([[[1 / 7, 1, 0]], [[0, 0, 0]]]), gradient="zero",
        wrong=[Wrong(inputs=[(2, 4), (2, 3)], says="rhs")], mxnet_gradient="MXNet's is not a derivative"),
    Row(I, [PAIR, OTHER], {"format": "center"}, expect=MXNET, gradient="zero", dtypes=WIDE,
        mxnet_gradient="MXNet's is not a derivative"),
]

FIRST, ENDS = fixed(np.array([[1.0, 2], [2, 0]], "float32")), fixed(np.array([[0.0, 1], [1, -1]], "float32"))
TIMES, LENGTHS = fixed(np.array([3.0, 4], "float32")), fixed(np.array([2.0, 1], "float32"))
CTC_WRONG = [Wrong(inputs=[(4, 2, 3), (3, 2)], says="label"), Wrong(attrs={"use_data_lengths": True}, says="data_lengths")]
CTC = [
    Row("CTCLoss", [(4, 2, 3), FIRST], expect=MXNET, gradient=(0,), second=False, dtypes=WIDE, wrong=CTC_WRONG),
    Row("CTCLoss", [(4, 2, 3), ENDS], {"blank_label": "last"}, expect=MXNET, gradient=(0,), second=False, dtypes=WIDE),
    Row("CTCLoss", [(4, 2, 3), FIRST, TIMES, LENGTHS], {"use_data_lengths": True, "use_label_lengths": True}, expect=MXNET,
        gradient=(0,), second=False, dtypes=WIDE),
    Row("CTCLoss", [(2, 1, 3), fixed(np.array([[1.0, 1]]))], expect=lambda x, i: np.zeros(1), gradient="zero",
        mxnet="MXNet's loss is 0 too, but its gradient is uninitialized memory"),
]

ROWS = [*CONVOLUTION, *POOLING, *RESIZE, *BOX, *CTC]
