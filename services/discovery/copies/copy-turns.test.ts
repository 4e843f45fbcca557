import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { type KubernetesCall, refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { createCopyKeeper } from './copy-keeper.ts';
import { createCopyLedger } from './copy-ledger.ts';
import type { OwnedCopy } from './copy-plan.ts';
import { type DesiredCopies, type DesiredCopy, desiredCopies, digestData } from './desired-copy.ts';

const desired = desiredCopies(new Map([['latchkey-global-0', { a: 'MQ==' }]]));
const aCopy = (over: Partial<OwnedCopy>): OwnedCopy => ({
  namespace: 'noisy',
  name: 'latchkey-global-0',
  uid: 'u',
  resourceVersion: '7',
  dataDigest: digestData({ a: 'MQ==' }),
  isOpaque: true,
  immutable: false,
  installation: 'latchkey',
  ...over,
});
const strays = Array.from('0123456789abcdef', (shard) =>
  Array.from({ length: 10 }, (_, n) => aCopy({ name: `latchkey-global-${shard}${n === 0 ? '' : `-${n}`}` })),
).flat();

/** A keeper with the namespace `team` selected, whose clock stands and whose calls are written down. */
function aKeeper(t: TestContext, copiesOf: (namespace: string) => DesiredCopies = () => desired) {
  const calls: string[] = [];
  const ready: boolean[] = [];
  const refused = new Set<string>();
  const ledger = createCopyLedger();
  let revision = 10;
  const keeper = createCopyKeeper({
    installation: 'latchkey',
    // The wire alone is replaced.
    kubernetes: {
      json: async ({ verb, path, body }: KubernetesCall) => {
        calls.push(`${verb} ${path.split('/')[4]}`);
        if (refused.has(verb)) {
          throw refusedError({ verb, path }, { statusCode: 409, reason: 'AlreadyExists' });
        }
        const secret = body as { metadata?: object };
        return { ...secret, metadata: { ...secret.metadata, uid: 'u', resourceVersion: String(++revision) } };
      },
      stream: async () => assert.fail('nothing is watched here'),
      close: () => undefined,
    },
    clock: { monotonicMs: () => 0, sleep: () => new Promise(() => undefined) },
    log: pino({ level: 'silent' }),
    ledger,
    onReady: (_namespace, isReady) => ready.push(isReady),
  });
  t.after(() => keeper.stop());
  keeper.desire({ of: copiesOf, forget: () => undefined });
  keeper.select(new Set(['team']), ['team']);
  return { keeper, calls, ready, ledger, refused };
}

/** Lets all be done that needs no time. */
async function untilQuiet(calls: readonly string[]): Promise<void> {
  for (let before = -1; before !== calls.length; ) {
    before = calls.length;
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  }
}

test('a namespace full of Secrets with our labels gets 16 calls a turn, and no more than three turns at once', async (t) => {
  const { keeper, calls } = aKeeper(t);
  keeper.listed(undefined, [], '1');
  await untilQuiet(calls);
  assert.deepEqual(calls.splice(0), ['create team']);
  for (const stray of strays) keeper.seen(stray);
  keeper.desire({
    of: () => desiredCopies(new Map([['latchkey-global-0', { a: 'rotated' }]])),
    forget: () => undefined,
  });
  await untilQuiet(calls);
  // The first of them has a turn of its own: it is seen before the others.
  assert.equal(calls.indexOf('update team'), 1 + 16);
  assert.equal(calls.filter((call) => call === 'delete noisy').length, 1 + 16 + 16);
});

test('Secrets that somebody puts beside the copies hold up no new value of a global secret', async (t) => {
  const { keeper, calls } = aKeeper(t);
  keeper.listed(undefined, [], '1');
  for (const stray of strays.slice(1)) keeper.seen({ ...stray, namespace: 'team' });
  await untilQuiet(calls);
  assert.equal(calls[0], 'create team');
  calls.length = 0;
  keeper.desire({
    of: () => desiredCopies(new Map([['latchkey-global-0', { a: 'rotated' }]])),
    forget: () => undefined,
  });
  await untilQuiet(calls);
  assert.deepEqual(calls, ['update team']);
});

test('what this process wrote goes at once from a namespace that is no longer selected', async (t) => {
  const all = desiredCopies(new Map(strays.map(({ name }) => [name, { a: 'MQ==' }])));
  const { keeper, calls } = aKeeper(t, () => all);
  keeper.listed(undefined, [], '1');
  await untilQuiet(calls);
  calls.length = 0;
  keeper.select(new Set(), ['team']);
  await untilQuiet(calls);
  assert.deepEqual(calls, Array(160).fill('delete team'));
});

test('Secrets of others and of other installations, made and deleted 1,000 times, have nothing looked at or kept', async (t) => {
  const { keeper, calls, ready, ledger } = aKeeper(t);
  keeper.listed(undefined, [], '1');
  await untilQuiet(calls);
  ready.length = 0;
  for (let round = 0; round < 1_000; round += 1) {
    const installation = round % 2 === 0 ? 'latchkey2' : undefined;
    const namespace = round % 3 === 0 ? 'noisy' : 'team';
    const other = aCopy({ namespace, name: 'latchkey-global-1', installation });
    keeper.seen({ ...other, resourceVersion: `${100 + 2 * round}` });
    await nextTurn();
    keeper.gone(other, `${101 + 2 * round}`);
    await nextTurn();
  }
  assert.deepEqual([calls, ready, [...ledger.namespaces()]], [['create team'], [], ['team']]);
});

test('a thousand events of a copy that is right make no call and read no value again', async (t) => {
  let readings = 0;
  const [[name, copy]] = [...desired] as [[string, DesiredCopy]];
  const counted: DesiredCopy = {
    ...copy,
    get data() {
      readings += 1;
      return copy.data;
    },
  };
  const { keeper, calls } = aKeeper(t, () => new Map([[name, counted]]));
  keeper.listed(undefined, [], '1');
  await untilQuiet(calls);
  assert.deepEqual([calls, readings], [['create team'], 1]);
  for (let round = 0; round < 1_000; round += 1) {
    keeper.seen(aCopy({ namespace: 'team', resourceVersion: `${100 + round}` }));
    await nextTurn();
  }
  assert.deepEqual([calls, readings], [['create team'], 1]);
});

test('where Secrets of others keep copies out, a thousand events of a labelled Secret have nothing tried again', async (t) => {
  const two = desiredCopies(
    new Map(['latchkey-global-0', 'latchkey-global-1'].map((name) => [name, { a: 'MQ==' }])),
  );
  const { keeper, calls, ready, refused } = aKeeper(t, () => two);
  refused.add('create');
  keeper.listed(undefined, [], '1');
  await untilQuiet(calls);
  assert.deepEqual(calls, ['create team', 'create team']);
  for (let round = 0; round < 1_000; round += 1) {
    keeper.seen(aCopy({ namespace: 'team', resourceVersion: `${100 + round}` }));
    await nextTurn();
  }
  assert.equal(calls.length, 2);
  assert.ok(!ready.includes(true));
});

test('input 66: one namespace of a thousand that comes or goes has its own copies looked at, and no others', async (t) => {
  const looks: string[] = [];
  const copiesOf = (namespace: string) => {
    looks.push(namespace);
    return desired;
  };
  const { keeper, calls } = aKeeper(t, copiesOf);
  const selected = new Set(Array.from({ length: 1_000 }, (_, index) => `team-${index}`));
  keeper.select(selected, selected);
  keeper.listed(undefined, [], '1');
  await untilQuiet(looks);
  assert.equal(calls.length, 1_000);
  looks.length = 0;
  selected.add('new');
  keeper.select(selected, ['new']);
  await untilQuiet(looks);
  assert.deepEqual([calls.slice(1_000), looks], [['create new'], ['new', 'new']]);
});
