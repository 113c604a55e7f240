"""The tiny protocol of the programs in this folder: each line on standard input
is a JSON object, each is answered with one on standard output."""

import json
import sys


class Refused(Exception):
    """Says why a request is refused."""


def answer(function, expected_problems=()):
    """Answers each line with what function makes of it, or with
    {"refused": reason}. The exit code is 1 if anything was refused."""
    refused = False
    for line in sys.stdin:
        try:
            result = function(**json.loads(line))
        except (Refused, *expected_problems) as problem:
            refused = True
            result = {"refused": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(result), flush=True)
    sys.exit(1 if refused else 0)
