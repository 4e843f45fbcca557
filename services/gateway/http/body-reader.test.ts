import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { bodyLimitBytes, readBody } from './body-reader.ts';

/** A body that arrives as the test says, and what was told of it. */
function harness() {
  const stream = new PassThrough();
  const told: string[] = [];
  let keptBytes = 0;
  const body = readBody(stream, {
    kept: (bytes) => {
      keptBytes += bytes;
    },
    whole: () => told.push('whole'),
    tooLong: () => told.push('too long'),
    gone: () => told.push('gone'),
  });
  return {
    stream,
    body,
    told,
    keptBytes: () => keptBytes,
    end: async (...chunks: Buffer[]) => {
      for (const chunk of chunks) stream.write(chunk);
      stream.end();
      await once(stream, 'close');
    },
    leave: async () => {
      stream.destroy();
      await once(stream, 'close');
    },
  };
}

test('a body is kept as it arrives, and counted', async () => {
  const { body, told, keptBytes, end } = harness();
  await end(Buffer.from('{"a"'), Buffer.from(':1}'));
  assert.deepEqual([told, keptBytes(), body.bytes().toString()], [['whole'], 7, '{"a":1}']);
});

test('a discarded body is read to its end, and nothing of it is kept or counted', async () => {
  const { body, told, keptBytes, end } = harness();
  body.discard();
  await end(Buffer.from('{"a"'), Buffer.from(':1}'));
  assert.deepEqual([told, keptBytes(), body.bytes().length], [['whole'], 0, 0]);
});

test('a body that is too long is told of once, kept up to the limit, and read to its end', async () => {
  const { told, keptBytes, end } = harness();
  const half = Buffer.alloc(bodyLimitBytes / 2);
  await end(half, half, Buffer.from('x'), Buffer.from('y'));
  assert.deepEqual([told, keptBytes()], [['too long', 'whole'], bodyLimitBytes]);
});

test('a discarded body that is too long is told of, too', async () => {
  const { body, told, keptBytes, end } = harness();
  body.discard();
  await end(Buffer.alloc(bodyLimitBytes), Buffer.from('x'));
  assert.deepEqual([told, keptBytes()], [['too long', 'whole'], 0]);
});

test('a client that leaves before the end is told of, and the body is not whole', async () => {
  const { told, leave } = harness();
  await leave();
  assert.deepEqual(told, ['gone']);
});

test('input 61: a body of very many tiny chunks ends its connection after a thousand', async () => {
  const { stream, body, told, keptBytes, leave } = harness();
  for (let sent = 0; sent < 5_000; sent++) stream.write(' ');
  await leave();
  assert.deepEqual([told, keptBytes(), stream.destroyed], [['gone'], 1_024, true]);
  assert.equal(body.bytes().buffer.byteLength, 1_024);
});

test('input 61: chunks of 256 bytes are kept as one buffer, however many they are', async () => {
  const { body, told, end } = harness();
  const chunks = Array.from({ length: 5_000 }, (_, index) => Buffer.alloc(256, `${index % 10}`));
  await end(...chunks);
  assert.deepEqual(told, ['whole']);
  assert.ok(body.bytes().equals(Buffer.concat(chunks)));
  assert.ok(body.bytes().buffer.byteLength <= 2 * body.bytes().length);
});
