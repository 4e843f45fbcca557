import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { type KubernetesCall, refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createReflector } from './reflector.ts';
import { watchTimeoutSeconds } from './watch-once.ts';

const aSecret = (name: string, resourceVersion = '2') => ({ metadata: { name, resourceVersion } });
const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const bodyOf = (text: string, ends = true): PassThrough => {
  const body = new PassThrough();
  if (ends) body.end(text);
  else body.write(text);
  return body;
};
const endOfList = (resourceVersion: string): string =>
  line('BOOKMARK', { metadata: { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } } });
const isStreamedList = ({ query }: KubernetesCall): boolean => query?.sendInitialEvents === 'true';

/** Follows the wire that is given: what lists and watches answer. */
function follow(
  wire: { json: Kubernetes['json']; stream: (call: KubernetesCall) => Promise<PassThrough> },
  idleTimeoutMs?: number,
) {
  const stream: Kubernetes['stream'] = async (call, signal) => {
    const body = await wire.stream(call);
    signal.addEventListener('abort', () => body.destroy(new Error('aborted')));
    return body as never;
  };
  const syncs: (Record<string, string> & { at: string })[] = [];
  const changes: string[] = [];
  const reflector = createReflector<string>({
    kubernetes: { json: wire.json, stream, close: () => undefined },
    path: '/api/v1/secrets',
    transform: ({ metadata }) => ({ key: metadata.name, value: metadata.resourceVersion ?? '' }),
    onSync: ({ items, resourceVersion }) =>
      void syncs.push({ ...Object.fromEntries(items), at: resourceVersion }),
    onChange: (change) =>
      void changes.push(
        `${change.type} ${change.key} ${change.type === 'set' ? change.value : change.resourceVersion}`,
      ),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    log: pino({ level: 'silent' }),
    clock: systemClock,
  });
  const until = (what: string, isMet: () => boolean) => waitFor(isMet, { timeoutMs: 10_000, what });
  return { reflector, syncs, changes, until };
}

test('a list comes as a stream, with what changes meanwhile, and goes on as the watch in the same request', async (t) => {
  const open = new PassThrough();
  const calls: KubernetesCall[] = [];
  const { reflector, syncs, changes, until } = follow({
    json: () => assert.fail('nothing is listed in pages'),
    stream: async (call) => {
      calls.push(call);
      return open;
    },
  });
  t.after(() => reflector.stop());
  open.write(line('ADDED', aSecret('a')) + line('ADDED', aSecret('b')) + line('ADDED', aSecret('c')));
  open.write(line('MODIFIED', aSecret('a', '5')) + line('DELETED', aSecret('b', '6')));
  await until('the first request', () => open.readableLength === 0 && calls.length === 1);
  assert.deepEqual([reflector.synced(), changes, reflector.interruptedMs() > 0], [false, [], true]);
  open.write(endOfList('9') + line('ADDED', aSecret('d', '10')) + line('DELETED', aSecret('c', '11')));
  await until('the last event', () => changes.length === 4);
  assert.deepEqual(syncs, [{ a: '5', c: '2', at: '9' }]);
  assert.deepEqual(changes, ['set a 5', 'set c 2', 'set d 10', 'delete c 11']);
  assert.equal(reflector.interruptedMs(), 0);
  assert.deepEqual(calls.map(isStreamedList), [true]);
});

test('410 in the middle of a list makes it begin again, and what the first half said counts for nothing', async (t) => {
  const expired = line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
  const answers = [
    line('ADDED', aSecret('a')) + expired,
    line('ADDED', aSecret('b', '7')) + endOfList('9'),
  ].map((text) => bodyOf(text, false));
  const { reflector, syncs, until } = follow({
    json: () => assert.fail('nothing is listed in pages'),
    stream: async (call) => {
      assert.ok(isStreamedList(call));
      return answers.shift() ?? bodyOf('', false);
    },
  });
  t.after(() => reflector.stop());
  await until('a list', reflector.synced);
  assert.deepEqual(syncs, [{ b: '7', at: '9' }]);
});

const someObjects = line('ADDED', aSecret('half'));
const refusal = (statusCode: number) => async (call: KubernetesCall) => {
  throw refusedError(call, { statusCode });
};
const servers: Record<string, (call: KubernetesCall) => Promise<PassThrough>> = {
  'answers 400': refusal(400),
  'answers 422': refusal(422),
  'ends the stream in the middle': async () => bodyOf(someObjects),
  'ignores that it is a list, and sends bookmarks': async () =>
    bodyOf(someObjects + line('BOOKMARK', { metadata: { resourceVersion: '3' } }), false),
  'falls silent in the middle': async () => bodyOf(someObjects, false),
};
for (const [what, answer] of Object.entries(servers)) {
  test(`an API server that ${what} is asked for pages, and never again for a stream`, async (t) => {
    let streamed = 0;
    let watches = 0;
    const { reflector, syncs, until } = follow(
      {
        json: async () => ({ metadata: { resourceVersion: '4' }, items: [aSecret('a')] }),
        stream: async (call) => {
          if (!isStreamedList(call)) {
            watches += 1;
            if (watches === 1) throw refusedError(call, { statusCode: 410 });
          } else streamed += 1;
          return isStreamedList(call) ? answer(call) : bodyOf('', false);
        },
      },
      200,
    );
    t.after(() => reflector.stop());
    await until('a second list', () => syncs.length === 2 && watches > 1);
    assert.deepEqual(syncs[0], { a: '2', at: '4' });
    assert.equal(streamed, 1);
  });
}

for (const statusCode of [429, 500, 0]) {
  test(`a streamed list that fails with ${statusCode} is tried again as a stream`, async (t) => {
    let tries = 0;
    const { reflector, until } = follow({
      json: () => assert.fail('nothing is listed in pages'),
      stream: async (call) => {
        tries += 1;
        if (tries === 1) throw refusedError(call, { statusCode });
        const body = bodyOf(endOfList('1'), false);
        return body;
      },
    });
    t.after(() => reflector.stop());
    await until('a list', reflector.synced);
  });
}

test('a handler that throws or rejects is logged, and the next change still comes', async () => {
  const lines = new PassThrough();
  const logged: string[] = [];
  lines.on('data', (chunk) => logged.push(String(chunk)));
  const keys: string[] = [];
  const open = new PassThrough();
  const arrived = new PassThrough();
  const reflector = createReflector({
    // The wire alone is replaced: what a list and an open watch say.
    kubernetes: {
      json: async () => ({ metadata: { resourceVersion: '1' }, items: [aSecret('a'), aSecret('b')] }),
      stream: async (call) => {
        if (isStreamedList(call)) throw refusedError(call, { statusCode: 422 });
        return open as never;
      },
      close: () => undefined,
    },
    path: '/api/v1/secrets',
    transform: ({ metadata }) => ({ key: metadata.name, value: '' }),
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
