"""Operators on boxes: overlap, non-maximum suppression, pooling of regions."""

from math import prod
from typing import Literal

from .attributes import Floats, Shape
from .inference import first, partly, type_of_first
from .registry import operator

Format = Literal["center", "corner"]


def _to_corner(xp, boxes):
    """Return (left, top, right, bottom) of boxes (x, y, width, height)."""
    half = boxes[..., 2:] / 2
    return xp.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)


def _to_center(xp, boxes):
    low, high = boxes[..., :2], boxes[..., 2:]
    return xp.concatenate([(low + high) / 2, high - low], axis=-1)


def _areas(xp, boxes):
    sides = xp.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def _overlaps(xp, a, b):
    """Return the intersection over union of corner boxes whose leading axes broadcast."""
    sides = xp.maximum(xp.minimum(a[..., 2:], b[..., 2:]) - xp.maximum(a[..., :2], b[..., :2]), 0)
    shared = sides[..., 0] * sides[..., 1]
    union = _areas(xp, a) + _areas(xp, b) - shared
    return xp.where(shared > 0, shared / xp.where(union > 0, union, union.dtype.type(1)), shared.dtype.type(0))


@operator("_contrib_box_iou", shape_rule=partly(lambda lhs, rhs, **_: lhs[:-1] + rhs[:-1]))
def box_iou(env, lhs, rhs, *, format: Literal["center", "corner"] = "corner"):
    """Compute the intersection over union of every box of lhs (..., 4) with every box of rhs (..., 4)."""
    for name, boxes in (("lhs", lhs), ("rhs", rhs)):
        if boxes.ndim < 1 or boxes.shape[-1] != 4:
            raise ValueError(f"box_iou takes boxes of 4 numbers, but {name} is {boxes.shape}")
    if format == "center":
        lhs, rhs = _to_corner(env.xp, lhs), _to_corner(env.xp, rhs)
    result = _overlaps(env.xp, lhs.reshape((-1, 1, 4)), rhs.reshape((1, -1, 4)))
    return result.reshape(lhs.shape[:-1] + rhs.shape[:-1])


@box_iou.gradient
def _(F, _dy, _y, lhs, rhs, **_):
    return lambda: F.zeros_like(lhs), lambda: F.zeros_like(rhs)


def _candidates(xp, rows, valid_thresh, topk, score_index, id_index, background_id):
    """Return the order of rows by falling score, and which of the sorted ones may be kept."""
    scores = rows[..., score_index]
    valid = scores > valid_thresh
    if id_index >= 0:
        valid &= rows[..., id_index] != background_id
    order = xp.argsort(xp.where(valid, -scores, xp.inf), axis=1, kind="stable")
    valid = xp.take_along_axis(valid, order, axis=1)
    if topk > 0:
        valid[:, topk:] = False
    return order, valid


def _suppress(env, keep, boxes, classes, overlap_thresh, limit):
    """Drop, in place, every box that overlaps an earlier kept one (of its class) too much."""
    xp = env.xp
    for i in range(limit - 1):
        near = _overlaps(xp, boxes[:, i:i + 1], boxes[:, i + 1:]) > overlap_thresh
        near &= keep[:, i:i + 1]
        if classes is not None:
            near &= classes[:, i:i + 1] == classes[:, i + 1:]
        keep[:, i + 1:] &= ~near


