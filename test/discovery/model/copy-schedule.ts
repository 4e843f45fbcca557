import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import type { KubernetesCall } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { createRandom, type Random } from '#testkit/properties/random.ts';
import type { createCopyKeeper } from '../../../services/discovery/copies/copy-keeper.ts';
import { desiredCopies, type SecretData } from '../../../services/discovery/copies/desired-copy.ts';
import { ownedCopy } from '../../../services/discovery/copies/owned-copy.ts';
import { createCallsInFlight } from './calls-in-flight.ts';
import { deletionOf, endFault, isForeign, isRight, names, values } from './model-copies.ts';
import { createRival } from './secret-rival.ts';
import { createSecretStore, type StoredEvent, type StoredSecret } from './secret-store.ts';

export type KeeperFactory = typeof createCopyKeeper;

/** What a schedule came to. */
export interface ScheduleResult {
  /** What must never be, as a sentence; undefined when all is well. */
  violation: string | undefined;
  /** Calls of ours after the rival had gone quiet. */
  callsAfterQuiet: number;
  repairs: number;
}

/**
 * Runs discovery's keeper of copies in one namespace, before a store in which a rival writes as well, with every delay of
 * calls, answers and events left to chance; then the rival goes quiet and all that is due arrives.
 */
export async function runCopySchedule(
  seed: number,
  createKeeper: KeeperFactory,
  actions = 40,
): Promise<ScheduleResult> {
  const random = createRandom(seed);
  const run = createRun(random, createKeeper);
  for (let step = 0; step < actions; step += 1) {
    run.act();
    await nextTurn();
  }
  return run.settle();
}

/** Lets the keeper do all that waits for nothing: its queue yields after each turn of a namespace. */
async function untilIdle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await nextTurn();
}

function createRun(random: Random, createKeeper: KeeperFactory) {
  const events: StoredEvent[] = [];
  const store = createSecretStore((event) => events.push(event));
  let sleeps: (() => void)[] = [];
  let nowMs = 0;
  let ready: boolean | undefined;
  let wanted: ReadonlyMap<string, SecretData> = new Map();
  /** By name, what the keeper was last told stands there, from either side. */
  const told = new Map<string, { at: number; secret: StoredSecret | undefined }>();
  let violation: string | undefined;
  let repairs = 0;

  const note = (name: string, at: string, secret: StoredSecret | undefined): void => {
    if (Number(at) >= (told.get(name)?.at ?? 0)) told.set(name, { at: Number(at), secret });
  };
  const tellReady = (isReady: boolean): void => {
    if (!isReady) repairs += 1;
    ready = isReady;
    if (!isReady) return;
    for (const [name, data] of wanted) {
      if (!isRight(told.get(name)?.secret, data)) {
        violation ??= `ready with ${name} holding ${JSON.stringify(told.get(name)?.secret)}`;
      }
    }
  };

  const start = (): ReturnType<KeeperFactory> => {
    calls.forget();
    sleeps = [];
    events.length = 0;
    told.clear();
    ready = undefined;
    // Of a process that is gone nothing counts any more.
    const generation = { isOver: false };
    const keeper = createKeeper({
      installation: 'latchkey',
      kubernetes: {
        json: (call: KubernetesCall) => (generation.isOver ? new Promise(() => undefined) : calls.send(call)),
        stream: () => Promise.reject(new Error('nothing is watched here')),
        close: () => undefined,
      },
      clock: {
        monotonicMs: () => nowMs,
        sleep: (ms) =>
          new Promise((resolve) => {
            const until = nowMs + ms;
            sleeps.push(() => {
              nowMs = Math.max(nowMs, until);
              resolve();
            });
          }),
      },
      log: pino({ level: 'silent' }),
      onReady: (_namespace, isReady) => {
        if (!generation.isOver) tellReady(isReady);
      },
    });
    const stop = keeper.stop;
    keeper.stop = () => {
      generation.isOver = true;
      stop();
    };
    desire(keeper);
    keeper.select(new Set(['team']), ['team']);
    relist(keeper);
    return keeper;
  };
  const desire = (keeper: ReturnType<KeeperFactory>): void => {
    const copies = desiredCopies(wanted);
    keeper.desire({ of: () => copies, forget: () => undefined });
  };
  const relist = (keeper: ReturnType<KeeperFactory>): void => {
    events.length = 0;
    const listed = store.list();
    for (const name of names) {
      note(
        name,
        store.revision(),
        listed.find(({ metadata }) => metadata.name === name),
      );
    }
    keeper.listed(
      undefined,
      listed.map((secret) => ownedCopy(secret)).filter((copy) => copy !== undefined),
      store.revision(),
    );
  };

  const noteRemoval = ({ path, body }: KubernetesCall): void => {
    const name = path.split('/').at(-1) ?? '';
    const last = told.get(name);
    const { preconditions } = body as { preconditions?: { uid: string } };
    if (last?.secret?.metadata.uid === preconditions?.uid)
      told.set(name, { at: last?.at ?? 0, secret: undefined });
  };
  const calls = createCallsInFlight(store, (call, secret) => {
    if (secret !== undefined) note(secret.metadata.name, secret.metadata.resourceVersion, secret);
    else noteRemoval(call);
  });
  const deliver = (): void => {
    const event = events.shift();
    const copy = event && ownedCopy(event.secret);
    if (event === undefined || copy === undefined) return;
    note(copy.name, copy.resourceVersion, event.type === 'set' ? event.secret : undefined);
    if (event.type === 'set') keeper.seen(copy);
    else keeper.gone(copy, copy.resourceVersion);
  };
  const wake = (): void => sleeps.splice(Math.floor(random.upTo(sleeps.length)), 1)[0]?.();

  const pass = (): void => {
    nowMs += random.upTo(70_000);
  };
  const isDue = (): boolean => calls.count() + events.length + sleeps.length > 0;
  /** What is on its way arrives, as it does where nothing is slow. */
  const arrive = (): void => {
    while (events.length > 0) deliver();
    calls.carryOut();
    calls.answer();
    if (calls.count() === 0) wake();
  };
  let keeper = start();
  const rival = createRival(random, store);
  const moves: [weight: number, move: () => void][] = [
    [6, calls.carryOut],
    [6, calls.answer],
    [6, deliver],
    [3, wake],
    [4, rival],
    [1, () => relist(keeper)],
    [1, pass],
    [
      1,
      () => {
        keeper.stop();
        keeper = start();
      },
    ],
    [
      2,
      () => {
        const count = random.pick([1, 2, 2]);
        wanted = new Map(names.slice(0, count).map((name) => [name, random.pick(values)]));
        desire(keeper);
      },
    ],
  ];
  const lots = moves.flatMap(([weight, move]) => Array<() => void>(weight).fill(move));

  return {
    act: () => random.pick(lots)(),
    settle: async (): Promise<ScheduleResult> => {
      for (const name of names) if (isForeign(store.secrets.get(name))) store.apply(deletionOf(name));
      let callsAfterQuiet = 0;
      await untilIdle();
      for (let round = 0; round < 200 && isDue(); round += 1) {
        callsAfterQuiet += calls.waiting();
        arrive();
        await untilIdle();
      }
      keeper.stop();
      if (ready !== true) violation ??= 'the namespace is not ready in the end';
      return { violation: violation ?? endFault(store.secrets, wanted), callsAfterQuiet, repairs };
    },
  };
}
