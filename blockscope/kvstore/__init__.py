"""Stores of values by key (``mx.kv``), which sum gradients of several contexts."""
from . import base, kvstore
from .base import KVStoreBase, create
from .kvstore import KVStore

KVStoreBase.register(KVStore)

__all__ = ["KVStore", "KVStoreBase", "base", "create", "kvstore"]
