"""The naming engine: ambient scopes, counters, name managers and attribute scopes.

It knows nothing of arrays or parameters; Gluon's block scopes, the symbols and the TF-1 scopes all stand on it.
"""
