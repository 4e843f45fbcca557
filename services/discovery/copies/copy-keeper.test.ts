import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { KubernetesCall } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createCopyKeeper } from './copy-keeper.ts';
import { desiredCopies, type SecretData } from './desired-copy.ts';

const timeoutMs = 5_000;
const name = 'latchkey-global-0';

/** A keeper of one namespace, before an API server that stores what it is sent until `refuse` says otherwise. */
function aKeeper(t: TestContext) {
  const ready: boolean[] = [];
  const lines: string[] = [];
  const waits: (() => void)[] = [];
  let refusal: { statusCode: number; reason: string } | undefined;
  let revision = 0;
  const keeper = createCopyKeeper({
    installation: 'latchkey',
    // The wire alone is replaced.
    kubernetes: {
      json: async (call: KubernetesCall) => {
        if (refusal !== undefined) throw refusedError(call, refusal);
        const secret = call.body as { metadata: object };
        return { ...secret, metadata: { ...secret.metadata, uid: 'u', resourceVersion: String(++revision) } };
      },
      stream: async () => assert.fail('nothing is watched here'),
      close: () => undefined,
    },
    clock: {
      ...systemClock,
      sleep: () => new Promise((resolve) => waits.push(resolve)),
    },
    log: pino({ level: 'debug' }, { write: (line) => void lines.push(line) }),
    onReady: (_namespace, isReady) => ready.push(isReady),
  });
  t.after(() => keeper.stop());
  keeper.select(new Set(['team']), ['team']);
  keeper.listed(undefined, [], '0');
  return {
    ready,
    levels: () => lines.map((line) => JSON.parse(line).level as number),
    desire: (data: SecretData) =>
      keeper.desire({ of: () => desiredCopies(new Map([[name, data]])), forget: () => undefined }),
    refuse: (next: typeof refusal) => {
      refusal = next;
    },
    /** Lets the pause after a failure be over. */
    async tryAgain() {
      const wake = await waitFor(() => waits.shift(), { timeoutMs, what: 'a pause' });
      wake();
    },
    untilPausing: () => waitFor(() => waits.length > 0, { timeoutMs, what: 'a failure' }),
    untilTold: (...told: boolean[]) =>
      waitFor(() => ready.join() === told.join(), { timeoutMs, what: `${told} to be told` }),
  };
}

for (const [why, refusal] of Object.entries({
  'a quota': { statusCode: 403, reason: 'Forbidden' },
  'a Secret of somebody else': { statusCode: 409, reason: 'AlreadyExists' },
})) {
  test(`a namespace that ${why} keeps a new key out of is no longer ready, until it is written`, async (t) => {
    const keeper = aKeeper(t);
    keeper.desire({ a: 'MQ==' });
    await keeper.untilTold(true);
    keeper.refuse(refusal);
    keeper.desire({ a: 'MQ==', b: 'Mg==' });
    await keeper.untilTold(true, false);
    keeper.refuse(undefined);
    await keeper.tryAgain();
    await keeper.untilTold(true, false, true);
  });
}

test('a namespace in which only a value could not be changed stays ready', async (t) => {
  const keeper = aKeeper(t);
  keeper.desire({ a: 'MQ==' });
  await keeper.untilTold(true);
  keeper.refuse({ statusCode: 403, reason: 'Forbidden' });
  keeper.desire({ a: 'Mg==' });
  await keeper.untilPausing();
  assert.deepEqual(keeper.ready, [true]);
});

test('a failure that lasts is one warning, another reason is one more, and the end of it is told', async (t) => {
  const keeper = aKeeper(t);
  keeper.refuse({ statusCode: 403, reason: 'Forbidden' });
  keeper.desire({ a: 'MQ==' });
  for (let round = 0; round < 3; round += 1) await keeper.tryAgain();
  await keeper.untilPausing();
  keeper.refuse({ statusCode: 409, reason: 'AlreadyExists' });
  for (let round = 0; round < 3; round += 1) await keeper.tryAgain();
  await keeper.untilPausing();
  keeper.refuse(undefined);
  await keeper.tryAgain();
  await waitFor(() => keeper.ready.at(-1), { timeoutMs, what: 'the namespace to be ready' });
  const [warn, debug, info] = [40, 20, 30];
  assert.deepEqual(keeper.levels(), [warn, debug, debug, debug, warn, debug, debug, info]);
});
