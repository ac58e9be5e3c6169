class Solution:
    def two_sum(self, nums, target):
        pairs = ((i, j) for j in range(len(nums)) for i in range(j))
        return next((i, j) for i, j in pairs if nums[i] + nums[j] == target)


if __name__ == "__main__":
    raise SystemExit("a function problem is no program")
