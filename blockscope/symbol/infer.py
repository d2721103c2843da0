"""placeholder by the lead until the owner's file lands: overwrite me"""


def infer_shapes(entries, known, partial=False):
    raise NotImplementedError


def infer_types(entries, known, partial=False):
    raise NotImplementedError
