def pairs(size):
    return [(i, j) for j in range(size) for i in range(j)]
