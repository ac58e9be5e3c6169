def flip(lamps, number):
    lamps[number] = not lamps[number]
    return sum(lamps)
