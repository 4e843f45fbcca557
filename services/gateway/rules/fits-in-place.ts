import type { ChangedRecord } from '#shared/bus/read/set-changes.ts';
import { countItems } from '#shared/bus/records/cost.ts';
import { recordsPerSlice } from '#shared/runtime/turn-queue.ts';

/** What an item of a rule takes in its record, bytes. */
export const bytesOfItem = 100;
/** Most that a set may cost to be put in force in one step, bytes: some tens of milliseconds. */
const mostInPlaceBytes = 1_048_576;

/**
 * Tells whether changes may be put in force in place, in one step. What counts is what they hold, and what they replace: a
 * few records may name a million items. More than that needs a copy of the index, which takes no step of its own.
 * @param itemsBefore how many items the entry of a record has in force
 */
export function fitsInPlace(
  changes: readonly ChangedRecord[],
  itemsBefore: (record: string) => number,
): boolean {
  if (changes.length > recordsPerSlice) return false;
  let sum = 0;
  for (const [key, record] of changes) {
    const bytes = record === undefined || record.deleted ? undefined : record.bytes;
    const items = itemsBefore(key) + (bytes === undefined ? 0 : countItems(bytes));
    sum += Math.max(bytes?.length ?? 0, items * bytesOfItem);
    if (sum > mostInPlaceBytes) return false;
  }
  return true;
}
