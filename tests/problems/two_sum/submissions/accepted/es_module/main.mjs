import { found } from './search.mjs';

export async function two_sum(nums, target) {
  console.log('looking for', target);
  return found(nums, target);
}
