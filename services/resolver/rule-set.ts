import { SpanKind, trace } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Recipe } from '#shared/contracts/rules/rule-recipe.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { carrierFrom, contextFrom, type TraceCarrier } from '#shared/runtime/trace-carrier.ts';
import { createSliceMeter, type SlicedWork } from '#shared/runtime/turn-queue.ts';
import { type RuleRecord, ruleRecord } from './rule-record.ts';

/** What an item of a rule takes in its record, bytes. */
const bytesOfItem = 100;

const itemsOf = (value: RuleRecord['value']): number =>
  value !== undefined && 'items' in value ? Object.keys(value.items).length : 0;

/** Brings one manager's rules to the bus. Nothing is published before `complete` is called once. */
export interface RuleSet {
  /**
   * Turns changes of the inventory into rules, in slices, which come into force together. A record that cannot be one is
   * logged and skipped.
   */
  take(changes: Iterable<RecordChange>): SlicedWork;
  replaceRecipe(recipe: Recipe): void;
  /** Says that the inventory has been taken whole: every rule is published, then each change. */
  complete(): void;
  isComplete(): boolean;
}

export function createRuleSet(options: {
  manager: Manager;
  config: LatchkeyConfig;
  publisher: Pick<Publisher, 'put' | 'remove' | 'complete' | 'inOneSet'>;
  log: Logger;
}): RuleSet {
  const { manager, config, publisher, log } = options;
  const tracer = trace.getTracer('latchkey');
  const recipeKey = formatKey({ owner: manager.name, kind: 'recipe' });
  let complete = false;

  /** Hands a rule on at once, also before `complete`: the publisher keeps bytes, a tenth of what objects take. */
  const note = (key: string, value: unknown, carrier?: TraceCarrier): void => {
    if (value === undefined) publisher.remove(key, carrier);
    else publisher.put(key, value, carrier);
  };
  note(recipeKey, manager.recipe(config));

  /** Returns how many items the rule has. */
  const takeOne = (change: RecordChange): number => {
    const attributes = { 'latchkey.manager': manager.name, 'latchkey.key': formatKey(change.key) };
    const span = tracer.startSpan(
      'resolve rule',
      { kind: SpanKind.CONSUMER, attributes },
      contextFrom(change),
    );
    const carrier = carrierFrom(trace.setSpan(contextFrom(change), span));
    try {
      const record = ruleRecord(manager, config, change);
      if (record === undefined) return 0;
      note(record.key, record.value, carrier);
      if (record.isTooLarge) log.error({ key: record.key }, 'a secret with too many keys is left out');
      return itemsOf(record.value);
    } catch (err) {
      log.error({ err, key: formatKey(change.key) }, 'inventory record skipped');
      return 0;
    } finally {
      span.end();
    }
  };

  function* takeAll(changes: Iterable<RecordChange>): SlicedWork {
    const isFull = createSliceMeter();
    for (const change of changes) {
      const items = takeOne(change);
      // Also a record that becomes no rule has been read.
      if (isFull(Math.max(change.bytes?.length ?? 0, items * bytesOfItem))) yield;
    }
  }

  return {
    take: (changes) => publisher.inOneSet(takeAll(changes)),
    replaceRecipe: (value) => note(recipeKey, value),
    complete: () => {
      if (complete) return;
      publisher.complete();
      complete = true;
    },
    isComplete: () => complete,
  };
}
