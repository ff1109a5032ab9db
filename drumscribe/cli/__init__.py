"""The command line: one file per command, each thin — parse, call the library, print.

Results go to stdout, progress and logs to stderr. Whatever is heavy is imported inside the command, so that
`drumscribe --help` answers at once.
"""

from drumscribe.cli.app import main

__all__ = ["main"]
