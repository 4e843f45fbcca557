import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsOfCopy, ownedCopy } from './owned-copy.ts';

const aCopy = (over: { name?: string; type?: string; data?: Record<string, string>; labels?: object }) => ({
  metadata: {
    namespace: 'team',
    name: over.name ?? 'latchkey-global-0',
    uid: '0f6e2f44-0000-4000-8000-000000000000',
    resourceVersion: '12345',
    labels: { ...labelsOfCopy('latchkey'), ...over.labels },
  },
  type: over.type ?? 'Opaque',
  data: over.data ?? {},
});

test('of a labelled Secret with 62,000 keys, a type of 0.9 MB and a long label less than 1 KiB is kept', () => {
  const data = Object.fromEntries(Array.from({ length: 62_000 }, (_, key) => [`k${key}`, '']));
  const type = 'x'.repeat(900_000);
  const labels = { 'latchkey.dev/installation': 'l'.repeat(100_000) };
  const copy = ownedCopy(aCopy({ data, type, labels }));
  assert.equal(copy?.isOpaque, false);
  const bytes = JSON.stringify(copy).length;
  assert.ok(bytes < 1_024, `${bytes} bytes`);
});

test('of 20,000 labelled Secrets in a namespace only those are kept whose name a copy can have, at most 160', () => {
  const names = Array.from({ length: 20_000 }, (_, number) => [
    `latchkey-global-${number.toString(16)}`,
    `latchkey-global-${(number % 16).toString(16)}-${Math.floor(number / 16)}`,
    `stray-${number}`,
  ]).flat();
  const kept = new Set(names.filter((name) => ownedCopy(aCopy({ name })) !== undefined));
  assert.equal(kept.size, 160);
});
