import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostItemsOfEntry } from '#shared/contracts/rules/rule-entry.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { ruleRecord } from './rule-record.ts';

test('a resolver passes on that a namespace, or a Secret, is left out', () => {
  const key = { owner: 'k8s', kind: 'namespace' as const, namespace: 'ns' };
  const marker = { schema: 1, namespace: 'ns', watched: true };
  const of = (value: unknown) => ruleRecord(k8sManager, defaultConfig, { key, value })?.value;
  assert.deepEqual(of(marker), { schema: 1, namespace: 'ns' });
  assert.deepEqual(of({ ...marker, partial: true }), { schema: 1, namespace: 'ns', partial: true });
  const secret = { owner: 'k8s', kind: 'entry' as const, namespace: 'ns', secret: 'big' };
  const fact = {
    schema: 1,
    source: 'k8s',
    namespace: 'ns',
    secret: 'big',
    keys: [],
    version: '1',
    leftOut: true,
  };
  assert.deepEqual(ruleRecord(k8sManager, defaultConfig, { key: secret, value: fact })?.value, {
    schema: 1,
    items: {},
    leftOut: 'big/',
  });
});

test('a secret with more keys than a rule has items is left out, and all others are read', () => {
  const key = { owner: 'k8s', kind: 'entry' as const, namespace: 'ns', secret: 'wide' };
  const of = (count: number) => {
    const keys = Array.from({ length: count }, (_, index) => `${index}`);
    const value = { schema: 1, source: 'k8s', namespace: 'ns', secret: 'wide', keys, version: '1' };
    return ruleRecord(k8sManager, defaultConfig, { key, value });
  };
  assert.equal(of(mostItemsOfEntry)?.isTooLarge, undefined);
  const { value, isTooLarge } = of(mostItemsOfEntry + 1) ?? {};
  assert.deepEqual([value, isTooLarge], [{ schema: 1, items: {}, leftOut: 'wide/' }, true]);
});
