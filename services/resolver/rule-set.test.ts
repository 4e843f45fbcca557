import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import { formatKey, type RecordKey } from '#shared/contracts/bus/bucket.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';

import { createRuleSet } from './rule-set.ts';

const log = pino({ level: 'silent' });
const keyOf = (secret: string): RecordKey => ({ owner: 'k8s', kind: 'entry', namespace: 'ns', secret });
const secretChange = (secret: string, keys?: readonly string[]): RecordChange => ({
  key: keyOf(secret),
  value: keys && { schema: 1, source: 'k8s', namespace: 'ns', secret, keys, version: '1' },
});

/** Notes what a publisher is told, in order. */
function aToldPublisher() {
  const told: string[] = [];
  const publisher = {
    put: (key: string) => void told.push(`put ${key}`),
    remove: (key: string) => void told.push(`remove ${key}`),
    complete: () => void told.push('complete'),
  };
  return { told, publisher };
}

test('each rule goes to the publisher at once, also before the inventory is whole, and nothing is kept for later', () => {
  const { told, publisher } = aToldPublisher();
  const rules = createRuleSet({ manager: k8sManager, config: defaultConfig, publisher, log });
  rules.take([secretChange('a', ['x']), secretChange('b', ['x'])]);
  rules.take([secretChange('a')]);
  assert.equal(rules.isComplete(), false);
  const [recipe, a, b] = [
    formatKey({ owner: 'k8s', kind: 'recipe' }),
    ...['a', 'b'].map((secret) => formatKey(keyOf(secret))),
  ];
  assert.deepEqual(told.splice(0), [`put ${recipe}`, `put ${a}`, `put ${b}`, `remove ${a}`]);
  rules.complete();
  rules.complete();
  assert.deepEqual(told, ['complete']);
  assert.equal(rules.isComplete(), true);
});

test('changes are taken one at a time', () => {
  const { told, publisher } = aToldPublisher();
  const rules = createRuleSet({ manager: k8sManager, config: defaultConfig, publisher, log });
  function* changes() {
    yield secretChange('a', ['x']);
    assert.equal(told.at(-1), `put ${formatKey(keyOf('a'))}`);
    yield secretChange('b', ['x']);
  }
  rules.take(changes());
  assert.equal(told.length, 3);
});
