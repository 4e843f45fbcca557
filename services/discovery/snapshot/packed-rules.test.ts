import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { namespaceRules } from '#testkit/nats/namespace-rules.ts';
import { createPackedRules } from './packed-rules.ts';

const takenAt = '2026-01-01T00:00:00.000Z';

test('rules are packed once', async () => {
  const logged: string[] = [];
  const log = pino({ base: null }, { write: (line) => logged.push(line) });
  const packed = await createPackedRules(undefined, log);
  const rules = namespaceRules({ a: 10 });
  assert.equal(packed.snapshot(), undefined);
  assert.equal(await packed.pack(rules, takenAt), true);
  assert.equal(packed.snapshot()?.summary.takenAt, takenAt);
  assert.equal(await packed.pack(rules, takenAt), false);
  assert.deepEqual([logged, packed.leftOut()], [[], []]);
});
