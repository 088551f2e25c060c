"""A guest in Python: CPython with its own sqlite3, as a WASI 0.2 command.

    python-sqlite init            creates the database
    python-sqlite work N          N transactions, each printed once committed
    python-sqlite check           verifies all of it, prints the last one
    python-sqlite all N           the three of them in one run
    python-sqlite files [DIR [COUNT]]     thousands of files, verified
    python-sqlite versions        what was built in

Environment: see database.py.

Every module is imported here, at the top: componentize-py takes its snapshot
after the imports, and the standard library is not there at run time.
"""

import sys
import traceback

from componentize_py_types import Err
from wit_world import exports

import database
import files


class Run(exports.Run):
    def run(self) -> None:
        try:
            main(sys.argv[1:])
            sys.stdout.flush()
        except BaseException as error:
            sys.stdout.flush()
            if not isinstance(error, (AssertionError, OSError)):
                traceback.print_exc()
            print(f"python-sqlite: {error}", file=sys.stderr, flush=True)
            raise Err(None)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["init"]:
            database.init()
        case ["work", count]:
            database.work(int(count))
        case ["check"]:
            database.check()
        case ["all", count]:
            database.init()
            database.work(int(count))
            database.check()
        case ["files"]:
            files.run("/python-files", 2000)
        case ["files", directory]:
            files.run(directory, 2000)
        case ["files", directory, count]:
            files.run(directory, int(count))
        case ["versions"]:
            database.versions()
        case _:
            raise AssertionError("usage: init | work N | check | all N | files [DIR [COUNT]] | versions")
