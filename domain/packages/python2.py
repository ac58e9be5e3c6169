"""Whether a Python program is in Python 2: by its first line, or by words that no Python 3 could mean.

Packages from before 2020 have `.py` files that say nothing of it. Nothing is run, and nothing is compiled: the parser
of this interpreter is no place for sources of a package.
"""

import re
import tokenize
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

MOST_BYTES = 64 * 1024
"""Of a source: what is not said until here is not looked for."""
_SHEBANG = re.compile(rb"#!.*python2")
_BEGINS = {"", ":", ";"}
_CARRY_ON = {"and", "or", "in", "is", "if", "else", "not", "for", "as"}
_GONE = {"raw_input", "xrange"}


def is_python2(source: bytes) -> bool:
    """Whether it says so, or prints as Python 2 does, or calls what there is no more, and gives it no meaning."""
    if _SHEBANG.match(source):
        return True
    tokens = list(_tokens(source[:MOST_BYTES]))
    return any(_prints(*three) for three in zip(["", *tokens], tokens, tokens[1:], strict=False)) or _calls(tokens)


def _tokens(source: bytes) -> Iterator[str]:
    """Give what it says, an empty text where a line begins. Comments are left out, and of texts there is a quote."""
    try:
        for token in tokenize.tokenize(BytesIO(source).readline):
            if token.type == tokenize.STRING:
                yield '"'
            elif token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
                yield ""
            elif token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING):
                yield token.string
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _prints(before: str, word: str, behind: str) -> bool:
    """Whether it is a statement that prints: `print "x"`, `print x`, and not `print(x)` or `print = x`."""
    if before not in _BEGINS or word != "print":
        return False
    return behind == '"' or (behind not in _CARRY_ON and (behind.isalnum() or behind.isidentifier()))


def _calls(tokens: list[str]) -> bool:
    called = {word for word, behind in pairwise(tokens) if word in _GONE and behind == "("}
    given = {word for word, behind in pairwise(tokens) if behind == "="}
    return bool(called - given) and "NameError" not in tokens
