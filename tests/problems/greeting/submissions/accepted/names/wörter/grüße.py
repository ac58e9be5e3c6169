import sys


def sage():
    print(f"Grüß dich, {input()}! {sys.argv[1]}")
