"""Parse the command line and call the command; a wrong argument gives one line and exit status 2."""

import argparse
import sys

from . import train


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(arguments=None):
    """Run a command; return the exit status."""
    parser = _Parser(prog="python -m blockscope", description="The living Gluon 1.x on NumPy and CuPy.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    train.add_arguments(commands.add_parser("train", help=train.HELP, description=train.HELP))
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except train.UsageError as error:
        print(f"python -m blockscope {options.command}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
