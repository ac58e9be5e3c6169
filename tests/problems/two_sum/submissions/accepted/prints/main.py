from helpers import pairs


def two_sum(nums, target):
    print("looking for", target)
    return next([i, j] for i, j in pairs(len(nums)) if nums[i] + nums[j] == target)
