"""The whole platform under load while its parts are killed, stopped, emptied and starved: `python -m tests.chaos`.

A plan is made from a seed (`plan`), clients send what it says (`clients`) to a platform of the test's own (`platform`),
faults come when so many submissions have ended (`faults`, `run`). Then it is proved that nothing was lost, doubled or
wrong (`proof`) and that nothing is left on the host (`leftovers`). Decision 36 says why it is this way.
"""
