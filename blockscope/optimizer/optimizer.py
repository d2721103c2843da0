"""Everything that is ``mx.optimizer.optimizer``."""
from ._adaptive import AdaDelta, AdaGrad, Adam, Ftrl, RMSProp
from ._base import Optimizer, create, register
from ._large_batch import LAMB, LARS, LBSGD
from ._others import DCASGD, FTML, SGLD, Adamax, Nadam, Signum, Test
from ._sgd import NAG, SGD, ccSGD
from ._updater import Updater, get_updater

__all__ = ["DCASGD", "FTML", "LAMB", "LARS", "LBSGD", "NAG", "SGD", "SGLD", "AdaDelta", "AdaGrad", "Adam", "Adamax", "Ftrl",
           "Nadam", "Optimizer", "RMSProp", "Signum", "Test", "Updater", "ccSGD", "create", "get_updater", "register"]

for _class in (DCASGD, FTML, LAMB, LARS, LBSGD, NAG, SGD, SGLD, AdaDelta, AdaGrad, Adam, Adamax, Ftrl, Nadam, Optimizer, RMSProp, Signum,
               Test, Updater, ccSGD):
    _class.__module__ = __name__  # messages and pickles name the public home
