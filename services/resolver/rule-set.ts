import { SpanKind, trace } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { PublishedRecord, Publisher } from '#shared/bus/publisher.ts';
import type { RecordChange } from '#shared/bus/staging.ts';
import { formatKey } from '#shared/contracts/bucket.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Recipe } from '#shared/contracts/rule-recipe.ts';
import type { Manager } from '#shared/core/managers/manager.ts';
import { carrierFrom, contextFrom } from '#shared/runtime/trace-carrier.ts';
import { ruleRecord } from './rule-record.ts';

/** One manager's rules on their way to the bus. Nothing is published before `complete` is called once. */
export interface RuleSet {
  /** Turns changes of the inventory into rules. A record that cannot be one is logged and skipped. */
  take(changes: readonly RecordChange[]): void;
  replaceRecipe(recipe: Recipe): void;
  /** Says that the inventory has been taken whole: every rule is published, then each change. */
  complete(): void;
  isComplete(): boolean;
}

export function createRuleSet(options: {
  manager: Manager;
  config: LatchkeyConfig;
  publisher: Publisher;
  log: Logger;
}): RuleSet {
  const { manager, config, publisher, log } = options;
  const tracer = trace.getTracer('latchkey');
  const recipeKey = formatKey({ owner: manager.name, kind: 'recipe' });
  const records = new Map<string, PublishedRecord>([[recipeKey, { value: manager.recipe(config) }]]);
  let complete = false;

  const takeOne = (change: RecordChange): void => {
    const attributes = { 'latchkey.manager': manager.name, 'latchkey.key': formatKey(change.key) };
    const span = tracer.startSpan(
      'resolve rule',
      { kind: SpanKind.CONSUMER, attributes },
      contextFrom(change),
    );
    const carrier = carrierFrom(trace.setSpan(contextFrom(change), span));
    try {
      const record = ruleRecord(manager, config, change);
      if (record === undefined) return;
      if (record.value === undefined) records.delete(record.key);
      else records.set(record.key, { value: record.value, trace: carrier });
      if (!complete) return;
      if (record.value === undefined) publisher.remove(record.key, carrier);
      else publisher.put(record.key, record.value, carrier);
    } catch (err) {
      log.error({ err, key: formatKey(change.key) }, 'inventory record skipped');
    } finally {
      span.end();
    }
  };

  return {
    take: (changes) => {
      for (const change of changes) takeOne(change);
    },
    replaceRecipe: (value) => {
      records.set(recipeKey, { value });
      if (complete) publisher.put(recipeKey, value);
    },
    complete: () => {
      if (complete) return;
      publisher.replace(records);
      complete = true;
    },
    isComplete: () => complete,
  };
}
