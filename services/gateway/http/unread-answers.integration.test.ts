import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#shared/runtime/clock.ts';
import { listenWebhook, statusOf, webhookRequest } from '#testkit/gateway/listening-webhook.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { defaultLimits, type EvictedConnection } from './webhook-server.ts';

const mebibyte = 1_024 * 1_024;
/** More than the kernel takes of an answer that is not read. */
const longAnswer = 'x'.repeat(48 * mebibyte);

async function aServer(t: TestContext, unreadBytes: number) {
  const evicted: EvictedConnection[] = [];
  let nowMs = 0;
  const webhook = await listenWebhook(() => ({ status: 200, text: longAnswer }), {
    connectionLimits: { ...defaultLimits, unreadBytes },
    onEvicted: (connection) => void evicted.push(connection),
    clock: { ...systemClock, monotonicMs: () => nowMs },
    limits: { waitMs: Infinity, waiting: 0, heldBytes: 64 * mebibyte },
  });
  t.after(() => webhook.server.close());
  /** A connection that has asked, and never reads the answer that has begun to arrive. */
  const ask = async (request = webhookRequest()) => {
    const socket = await webhook.connect();
    socket.on('error', () => undefined);
    socket.pause();
    // The server looks at what is unread now and then.
    nowMs += 1_000;
    socket.write(request);
    await once(socket, 'readable');
    return socket;
  };
  return { webhook, evicted, ask };
}

test('input 76: of answers that nobody reads the oldest end when they are too many, and others are served', async (t) => {
  const { webhook, evicted, ask } = await aServer(t, 100 * mebibyte);
  const [first, ...others] = [await ask(), await ask(), await ask(), await ask(), await ask()];
  await waitFor(() => evicted.length >= 1, { timeoutMs: 10_000, what: 'an answer to end' });
  assert.ok(webhook.server.connections.busy() <= 4, `${webhook.server.connections.busy()} wait`);
  first.resume();
  await once(first, 'close');
  assert.ok(first.bytesRead < longAnswer.length);
  assert.equal(statusOf(await webhook.send()), 200);
  assert.ok(evicted.every((connection) => connection === 'unread'));
  for (const socket of others) socket.destroy();
});

test('input 76: several answers due on one connection that nobody reads count together', async (t) => {
  const { webhook, evicted, ask } = await aServer(t, 100 * mebibyte);
  const socket = await ask(webhookRequest().repeat(6));
  const { connections } = webhook.server;
  await waitFor(() => connections.busy() === 6, { timeoutMs: 10_000, what: 'all to be due' });
  const others = [await ask(), await ask()];
  await waitFor(() => connections.busy() === 2, { timeoutMs: 10_000, what: 'the first connection to end' });
  // Its answers weigh no more once it has ended: these two stay.
  others.push(await ask(webhookRequest({ path: '/other' })));
  assert.deepEqual([connections.count(), evicted], [3, ['unread']]);
  for (const other of others) other.destroy();
  socket.destroy();
});

test('input 76: an answer of which nothing is read for ten seconds ends', async (t) => {
  const { webhook, evicted, ask } = await aServer(t, 100 * mebibyte);
  const socket = await ask();
  await waitFor(() => webhook.server.connections.count() === 0, { timeoutMs: 60_000, what: 'it to end' });
  assert.deepEqual(evicted, []);
  socket.destroy();
});
