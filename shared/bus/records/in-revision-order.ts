import { createSliceMeter, type SlicedWork } from '#shared/runtime/turn-queue.ts';
import type { BusRecord } from './record.ts';

/** Records that are sorted at once, before what is sorted is merged. */
const runRecords = 1_024;

const byRevision = (left: BusRecord, right: BusRecord): number => left.revision - right.revision;

/** Sorts records by revision, in slices: a merge sort that may pause. Those of one revision stay as they stand. */
export function* inRevisionOrder(records: readonly BusRecord[]): SlicedWork<BusRecord[]> {
  let runs: BusRecord[][] = [];
  for (let from = 0; from < records.length; from += runRecords) {
    if (from > 0) yield;
    runs.push(records.slice(from, from + runRecords).sort(byRevision));
  }
  while (runs.length > 1) {
    const merged: BusRecord[][] = [];
    for (let index = 0; index < runs.length; index += 2) {
      const [left = [], right = []] = runs.slice(index, index + 2);
      merged.push(yield* merge(left, right));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge(left: readonly BusRecord[], right: readonly BusRecord[]): SlicedWork<BusRecord[]> {
  const isFull = createSliceMeter();
  const merged: BusRecord[] = [];
  let [at, other] = [0, 0];
  while (at < left.length || other < right.length) {
    if (isFull(0)) yield;
    const [first, second] = [left[at], right[other]];
    const takesFirst = first !== undefined && (second === undefined || byRevision(first, second) <= 0);
    const next = takesFirst ? first : second;
    if (takesFirst) at += 1;
    else other += 1;
    if (next !== undefined) merged.push(next);
  }
  return merged;
}
