const none: ReadonlySet<string> = new Set();

/**
 * Says how far a source is with the selected namespaces, whose knowledge its first publication waits for. What changes in
 * one namespace costs no look at the others.
 */
export class NamespaceProgress {
  readonly #known = new Set<string>();
  /** The selected namespaces that are not known. */
  readonly #missing = new Set<string>();
  #selected: ReadonlySet<string> | undefined;
  #knowsAll = false;
  #waitIsOver = false;

  /**
   * Takes a selection.
   * @param changed the namespaces that came or went since the one before, or more; left out: any
   * @returns those to look at
   */
  select(namespaces: ReadonlySet<string>, changed?: Iterable<string>): Iterable<string> {
    const differing = changed ?? new Set([...this.selected(), ...namespaces]);
    this.#selected = namespaces;
    for (const namespace of differing) {
      if (namespaces.has(namespace) && !this.#isKnown(namespace)) this.#missing.add(namespace);
      else this.#missing.delete(namespace);
    }
    return differing;
  }

  /** Returns the selected namespaces; none before a selection. */
  selected(): ReadonlySet<string> {
    return this.#selected ?? none;
  }

  /**
   * Notes that a namespace is known (undefined: all are).
   * @returns whether that is new
   */
  note(namespace: string | undefined): boolean {
    if (namespace === undefined) {
      this.#knowsAll = true;
      this.#missing.clear();
      return true;
    }
    const isNew = !this.#known.has(namespace);
    this.#known.add(namespace);
    this.#missing.delete(namespace);
    return isNew;
  }

  /** Ends the waiting for namespaces of which nothing is heard. */
  endWait(): void {
    this.#waitIsOver = true;
  }

  /** Forgets those of these namespaces that are known and not selected, and returns them. */
  forgetUnselected(namespaces: Iterable<string>): string[] {
    return [...namespaces].filter(
      (namespace) => !this.selected().has(namespace) && this.#known.delete(namespace),
    );
  }

  /** Tells whether a namespace is selected and known. */
  has(namespace: string): boolean {
    return this.selected().has(namespace) && this.#isKnown(namespace);
  }

  /** Tells whether there is a selection of which nothing is waited for. */
  isComplete(): boolean {
    return this.#selected !== undefined && (this.#waitIsOver || this.#missing.size === 0);
  }

  #isKnown(namespace: string): boolean {
    return this.#knowsAll || this.#known.has(namespace);
  }
}
