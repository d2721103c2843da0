"""Real handwritten digits, shipped with the package: 1,797 images of 8 x 8 pixels.

The file ``data/optdigits.npz`` is the test part of the UCI optical recognition set (``data/LICENSE.txt`` names source
and licence). ``python -m blockscope.examples.digits_data FILE`` makes it again from scikit-learn's copy.

References
----------
E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
"""
import hashlib
import io
import sys
from importlib import resources

import numpy as np

from blockscope.errors import FormatError

SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"


def load_digits():
    """Return the digits as they are stored.

    Returns
    -------
    images : numpy.ndarray of uint8, shape (1797, 8, 8)
        Grey values from 0 (paper) to 16 (ink).
    labels : numpy.ndarray of int64, shape (1797,)
        The digit that each image shows.

    Raises
    ------
    FormatError
        When the file is not the one that was packaged.

    Examples
    --------
    >>> from blockscope.examples.digits_data import load_digits
    >>> images, labels = load_digits()
    >>> images.shape, images.dtype, int(images.max())
    ((1797, 8, 8), dtype('uint8'), 16)
    >>> labels[:5].tolist()
    [0, 1, 2, 3, 4]
    """
    source = resources.files("blockscope.examples") / "data" / "optdigits.npz"
    content = source.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise FormatError(f"{source}: the file is damaged or was replaced (SHA-256 {found}, expected {SHA256}); "
                          "reinstall blockscope-gluon")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return arrays["images"], arrays["labels"].astype(np.int64)


def export(target):
    """Write the packaged file to `target` from scikit-learn's copy and return its SHA-256."""
    from sklearn.datasets import load_digits as sklearn_digits  # only to make the file again

    digits = sklearn_digits()
    with open(target, "wb") as file:
        np.savez_compressed(file, images=digits.images.astype(np.uint8), labels=digits.target.astype(np.uint8))
    with open(target, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m blockscope.examples.digits_data FILE")
    print(export(sys.argv[1]))
