"""Fetch a file over the network, again if need be, and let it appear only when it is whole: for `gluon.utils` and `test_utils`."""
import hashlib
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException

from .formats.atomic import open_atomic

__all__ = ["fetch"]

_CHUNK = 1 << 20
_NETWORK_TIMEOUT = 60  # seconds without a byte


def fetch(url, target, sha1_hash, attempts, verify_ssl):
    """Download `url` to the file `target`, trying `attempts` times; see :func:`blockscope.gluon.utils.download`."""
    for left in range(attempts - 1, -1, -1):
        print(f"Downloading {target} from {url}...")
        try:
            _fetch_once(url, target, sha1_hash, verify_ssl)
            return
        except (OSError, HTTPException, UserWarning) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it holds the connection
            if not left or _is_final(error):
                explained = _explained(error, url, target)
                if explained is None:
                    raise
                raise explained from error
            print(f"download failed due to {error!r}, retrying, {left} attempt{'s' if left > 1 else ''} left")


def _fetch_once(url, target, sha1_hash, verify_ssl):
    # Only where there is a connection to secure: a context of its own for other schemes would be an unused argument.
    secure = urllib.parse.urlsplit(url).scheme == "https"
    context = ssl._create_unverified_context() if secure and not verify_ssl else None
    digest, received = hashlib.sha1(usedforsecurity=False), 0
    with urllib.request.urlopen(url, timeout=_NETWORK_TIMEOUT, context=context) as response, \
            open_atomic(target) as file:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
        expected = response.headers.get("Content-Length")
        if expected is not None and received != int(expected):
            raise ConnectionError(f"the connection ended after {received} of {expected} bytes")
        if sha1_hash and digest.hexdigest() != sha1_hash:
            raise UserWarning(f"File {target} is downloaded but the content hash does not match. The repo may be "
                              "outdated or download may be incomplete. If the \"repo_url\" is overridden, consider "
                              "switching to the default repo.")


def _is_final(error):
    """Say whether trying again is useless: the server answered that it will not give the file."""
    return isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500 and error.code not in (408, 429)


def _explained(error, url, target):
    """Return what to raise in place of an error of the network; None for other errors."""
    if isinstance(error, urllib.error.HTTPError):
        return RuntimeError(f"Failed downloading url {url}: the server answered {error.code} {error.reason}")
    if isinstance(error, (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError)):
        reason = getattr(error, "reason", error)
        return ConnectionError(f"Failed downloading url {url}: {reason}. If this machine has no network, get the file "
                               f"on another one and put it at {os.path.abspath(target)}")
    return None
