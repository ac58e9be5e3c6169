export const found = (nums, target) => {
  const j = nums.findIndex((number, at) => nums.indexOf(target - number) !== -1 && nums.indexOf(target - number) < at);
  return Int32Array.of(nums.indexOf(target - nums[j]), j);
};
