/** A small linear congruential generator, 0 to 1: the same seed kills at the same moments again. */
export function moments(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
