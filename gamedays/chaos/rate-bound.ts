const CONFIDENCE = 0.95;
const STEPS = 60;

/**
 * What a rate is at most, with 95 % confidence, when it was seen to happen `failures` times in `n` tries: the upper
 * bound of Poisson's distribution, which is 3/n for none. From 0 to 1; 1 without tries.
 */
export function rateBound(failures: number, n: number): number {
  if (n === 0) return 1;
  let [low, high] = [failures, 2 * failures + 20];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (atMost(failures, middle) > 1 - CONFIDENCE) low = middle;
    else high = middle;
  }
  return Math.min(1, high / n);
}

/** How likely no more than `count` are seen where `mean` are to be expected. */
function atMost(count: number, mean: number): number {
  let [log, ratio, sum] = [-mean, 1, 1];
  for (let k = 1; k <= count; k += 1) log += Math.log(mean / k);
  // From the last term down: the first ones may be too small for a number.
  for (let k = count; k > 0; k -= 1) {
    ratio *= k / mean;
    sum += ratio;
  }
  return Math.exp(log) * sum;
}
