import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import { formatKey, type RecordKey } from '#shared/contracts/bus/bucket.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { finishWork, type SlicedWork } from '#shared/runtime/turn-queue.ts';
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
    inOneSet: (work: SlicedWork) => work,
  };
  return { told, publisher };
}

test('each rule goes to the publisher at once, also before the inventory is whole, and nothing is kept for later', () => {
  const { told, publisher } = aToldPublisher();
  const rules = createRuleSet({ manager: k8sManager, config: defaultConfig, publisher, log });
  finishWork(rules.take([secretChange('a', ['x']), secretChange('b', ['x'])]));
  finishWork(rules.take([secretChange('a')]));
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
  finishWork(rules.take(changes()));
  assert.equal(told.length, 3);
});

test('input 71: a secret whose keys would fill gigabytes beside its name is left out before its rule is made, and named', () => {
  const lines: string[] = [];
  const put: unknown[] = [];
  const rules = createRuleSet({
    manager: k8sManager,
    config: defaultConfig,
    publisher: { ...aToldPublisher().publisher, put: (...record) => void put.push(record) },
    log: pino({}, { write: (line) => void lines.push(line) }),
  });
  const [name, keys] = ['s'.repeat(20_000), Array.from({ length: 110_000 }, (_, index) => `k${index}`)];
  const value = { schema: 1, source: 'k8s', namespace: 'ns', secret: name, keys, version: '1' };
  put.length = 0;
  finishWork(rules.take([{ key: keyOf('s'), value }]));
  const entry = { schema: 1, items: {}, leftOut: `${name}/` };
  assert.deepEqual(put[0], [[formatKey(keyOf('s')), entry, {}]][0]);
  assert.match(lines.join(''), /"key":"k8s\.entry\.ns\.s".*a secret with too many keys is left out/);
});

test('rules are made in slices, so that a long list holds up no heartbeat', () => {
  const { publisher } = aToldPublisher();
  const rules = createRuleSet({ manager: k8sManager, config: defaultConfig, publisher, log });
  const slicesOf = (changes: RecordChange[]): number => [...rules.take(changes)].length;
  const many = Array.from({ length: 2_560 }, (_, index) => secretChange(`s${index}`, ['x']));
  assert.equal(slicesOf(many), 9);
  const wide = Array.from({ length: 10 }, (_, index) =>
    secretChange(
      `s${index}`,
      Array.from({ length: 2_000 }, (_, key) => `${key}`),
    ),
  );
  assert.equal(slicesOf(wide), 9);
});
