/**
 * Bytes that records share. An array buffer of its own costs a record 300 bytes beside its own hundred; a longer block would be
 * kept by the last of its records when all others are gone, beyond what that one is charged (cost.ts).
 */
const blockBytes = 1_024;

/** Copies what is kept of an answer's messages, so that small records cost little beside their bytes. */
export class PageMemory {
  #block = new ArrayBuffer(0);
  #used = 0;
  #publisher = '';
  readonly #records: number;

  /** @param records how many are asked for: one alone shares nothing */
  constructor(records: number) {
    this.#records = records;
  }

  /** Copies bytes, several short ones into one block. */
  copy(data: Uint8Array): Uint8Array {
    if (this.#records === 1 || data.length > blockBytes / 2) return new Uint8Array(data);
    if (this.#used + data.length > this.#block.byteLength) {
      this.#block = new ArrayBuffer(blockBytes);
      this.#used = 0;
    }
    const copied = new Uint8Array(this.#block, this.#used, data.length);
    copied.set(data);
    this.#used += data.length;
    return copied;
  }

  /** Returns the same string for the same publisher: a set has one, as a rule. */
  publisher(name: string): string {
    if (name !== this.#publisher) this.#publisher = name;
    return this.#publisher;
  }
}
