import { SpanKind, trace } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeats.ts';
import { createReader, type Reader } from '#shared/bus/read/reader.ts';
import type { AppliedSet, RecordChange } from '#shared/bus/read/staging.ts';
import type { Freshness } from '#shared/bus/records/freshness.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatKey, rulesBucket } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { RuleIndex } from '#shared/core/rules/index/rule-index.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { contextFrom } from '#shared/runtime/trace-carrier.ts';
import { createSliceMeter, recordsPerSlice, type SlicedWork } from '#shared/runtime/turn-queue.ts';

/** Limits the spans of one set: thousands of records (a start) are one event. */
const maxSpansPerSet = 50;

/** Keeps the rule index and its freshness up to date from the bus. */
interface RuleFeed {
  reader: Pick<Reader, 'applied' | 'isComplete'>;
  /** Follows these managers from now on, and forgets the rules of others. */
  follow(managers: readonly string[]): void;
  stop(): Promise<void>;
}

export function createRuleFeed(options: {
  bus: Bus;
  /** Names the managers whose rules are followed at first. */
  managers: readonly string[];
  /** Limits what the rules of one manager may cost. */
  mostBytes: number;
  /** Stored records to begin with, from a snapshot. */
  initial: readonly BusRecord[];
  index: RuleIndex;
  freshness: Freshness;
  clock: Clock;
  log: Logger;
  onFault: (manager: string) => void;
}): RuleFeed {
  const { bus, index, freshness, clock, onFault } = options;
  const log = options.log.child({ component: 'rule-feed' });
  let followed = options.managers;
  const noteApplied = (set: AppliedSet, faults: readonly LatchkeyError[]): void => {
    for (const fault of faults) {
      log.error({ manager: set.owner, err: fault }, 'rule refused, the previous one stays in force');
      onFault(set.owner);
    }
    log.debug(
      { manager: set.owner, epoch: set.epoch, seq: set.seq, changes: set.changes.length },
      'rules applied',
    );
  };
  const reader = createReader(bus, {
    bucket: rulesBucket,
    owners: followed,
    mostBytes: options.mostBytes,
    initial: options.initial,
    log: options.log,
    clock,
    onApply: (set) => noteApplied(set, index.apply(set.owner, traced(set))),
    *prepare(set) {
      if (set.changes.length <= recordsPerSlice) {
        return () => noteApplied(set, index.apply(set.owner, traced(set)));
      }
      const putInForce = yield* inSlices(index.prepare(set.owner, traced(set)));
      return () => {
        // Its manager may have left the chain meanwhile.
        if (followed.includes(set.owner)) noteApplied(set, putInForce());
      };
    },
  });
  const unsubscribe = subscribeHeartbeats(bus, 'resolver', (heartbeat) => {
    reader.confirm(heartbeat.applied);
    freshness.heard(heartbeat, reader.applied(), clock.monotonicMs());
  });
  return {
    reader,
    follow: (managers) => {
      reader.follow(managers);
      for (const manager of followed) if (!managers.includes(manager)) index.forget(manager);
      followed = managers;
    },
    stop: async () => {
      unsubscribe();
      await reader.stop();
    },
  };
}

/** What an item of a rule takes in its record, bytes. */
const bytesOfItem = 100;

/** Does work that yields after each rule as slices of many. */
function* inSlices<T>(work: Generator<number, T>): SlicedWork<T> {
  const isFull = createSliceMeter();
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (isFull(step.value * bytesOfItem)) yield;
  }
}

/** Hands the changes on, and ends the trace of each here: Kubernetes watch -> discovery -> bus -> resolver -> bus -> this gateway. */
function* traced(set: AppliedSet): Generator<RecordChange> {
  let spans = 0;
  for (const change of set.changes) {
    yield change;
    if (change.traceparent === undefined || spans >= maxSpansPerSet) continue;
    spans += 1;
    traceApplied(set, change);
  }
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
