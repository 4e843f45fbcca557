import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import type { KubernetesCall } from '#shared/kubernetes/kubernetes-call.ts';
import { createRandom, type Random } from '#testkit/properties/random.ts';
import type { createCopyKeeper } from '../../../services/discovery/copies/copy-keeper.ts';
import { desiredCopies, type SecretData } from '../../../services/discovery/copies/desired-copy.ts';
import { ownedCopy } from '../../../services/discovery/copies/owned-copy.ts';
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

const names = ['latchkey-global-0', 'latchkey-global-1'];
const values: SecretData[] = [{ a: 'MQ==' }, { a: 'Mg==' }, { a: 'MQ==', b: 'Mg==' }];
const own = { 'app.kubernetes.io/managed-by': 'latchkey', 'latchkey.dev/copy': 'global' };
const labels = { ...own, 'latchkey.dev/installation': 'latchkey' };

/** A call of ours on its way: sent, then carried out by the API server, then answered. */
interface Flight {
  call: KubernetesCall;
  outcome?: { secret: StoredSecret | undefined } | { err: unknown };
  answer: PromiseWithResolvers<unknown>;
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

function createRun(random: Random, createKeeper: KeeperFactory) {
  const events: StoredEvent[] = [];
  const store = createSecretStore((event) => events.push(event));
  let flights: Flight[] = [];
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
    flights = [];
    sleeps = [];
    events.length = 0;
    told.clear();
    ready = undefined;
    // Of a process that is gone nothing counts any more.
    const generation = { isOver: false };
    const keeper = createKeeper({
      installation: 'latchkey',
      kubernetes: {
        json: (call: KubernetesCall) => {
          const flight: Flight = { call, answer: Promise.withResolvers() };
          if (!generation.isOver) flights.push(flight);
          return flight.answer.promise;
        },
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
    keeper.select(new Set(['team']));
    relist(keeper);
    return keeper;
  };
  const desire = (keeper: ReturnType<KeeperFactory>): void => {
    const copies = desiredCopies(wanted);
    keeper.desire(() => copies);
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

  const carryOut = (): void => {
    const flight = flights.find(({ outcome }) => outcome === undefined);
    if (flight === undefined) return;
    try {
      flight.outcome = { secret: store.apply(flight.call) };
    } catch (err) {
      flight.outcome = { err };
    }
  };
  const noteRemoval = ({ path, body }: KubernetesCall): void => {
    const name = path.split('/').at(-1) ?? '';
    const last = told.get(name);
    const { preconditions } = body as { preconditions?: { uid: string } };
    if (last?.secret?.metadata.uid === preconditions?.uid)
      told.set(name, { at: last?.at ?? 0, secret: undefined });
  };
  const answer = (): void => {
    const index = flights.findIndex(({ outcome }) => outcome !== undefined);
    const [flight] = index < 0 ? [] : flights.splice(index, 1);
    if (flight?.outcome === undefined) return;
    if ('err' in flight.outcome) {
      flight.answer.reject(flight.outcome.err);
      return;
    }
    const { secret } = flight.outcome;
    if (secret !== undefined) note(secret.metadata.name, secret.metadata.resourceVersion, secret);
    else noteRemoval(flight.call);
    flight.answer.resolve(secret ?? {});
  };
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
  const isDue = (): boolean => flights.length + events.length + sleeps.length > 0;
  /** What is on its way arrives, as it does where nothing is slow. */
  const arrive = (): void => {
    while (events.length > 0) deliver();
    carryOut();
    answer();
    if (flights.length === 0) wake();
  };
  let keeper = start();
  const rival = createRival(random, store);
  const moves: [weight: number, move: () => void][] = [
    [6, carryOut],
    [6, answer],
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
      for (let round = 0; round < 200 && isDue(); round += 1) {
        callsAfterQuiet += flights.filter(({ outcome }) => outcome === undefined).length;
        arrive();
        await nextTurn();
        await nextTurn();
      }
      keeper.stop();
      if (ready !== true) violation ??= 'the namespace is not ready in the end';
      return { violation: violation ?? endFault(store.secrets, wanted), callsAfterQuiet, repairs };
    },
  };
}

const isRight = (secret: StoredSecret | undefined, data: SecretData): boolean =>
  secret?.type === 'Opaque' && JSON.stringify(secret.data) === JSON.stringify(data);

const deletionOf = (name: string): KubernetesCall => ({
  verb: 'delete',
  path: `/api/v1/namespaces/team/secrets/${name}`,
  body: {},
});

/** What is not a copy of this installation's stays for ever; its owner takes it away in the end, as the log asks for. */
function isForeign(secret: StoredSecret | undefined): boolean {
  if (secret === undefined) return false;
  const isCopy = secret.metadata.labels['latchkey.dev/copy'] === 'global';
  const installation = secret.metadata.labels['latchkey.dev/installation'] ?? 'latchkey';
  return !isCopy || installation !== 'latchkey';
}

/** What is not as it is to be when all has arrived. */
function endFault(
  secrets: ReadonlyMap<string, StoredSecret>,
  wanted: ReadonlyMap<string, SecretData>,
): string | undefined {
  for (const [name, data] of wanted) {
    const secret = secrets.get(name);
    const isOurs = JSON.stringify(secret?.metadata.labels) === JSON.stringify(labels);
    if (!isRight(secret, data) || !isOurs) {
      return `in the end ${name} holds ${JSON.stringify(secret)}, wanted ${JSON.stringify(data)}`;
    }
  }
  const left = [...secrets.values()].find(
    ({ metadata }) =>
      JSON.stringify(metadata.labels) === JSON.stringify(labels) && !wanted.has(metadata.name),
  );
  return left && `${left.metadata.name} is still there`;
}

/** Somebody else with rights on the Secrets of the namespace. */
function createRival(random: Random, store: ReturnType<typeof createSecretStore>): () => void {
  const evil = { a: 'RVZJTA==' };
  const replace = (name: string, over: object): void => {
    const secret = store.secrets.get(name);
    if (secret === undefined) return;
    const path = `/api/v1/namespaces/team/secrets/${name}`;
    store.apply({ verb: 'update', path, body: { ...secret, ...over } });
  };
  const remove = (name: string): void => {
    if (!store.secrets.has(name)) return;
    store.apply(deletionOf(name));
  };
  const make = (name: string, over: object): void => {
    remove(name);
    const body = { type: 'Opaque', data: evil, metadata: { namespace: 'team', name, labels }, ...over };
    store.apply({ verb: 'create', path: '/api/v1/namespaces/team/secrets', body });
  };
  const relabel = (name: string, changed: Record<string, string>): void => {
    const secret = store.secrets.get(name);
    if (secret !== undefined) replace(name, { metadata: { ...secret.metadata, labels: changed } });
  };
  const deeds: ((name: string) => void)[] = [
    (name) => replace(name, { data: evil }),
    (name) => replace(name, { data: evil, immutable: true }),
    (name) => replace(name, { immutable: true }),
    remove,
    (name) => make(name, {}),
    (name) => make(name, { type: 'example.com/evil' }),
    (name) => make(name, { type: 'example.com/evil', data: random.pick(values) }),
    (name) => make(name, { metadata: { namespace: 'team', name, labels: {} } }),
    (name) => relabel(name, {}),
    (name) => relabel(name, own),
    (name) => relabel(name, { ...own, 'latchkey.dev/installation': 'latchkey2' }),
    (name) => relabel(name, labels),
  ];
  return () => {
    try {
      random.pick(deeds)(random.pick(names));
    } catch {
      // The API server refuses rivals, too.
    }
  };
}
