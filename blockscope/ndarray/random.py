"""Random arrays: mx.nd.random."""
