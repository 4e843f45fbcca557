import type { SealedValue } from '#shared/contracts/bus/sealed-value.ts';
import type { KeyRing } from './key-ring.ts';
import { type OpenValue, openValue } from './sealed-value.ts';

/**
 * Creates what opens sealed values with the keys of the moment. One that does not open is not deciphered again with these
 * keys: it may be a megabyte, and every pod may ask for it. What is remembered goes with the record and with the ring.
 */
export function createValueOpener(keys: () => KeyRing): OpenValue {
  const failures = new WeakMap<KeyRing, WeakMap<SealedValue, ReturnType<OpenValue>>>();
  return (sealed, place) => {
    const ring = keys();
    const known = failures.get(ring) ?? new WeakMap<SealedValue, ReturnType<OpenValue>>();
    failures.set(ring, known);
    const failure = known.get(sealed);
    if (failure !== undefined) return failure;
    const opened = openValue(sealed, place, ring);
    if ('problem' in opened) known.set(sealed, opened);
    return opened;
  };
}
