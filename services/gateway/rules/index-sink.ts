import { SpanKind, trace } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { AppliedSet, RecordChange } from '#shared/bus/read/reader.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { readPlainEntry } from '#shared/contracts/rules/plain-entry.ts';
import type { RuleChange, RuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { contextFrom } from '#shared/runtime/trace-carrier.ts';
import { createSliceMeter, type SlicedWork } from '#shared/runtime/turn-queue.ts';
import { bytesOfItem, fitsInPlace } from './fits-in-place.ts';
import type { RuleSink } from './rule-sink.ts';

/** Limits the spans of one set: thousands of records (a start) are one event. */
const maxSpansPerSet = 50;
/** Limits the lines of log of one set: whoever writes it may have any number of rules refused. */
const mostFaultsTold = 20;

/** Puts the rules into the index of this process. */
export function createIndexSink(options: {
  index: RuleIndex;
  log: Logger;
  /** Called when a rule of the manager was refused. */
  onFault: (manager: string) => void;
}): RuleSink {
  const { index, onFault } = options;
  const log = options.log.child({ component: 'rule-feed' });
  const held = new Set<string>();
  const noteApplied = (set: AppliedSet, faults: readonly LatchkeyError[]): void => {
    held.add(set.owner);
    for (const _ of faults) onFault(set.owner);
    for (const err of faults.slice(0, mostFaultsTold)) {
      log.error({ manager: set.owner, err }, 'rule refused, the previous one stays in force');
    }
    const heldBack = faults.length - mostFaultsTold;
    if (heldBack > 0) log.error({ manager: set.owner, heldBack }, 'more rules refused');
    log.debug(
      { manager: set.owner, epoch: set.epoch, seq: set.seq, changes: set.changes.length },
      'rules applied',
    );
  };
  return {
    readsAgain: false,
    *prepare(set) {
      const { owner, changes } = set;
      if (fitsInPlace(changes.records, (record) => index.itemsOf(owner, record))) {
        return () => noteApplied(set, index.apply(owner, traced(set)));
      }
      const putInForce = yield* inSlices(set, (all) => index.prepare(owner, all));
      return () => noteApplied(set, putInForce());
    },
    keep: (managers) => {
      for (const manager of held) {
        if (managers.includes(manager)) continue;
        held.delete(manager);
        index.forget(manager);
      }
    },
    heard: () => undefined,
    inForce: (read) => [...read],
    isUsable: (manager) => index.recipe(manager) !== undefined,
  };
}

/** Does work on a set that yields the items of each rule as slices of many: what is read of a rule counts, too. */
function* inSlices<T>(
  set: AppliedSet,
  begin: (changes: Iterable<RuleChange>) => Generator<number, T>,
): SlicedWork<T> {
  const isFull = createSliceMeter();
  let readBytes = 0;
  const work = begin(traced(set, (bytes) => (readBytes = bytes)));
  for (;;) {
    readBytes = 0;
    const step = work.next();
    if (step.done === true) return step.value;
    if (isFull(Math.max(readBytes, step.value * bytesOfItem))) yield;
  }
}

/** Hands the changes on, and ends the trace of each here: Kubernetes watch -> discovery -> bus -> resolver -> bus -> this gateway. */
function* traced(
  set: AppliedSet,
  onChange: (bytes: number) => void = () => undefined,
): Generator<RuleChange> {
  let spans = 0;
  for (const change of set.changes) {
    onChange(change.bytes?.length ?? 0);
    yield ruleChange(change);
    if (change.traceparent === undefined || spans >= maxSpansPerSet) continue;
    spans += 1;
    traceApplied(set, change);
  }
}

/** A change as the index takes it: without its value where that is no more than lookup keys. */
function ruleChange(change: RecordChange): RuleChange {
  const { key, record, bytes, traceparent } = change;
  const lookupKeys = key.kind === 'entry' && bytes !== undefined ? readPlainEntry(bytes) : undefined;
  if (lookupKeys === undefined) return change;
  return { key, value: undefined, lookupKeys, traceparent, ...(record === undefined ? {} : { record }) };
}

function traceApplied({ owner, epoch, seq }: AppliedSet, change: RecordChange): void {
  const attributes = {
    'latchkey.manager': owner,
    'latchkey.key': formatKey(change.key),
    'latchkey.epoch': epoch,
    'latchkey.seq': seq,
  };
  const tracer = trace.getTracer('latchkey');
  tracer.startSpan('rules apply', { kind: SpanKind.CONSUMER, attributes }, contextFrom(change)).end();
}
