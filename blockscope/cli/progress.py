"""A progress bar: tqdm where it is installed, else a line that is rewritten."""

import sys


def bar(steps):
    """Return an iterator over `steps` that shows on standard error how far it is.

    Parameters
    ----------
    steps : iterable with a length
        What to iterate over.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        return _plain(steps)
    return tqdm(steps, leave=False, file=sys.stderr, dynamic_ncols=True)


def _plain(steps):
    total, width = len(steps), 30
    terminal = sys.stderr.isatty()
    for done, step in enumerate(steps, 1):
        yield step
        filled = width * done // total
        if terminal:
            print(f"\r[{'#' * filled}{'.' * (width - filled)}] {done}/{total}", end="", file=sys.stderr, flush=True)
    if terminal:
        print("\r" + " " * (width + 20) + "\r", end="", file=sys.stderr, flush=True)
    else:
        print(f"[{'#' * width}] {total}/{total}", file=sys.stderr, flush=True)
