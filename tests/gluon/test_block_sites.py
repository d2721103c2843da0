"""Where blocks were made, as errors tell it. Expected lines are counted from this file."""
import copy
import pickle

from blockscope.gluon._site import Site, describe_site
from blockscope.gluon.block import Block


class Net(Block):
    def __init__(self):
        super().__init__()


def make():
    return Net()


def test_site_is_the_constructor_and_its_caller():
    site = describe_site(make().params._site)
    inner = Net.__init__.__code__.co_firstlineno + 1
    outer = make.__code__.co_firstlineno + 1
    assert site == f'{__file__}:{inner}, called from {__file__}:{outer}'


def test_site_of_a_block_made_directly():
    block = Block()
    here = test_site_of_a_block_made_directly.__code__.co_firstlineno + 1
    assert describe_site(block.params._site) == f'{__file__}:{here}'


def test_unknown_site():
    assert describe_site(None) == describe_site(Site()) == 'an unknown place'


def test_a_pickled_block_forgets_where_it_was_made():
    block = Block()
    assert describe_site(copy.deepcopy(block).params._site) == describe_site(block.params._site)
    assert describe_site(pickle.loads(pickle.dumps(block)).params._site) == 'an unknown place'
