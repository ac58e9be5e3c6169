async def two_sum(nums, target):
    pairs = ((i, j) for j in range(len(nums)) for i in range(j))
    return next([j, i] for i, j in pairs if nums[i] + nums[j] == target)
