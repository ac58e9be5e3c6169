const two_sum = (nums, target) => {
  for (let j = 0; j < nums.length; j++) {
    const i = nums.indexOf(target - nums[j]);
    if (i >= 0 && i < j) return [i, j];
  }
}; // it exports nothing, and ends in a comment