@operator("_contrib_box_nms", "_contrib_box_non_maximum_suppression", outputs=2, visible=1, shape_rule=first)
def box_nms(env, data, *, overlap_thresh: float = 0.5, valid_thresh: float = 0.0, topk: int = -1, coord_start: int = 2,
            score_index: int = 1, id_index: int = -1, background_id: int = -1, force_suppress: bool = False,
            in_format: Format = "corner", out_format: Format = "corner"):
    """Keep the boxes with the highest scores that don't overlap a better one by more than `overlap_thresh`.

    data is (..., boxes, numbers): score and four coordinates stand at `score_index` and `coord_start`, the class at `id_index`.
    The kept boxes come first, by falling score; the other rows are -1. Only the `topk` best above `valid_thresh` take part, none
    of the background class, and with a class only boxes of one class compete (unless force_suppress).
    The hidden second output tells which row each kept one was.
    """
    xp = env.xp
    if data.ndim < 2 or data.shape[-1] < max(coord_start + 4, score_index + 1, id_index + 1):
        raise ValueError(f"box_nms: rows of {data.shape[-1:]} numbers don't hold coord_start={coord_start}, "
                         f"score_index={score_index} and id_index={id_index}")
    rows = data.reshape((prod(data.shape[:-2]), *data.shape[-2:]))
    order, keep = _candidates(xp, rows, valid_thresh, topk, score_index, id_index, background_id)
    rows = xp.take_along_axis(rows, order[..., None], axis=1)
    boxes = rows[..., coord_start:coord_start + 4]
    corners = _to_corner(xp, boxes) if in_format == "center" else boxes
    limit = min(topk, rows.shape[1]) if topk > 0 else rows.shape[1]
    if env.backend.name == "cpu" and keep.size:
        limit = min(limit, int(keep.sum(axis=1).max()))  # on a device, reading the count would wait for it
    _suppress(env, keep, corners, rows[..., id_index] if id_index >= 0 and not force_suppress else None, overlap_thresh, limit)
    if in_format != out_format:
        rows[..., coord_start:coord_start + 4] = corners if out_format == "corner" else _to_center(xp, boxes)
    forward = xp.argsort(~keep, axis=1, kind="stable")
    kept = xp.take_along_axis(keep, forward, axis=1)
    rows = xp.where(kept[..., None], xp.take_along_axis(rows, forward[..., None], axis=1), rows.dtype.type(-1))
    source = xp.where(kept, xp.take_along_axis(order, forward, axis=1), -1)
    return rows.reshape(data.shape), source.reshape(data.shape[:-1])


@box_nms.gradient
def _(F, dy, y, _data, **_):
    return (lambda: F._backward_box_nms(dy[0], y[1]),)


@operator("_backward_box_nms")
def _backward_box_nms(env, dy, source):
    """Give each kept row's gradient to the row that it was."""
    xp = env.xp
    count, length = dy.shape[-2:]
    top, place = dy.reshape((-1, count, length)), source.reshape((-1, count))
    kept = place >= 0
    flat = xp.zeros((top.shape[0] * count, length), dy.dtype)
    target = xp.maximum(place, 0) + xp.arange(top.shape[0]).reshape((-1, 1)) * count
    env.add_at(flat, target.reshape((-1,)), (top * kept[..., None]).reshape((-1, length)))
    return flat.reshape(dy.shape)


def _round(xp, x):
    """Round halves away from zero, as C does."""
    return xp.sign(x) * xp.floor(xp.abs(x) + 0.5)


def _inside(xp, low, high, count, size):
    """Return which of `size` positions each of `count` parts of the ranges low..high covers: (ranges, count, size)."""
    low, high = low.reshape((-1, 1)), high.reshape((-1, 1))
    step = xp.maximum(high - low + 1, 1) / count
    part = xp.arange(count, dtype=step.dtype)  # as precise as step: 3 * (1 / 3) must be 1
    start = xp.clip(xp.floor(part * step) + low, 0, size)[..., None]
    end = xp.clip(xp.ceil((part + 1) * step) + low, 0, size)[..., None]
    position = xp.arange(size)
    return (position >= start) & (position < end)


@operator("ROIPooling", outputs=2, visible=1, output_names=("output", "maxidx"),
          shape_rule=partly(lambda data, rois, *, pooled_size, **_: (rois[0], data[1], *pooled_size)), type_rule=type_of_first)
def roi_pooling(env, data, rois, *, pooled_size: Shape, spatial_scale: float):
    """Take the largest value in every part of every region, the region being cut into `pooled_size` parts.

    data is (batch, channel, height, width); a region (image number, x1, y1, x2, y2) has its corners in pixels of an image
    that is `spatial_scale` times smaller in data. An empty part, or a region of no image, gives 0. The hidden second output
    tells where in the image each value was found.
    """
    xp = env.xp
    if data.ndim != 4 or rois.ndim != 2 or rois.shape[1] != 5 or len(pooled_size) != 2:
        raise ValueError(f"ROIPooling takes data (batch, channel, height, width), rois (count, 5) and two numbers pooled_size, "
                         f"but got {data.shape}, {rois.shape} and {pooled_size}")
    image = rois[:, 0].astype("int64")
    known = (image >= 0) & (image < data.shape[0])
    height, width = data.shape[2:]
    corners = _round(xp, rois[:, 1:] * spatial_scale)
    columns = _inside(xp, corners[:, 0], corners[:, 2], pooled_size[1], width)
    rows = _inside(xp, corners[:, 1], corners[:, 3], pooled_size[0], height) & known.reshape((-1, 1, 1))
    source = data[xp.clip(image, 0, data.shape[0] - 1)]
    shape = (rois.shape[0], data.shape[1], *pooled_size)
    y, place = xp.zeros(shape, data.dtype), xp.full(shape, -1, "int64")
    low = data.dtype.type(-xp.inf)
    for j in range(pooled_size[1]):
        part = xp.where(columns[:, j].reshape((-1, 1, 1, width)), source, low)
        column = part.argmax(axis=3)
        best = part.max(axis=3)
        for i in range(pooled_size[0]):
            part = xp.where(rows[:, i].reshape((-1, 1, height)), best, low)
            row = xp.expand_dims(part.argmax(axis=2), 2)
            found = rows[:, i].any(axis=1, keepdims=True) & columns[:, j].any(axis=1, keepdims=True)
            y[:, :, i, j] = xp.where(found, part.max(axis=2), data.dtype.type(0))
            where = row * width + xp.take_along_axis(column, row, axis=2)
            place[:, :, i, j] = xp.where(found, where[:, :, 0], -1)
    return y, place


