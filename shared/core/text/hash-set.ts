/** Slots at first; there are always twice as many as hashes. */
const fewestSlots = 1_024;

/**
 * Counts different hashes, of which 0 stands for an empty slot. Whoever chooses what is hashed must not know how: a hash
 * says where it is looked for, and many in one place cost a look at each.
 */
export class HashSet {
  #slots = new Float64Array(fewestSlots);
  #size = 0;

  /** Takes a hash, an integer of up to 53 bits; returns how many different ones were taken so far. */
  add(hash: number): number {
    if (put(this.#slots, hash)) {
      this.#size += 1;
      if (this.#size * 2 > this.#slots.length) this.#grow();
    }
    return this.#size;
  }

  #grow(): void {
    const grown = new Float64Array(this.#slots.length * 2);
    for (const hash of this.#slots) put(grown, hash);
    this.#slots = grown;
  }
}

/** Puts a hash into its slot, or the next one that is free. @returns whether it was not there */
function put(slots: Float64Array, hash: number): boolean {
  const last = slots.length - 1;
  for (let slot = (hash | 0) & last; ; slot = (slot + 1) & last) {
    const there = slots[slot] as number;
    if (there === hash) return false;
    if (there !== 0) continue;
    slots[slot] = hash;
    return true;
  }
}
