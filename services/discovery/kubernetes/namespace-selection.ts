import type { Change } from '#shared/kubernetes/reflector/object-store.ts';
import type { OnSelect } from '../inventory/source.ts';

/**
 * Keeps the set of the selected namespaces, and tells what changes in it, once all are listed. Whatever else happens to a
 * namespace (who owns one may annotate it without end) is told to nobody.
 */
export class NamespaceSelection {
  readonly #onSelect: OnSelect;
  readonly #selected = new Set<string>();
  #changed = new Set<string>();
  #isListed = false;

  constructor(onSelect: OnSelect) {
    this.#onSelect = onSelect;
  }

  take({ type, key: namespace }: Pick<Change<true>, 'type' | 'key'>): void {
    if (this.#selected.has(namespace) === (type === 'set')) return;
    if (type === 'set') this.#selected.add(namespace);
    else this.#selected.delete(namespace);
    this.#changed.add(namespace);
    if (this.#isListed) this.#tell();
  }

  /** Takes note that all that exist have been taken. */
  listed(): void {
    if (this.#isListed && this.#changed.size === 0) return;
    this.#isListed = true;
    this.#tell();
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = new Set();
    this.#onSelect(this.#selected, changed);
  }
}
