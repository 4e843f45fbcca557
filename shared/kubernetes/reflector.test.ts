import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { systemClock } from '#shared/runtime/clock.ts';
import { createReflector } from './reflector.ts';
import { watchTimeoutSeconds } from './watch-session.ts';

test('a handler that throws or rejects is logged, and the next change still comes', async () => {
  const lines = new PassThrough();
  const logged: string[] = [];
  lines.on('data', (chunk) => logged.push(String(chunk)));
  const keys: string[] = [];
  const open = new PassThrough();
  const aSecret = (name: string) => ({ metadata: { name, resourceVersion: '2' } });
  const arrived = new PassThrough();
  const reflector = createReflector({
    // The wire alone is replaced: what a list and an open watch say.
    kubernetes: {
      json: async () => ({ metadata: { resourceVersion: '1' }, items: [aSecret('a'), aSecret('b')] }),
      stream: async () => open as never,
      close: () => undefined,
    },
    path: '/api/v1/secrets',
    project: ({ metadata }) => ({ key: metadata.name, value: '' }),
    onChange: ({ key }) => {
      keys.push(key);
      if (key === 'a') throw new Error('handler threw');
      if (key === 'b') return Promise.reject(new Error('handler rejected'));
      arrived.write(key);
      return undefined;
    },
    log: pino({ level: 'error' }, lines),
    clock: systemClock,
  });
  open.write(`${JSON.stringify({ type: 'ADDED', object: aSecret('c') })}\n`);
  await once(arrived, 'data');
  open.end();
  await reflector.stop();
  assert.deepEqual(keys, ['a', 'b', 'c']);
  assert.match(logged.join(''), /handler threw/);
  assert.match(logged.join(''), /handler rejected/);
});

test('a watch is asked for 240 to 300 seconds', () => {
  assert.equal(watchTimeoutSeconds(0), 240);
  assert.equal(watchTimeoutSeconds(0.999_999), 300);
});