@roi_pooling.gradient
def _(F, dy, y, _data, rois, **_):
    return lambda: F._backward_ROIPooling(dy[0], rois, y[1], shape=_data.shape), lambda: F.zeros_like(rois)


@operator("_backward_ROIPooling")
def _backward_roi_pooling(env, dy, rois, place, *, shape: Shape):
    """Give each value's gradient to the place where it was found."""
    xp = env.xp
    count, channels, height, width = shape
    plane = xp.clip(rois[:, 0].astype("int64"), 0, count - 1).reshape((-1, 1)) * channels + xp.arange(channels)
    target = plane[..., None, None] * (height * width) + xp.maximum(place, 0)
    flat = xp.zeros((count * channels * height * width,), dy.dtype)
    env.add_at(flat, target.reshape((-1,)), xp.where(place >= 0, dy, dy.dtype.type(0)).reshape((-1,)))
    return flat.reshape(shape)


@operator("_contrib_MultiBoxPrior",
          shape_rule=partly(lambda data, *, sizes, ratios, **_: (1, data[2] * data[3] * (len(sizes) + len(ratios) - 1), 4)))
def multibox_prior(env, data, *, sizes: Floats = (1.0,), ratios: Floats = (1.0,), clip: bool = False, steps: Floats = (-1.0, -1.0),
                   offsets: Floats = (0.5, 0.5)):
    """Make the anchor boxes of every pixel of data (batch, channel, height, width), as corners, (1, boxes, 4).

    A pixel has a box of every size with the first ratio, then one of the first size with every other ratio; sizes are shares of the
    image's height. `steps` and `offsets` (y, x) say where centres lie, in shares of the image and of a pixel; steps that are not
    positive stand for one pixel. `clip` cuts boxes at the image's edge.
    """
    if data.ndim != 4:
        raise ValueError(f"Input data should be 4D: [batch-channel-y-x], but got {data.shape}")
    if not sizes or not ratios or len(steps) != 2 or len(offsets) != 2:
        raise ValueError(f"MultiBoxPrior takes some sizes and ratios, two steps and two offsets, but got sizes={sizes}, "
                         f"ratios={ratios}, steps={steps}, offsets={offsets}")
    xp, (height, width) = env.xp, data.shape[2:]
    step_y, step_x = (step if step > 0 else 1.0 / count for step, count in zip(steps, (height, width)))
    centre_y = ((xp.arange(height) + offsets[0]) * step_y).reshape((-1, 1, 1))
    centre_x = ((xp.arange(width) + offsets[1]) * step_x).reshape((1, -1, 1))
    shapes = [(size, ratios[0] ** 0.5) for size in sizes] + [(sizes[0], ratio ** 0.5) for ratio in ratios[1:]]
    boxes = xp.empty((height, width, len(shapes), 4), data.dtype)
    for i, (size, root) in enumerate(shapes):
        half_x, half_y = size * height / width * root / 2, size / root / 2
        for side, edge in enumerate((centre_x - half_x, centre_y - half_y, centre_x + half_x, centre_y + half_y)):
            boxes[:, :, i, side] = edge[..., 0]
    boxes = boxes.reshape((1, -1, 4))
    return xp.clip(boxes, 0, 1) if clip else boxes


@multibox_prior.gradient
def _(F, _dy, _y, data, **_):
    return (lambda: F.zeros_like(data),)
