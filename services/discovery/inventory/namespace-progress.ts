/** Says how far a source is with the selected namespaces, whose knowledge its first publication waits for. */
export class NamespaceProgress {
  readonly #known = new Set<string>();
  #selected: ReadonlySet<string> | undefined;
  #knowsAll = false;
  #waitIsOver = false;

  select(namespaces: ReadonlySet<string>): void {
    this.#selected = namespaces;
  }

  /**
   * Notes that a namespace is known (undefined: all are).
   * @returns whether that is new
   */
  note(namespace: string | undefined): boolean {
    if (namespace === undefined) {
      this.#knowsAll = true;
      return true;
    }
    const isNew = !this.#known.has(namespace);
    this.#known.add(namespace);
    return isNew;
  }

  /** Ends the waiting for namespaces of which nothing is heard. */
  endWait(): void {
    this.#waitIsOver = true;
  }

  /** Forgets the known namespaces that are not selected, and returns them. */
  forgetUnselected(): string[] {
    const forgotten = [...this.#known].filter((namespace) => this.#selected?.has(namespace) !== true);
    for (const namespace of forgotten) this.#known.delete(namespace);
    return forgotten;
  }

  /** Returns the selected namespaces that are known; undefined before a selection. */
  known(): ReadonlySet<string> | undefined {
    return this.#selected && new Set([...this.#selected].filter((namespace) => this.#isKnown(namespace)));
  }

  /** Tells whether there is a selection of which nothing is waited for. */
  isComplete(): boolean {
    if (this.#selected === undefined) return false;
    return this.#waitIsOver || [...this.#selected].every((namespace) => this.#isKnown(namespace));
  }

  #isKnown(namespace: string): boolean {
    return this.#knowsAll || this.#known.has(namespace);
  }
}
