"""Problem packages of Kattis and the ICPC, read into a `domain.problem.ProblemVersion` and written from one.

    tree        the files of a package by path, with hard caps; links followed as long as they stay inside
    archive     a zip as a tree, folder a folder as one
    yaml_files  YAML without tags, capped: every scalar is text
    header      problem.yaml of all formats
    reading     the whole: `read` gives the version and the report of what was left out, and why
    writing     a version as a package of 2023-07

What is in a package is its author's, as little trusted as a submission: nothing of it is run here. Unknown keys and
files become lines of the report; what cannot be judged as the package says is refused, InvalidRequest, with its path.
"""
