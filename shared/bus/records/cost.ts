import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { BusRecord } from './record.ts';

/** Around the bytes of a record: the headers of fixed length (record.ts), and what a process keeps of it at least. */
const recordOverheadBytes = 300;

/**
 * Adds to the text of each item of a rule, or the shortest names would cost the most: an index keeps 90 bytes of an item,
 * and with its reader 400 of a record. So a process keeps at most five times what is charged, whatever names are chosen.
 */
export const itemCostBytes = 16;
const openBrace = 0x7b;

/** Objects around the items of a rule, which are the record's own. */
const outerObjects = 2;

/** Counts the items of a rule without parsing it, by their braces: one in a text counts, too. */
export function countItems(bytes: Uint8Array): number {
  let objects = 0;
  for (const byte of bytes) if (byte === openBrace) objects += 1;
  return Math.max(0, objects - outerObjects);
}

type ChargedRecord = Pick<BusRecord, 'key' | 'deleted' | 'bytes' | 'trace'>;

/** Computes what a record is charged to a process that keeps it, bytes. Readers keep no tombstone (record-intake.ts). */
export const costOf = ({ key, deleted, bytes, trace }: ChargedRecord): number =>
  deleted
    ? 0
    : recordOverheadBytes +
      key.length +
      bytes.length +
      countItems(bytes) * itemCostBytes +
      (trace.tracestate?.length ?? 0);

/** @throws SET_TOO_LARGE when records cost more than they may */
export function checkCost(bucket: string, keys: string, costBytes: number, mostBytes: number): void {
  if (costBytes <= mostBytes) return;
  throw new LatchkeyError(
    'SET_TOO_LARGE',
    `Bucket ${bucket} holds more than ${mostBytes} bytes under ${keys}: what is in force stays. Look for who writes them, or raise limits.managerMiB`,
    { fields: { bucket, keys, mostBytes } },
  );
}
