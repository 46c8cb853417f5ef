/** A small seeded generator (mulberry32), so that the same seed always gives the same traffic. */

export interface Prng {
  /** A float in `[0, 1)`. */
  next(): number;
  /** An integer in `[min, max]`. */
  int(min: number, max: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** One element, weighted. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T;
  /** A value around `median` with a long right tail (log-normal); `spread` is the sigma of the logarithm. */
  skewed(median: number, spread: number): number;
  /** Lowercase hex digits. */
  hex(length: number): string;
  /** A version 4 UUID. */
  uuid(): string;
  /** Crockford base-32 digits, as in a ULID. */
  base32(length: number): string;
  /** An independent generator for a named part, so that a change in one part does not shift the others. */
  fork(name: string): Prng;
}

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A generator seeded with `seed`; equal seeds give equal sequences. */
export function createPrng(seed: number | string): Prng {
  let state = typeof seed === 'number' ? seed >>> 0 : hash32(seed);
  const origin = state;

  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  const pick = <T>(list: readonly T[]): T => {
    const value = list[int(0, list.length - 1)];
    if (value === undefined) throw new RangeError('cannot pick from an empty list');
    return value;
  };
  const digits = (alphabet: string, length: number): string => {
    let text = '';
    for (let i = 0; i < length; i++) text += alphabet[int(0, alphabet.length - 1)];
    return text;
  };
  const hex = (length: number): string => digits('0123456789abcdef', length);

  return {
    next,
    int,
    pick,
    hex,
    chance: (probability) => next() < probability,
    weighted: (choices) => {
      const total = choices.reduce((sum, [weight]) => sum + weight, 0);
      let left = next() * total;
      for (const [weight, value] of choices) {
        left -= weight;
        if (left < 0) return value;
      }
      return pick(choices)[1];
    },
    skewed: (median, spread) => {
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
      return median * Math.exp(spread * normal);
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${digits('89ab', 1)}${hex(3)}-${hex(12)}`,
    base32: (length) => digits(crockford, length),
    fork: (name) => createPrng(`${origin}/${name}`),
  };
}

/** FNV-1a, 32 bits: a stable hash of a short text. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}
