"""What detectors train for and what they find: `MultiBoxTarget` and `MultiBoxDetection`."""

from .attributes import Floats
from .boxes import _overlaps
from .inference import partly
from .registry import operator


def _sides(boxes):
    """Return centres and sizes (x, y, width, height, each without the last axis) of corner boxes."""
    left, top, right, bottom = (boxes[..., i] for i in range(4))
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _check_anchors(name, anchor, variances):
    if anchor.ndim != 3 or anchor.shape[0] != 1 or anchor.shape[2] != 4 or len(variances) != 4:
        raise ValueError(f"{name} takes anchors (1, boxes, 4) and four variances, but got {anchor.shape} and {variances}")


def _matched(xp, overlaps, known, threshold):
    """Return for each anchor the true box it belongs to, how far it overlaps it, and whether it is a match.

    overlaps is (batch, anchors, true boxes), known says which true boxes there are. First each true box takes, best pair first, the
    anchor that overlaps it most; then every other anchor that overlaps one by more than `threshold` belongs to it.
    """
    batch, count, most = overlaps.shape
    overlaps = xp.where(known[:, None, :], overlaps, overlaps.dtype.type(-1))
    best, highest = overlaps.argmax(axis=2), overlaps.max(axis=2)
    positive, free = xp.zeros((batch, count), bool), known
    anchors, boxes = xp.arange(count), xp.arange(most)
    for _ in range(most):
        open_ = xp.where(positive[:, :, None] | ~free[:, None, :], overlaps.dtype.type(-1), overlaps).reshape((batch, -1))
        place, found = open_.argmax(axis=1), open_.max(axis=1) > 1e-6
        anchor = (anchors == (place // most)[:, None]) & found[:, None]
        best = xp.where(anchor, (place % most)[:, None], best)
        positive = positive | anchor
        free = free & ~((boxes == (place % most)[:, None]) & found[:, None])
    if threshold > 0:
        positive = positive | (highest > threshold)
    return best, highest, positive


def _hard_negatives(xp, cls_pred, candidates, wanted):
    """Return the `wanted` candidates of each image that look least like background."""
    top = cls_pred.max(axis=1, keepdims=True)
    background = xp.exp(cls_pred[:, 0] - top[:, 0]) / xp.exp(cls_pred - top).sum(axis=1)
    order = xp.argsort(xp.where(candidates, background, xp.inf), axis=1, kind="stable")
    return candidates & (xp.argsort(order, axis=1, kind="stable") < wanted[:, None])


def _target_shapes(anchor, label, cls_pred, **_):
    return [(label[0], anchor[1] * 4), (label[0], anchor[1] * 4), (label[0], anchor[1])]


@operator("_contrib_MultiBoxTarget", outputs=3, output_names=("loc_target", "loc_mask", "cls_target"),
          shape_rule=partly(_target_shapes))
def multibox_target(env, anchor, label, cls_pred, *, overlap_threshold: float = 0.5, ignore_label: float = -1.0,
                    negative_mining_ratio: float = -1.0, negative_mining_thresh: float = 0.5, minimum_negative_samples: int = 0,
                    variances: Floats = (0.1, 0.1, 0.2, 0.2)):
    """Say what each anchor box should find: offsets to its true box, which of these count, and its class (0: background).

    anchor is (1, boxes, 4); label (batch, true boxes, 5) has rows (class, left, top, right, bottom), the rows from a class of -1 on being
    none; cls_pred is (batch, classes, boxes). With a negative_mining_ratio only so many times as many boxes as are matched count as
    background: those that overlap a true box by less than `negative_mining_thresh` and look least like background; others, and all of an
    image without true boxes, get `ignore_label`. As in MXNet, `minimum_negative_samples` has no effect.
    """
    _check_anchors("MultiBoxTarget", anchor, variances)
    if label.ndim != 3 or label.shape[2] < 5 or cls_pred.ndim != 3 or cls_pred.shape[2] != anchor.shape[1]:
        raise ValueError(f"MultiBoxTarget takes label (batch, true boxes, 5) and cls_pred (batch, classes, {anchor.shape[1]}), but got "
                         f"{label.shape} and {cls_pred.shape}")
    xp, dtype = env.xp, cls_pred.dtype.type
    known = xp.cumsum(label[:, :, 0] == -1, axis=1) == 0
    best, highest, positive = _matched(xp, _overlaps(xp, anchor.reshape((1, -1, 1, 4)), label[:, None, :, 1:5]), known, overlap_threshold)
    negative = ~positive
    if negative_mining_ratio > 0:
        count = positive.sum(axis=1)
        wanted = xp.minimum((count * negative_mining_ratio).astype("int64"), anchor.shape[1] - count)
        negative = _hard_negatives(xp, cls_pred, negative & (highest < negative_mining_thresh), wanted)
    true = xp.take_along_axis(label, best[..., None], axis=1)
    some = known.any(axis=1)[:, None]
    classes = xp.where(positive & some, true[..., 0] + 1, xp.where(negative & some, dtype(0), dtype(ignore_label)))
    offsets = _offsets(xp, anchor, true[..., 1:5], positive, variances)
    mask = xp.repeat(positive.astype(cls_pred.dtype), 4, axis=1)
    return offsets.reshape((label.shape[0], -1)).astype(dtype, copy=False), mask, classes.astype(dtype, copy=False)


def _offsets(xp, anchor, true, positive, variances):
    """Return where the true boxes lie seen from their anchors, 0 for anchors without."""
    x, y, width, height = _sides(anchor)
    to_x, to_y, to_width, to_height = _sides(true)
    one = true.dtype.type(1)
    across, along = xp.where(positive, to_width / width, one), xp.where(positive, to_height / height, one)
    parts = (to_x - x) / width, (to_y - y) / height, xp.log(across), xp.log(along)
    return xp.stack([xp.where(positive, part / variance, true.dtype.type(0)) for part, variance in zip(parts, variances)], axis=-1)


@multibox_target.gradient
def _(F, _dy, _y, anchor, label, cls_pred, **_):
    return lambda: F.zeros_like(anchor), lambda: F.zeros_like(label), lambda: F.zeros_like(cls_pred)


@operator("_contrib_MultiBoxDetection", shape_rule=partly(lambda cls_prob, loc_pred, anchor, **_: (cls_prob[0], anchor[1], 6)))
def multibox_detection(env, cls_prob, loc_pred, anchor, *, clip: bool = True, threshold: float = 0.01, background_id: int = 0,
                       nms_threshold: float = 0.5, force_suppress: bool = False, variances: Floats = (0.1, 0.1, 0.2, 0.2),
                       nms_topk: int = -1):
    """Return what was found: rows (class, score, left, top, right, bottom) by falling score, the class being -1 for no find.

    cls_prob is (batch, classes, boxes) with the background first (`background_id` has no effect, as in MXNet), loc_pred
    (batch, boxes * 4) offsets from the anchors (1, boxes, 4). A box that overlaps a better one of its class (of any with
    `force_suppress`) by `nms_threshold` or more is none; only the `nms_topk` best take part.
    """
    _check_anchors("MultiBoxDetection", anchor, variances)
    xp, dtype = env.xp, cls_prob.dtype.type
    score, kind = cls_prob[:, 1:].max(axis=1), cls_prob[:, 1:].argmax(axis=1)
    valid = score >= threshold
    x, y, width, height = _sides(anchor)
    by_x, by_y, by_width, by_height = (loc_pred.reshape((score.shape[0], -1, 4))[..., i] * dtype(v) for i, v in enumerate(variances))
    x, y, half, tall = by_x * width + x, by_y * height + y, xp.exp(by_width) * width / 2, xp.exp(by_height) * height / 2
    boxes = xp.stack([x - half, y - tall, x + half, y + tall], axis=-1)
    boxes = xp.clip(boxes, 0, 1) if clip else boxes
    rows = xp.concatenate([kind[..., None].astype(dtype), score[..., None], boxes], axis=-1)
    rows, valid = (_in_order(xp, a, xp.argsort(~valid, axis=1, kind="stable")) for a in (rows, valid))
    rows = xp.where(valid[..., None], rows, dtype(-1))
    if not 0 < nms_threshold <= 1:
        return rows
    ordered = _in_order(xp, rows, xp.argsort(xp.where(valid, -rows[..., 1], xp.inf), axis=1, kind="stable"))
    if 0 < nms_topk < rows.shape[1]:
        ordered[:, nms_topk:] = rows[:, nms_topk:]
        ordered[:, nms_topk:, 0] = -1
    return _suppressed(env, ordered, nms_threshold, force_suppress)


def _in_order(xp, a, order):
    return xp.take_along_axis(a, order if a.ndim == 2 else order[..., None], axis=1)


def _suppressed(env, rows, nms_threshold, force_suppress):
    """Set, in place, the class of every row to -1 that overlaps a better one too much."""
    limit = rows.shape[1]
    if env.backend.name == "cpu":
        limit = int((rows[..., 0] >= 0).sum(axis=1).max())  # on a device, reading the count would wait for it
    for i in range(limit - 1):
        near = _overlaps(env.xp, rows[:, i:i + 1, 2:], rows[:, i + 1:, 2:]) >= nms_threshold
        near &= rows[:, i:i + 1, 0] >= 0
        if not force_suppress:
            near &= rows[:, i:i + 1, 0] == rows[:, i + 1:, 0]
        rows[:, i + 1:, 0] = env.xp.where(near, rows.dtype.type(-1), rows[:, i + 1:, 0])
    return rows


@multibox_detection.gradient
def _(F, _dy, _y, cls_prob, loc_pred, anchor, **_):
    return lambda: F.zeros_like(cls_prob), lambda: F.zeros_like(loc_pred), lambda: F.zeros_like(anchor)
