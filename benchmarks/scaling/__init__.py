"""How far the platform goes: costs measured here, and a model fed with them that is held against this machine.

    costs      measures one submission of each kind: CPU time by program, rows, commands, bytes, connections
    queueing   the simulator: stations, slots, journeys (pure)
    model      how a submission travels through it (pure)
    limits     what each station can carry, and which is the first that cannot (pure)
    check      the real platform with one slot and with two against what the model says of them
    fleets     what fleets of several sizes carry (pure)
    money      what a million executions cost (pure)
    report     tables and plot for docs/scaling.md

`make scaling` does all of it. The simulator is plain Python and no library: it is a heap and queues, and a thousand
hosts take it seconds (docs/decisions/0037-a-model-that-is-checked.md).
"""
