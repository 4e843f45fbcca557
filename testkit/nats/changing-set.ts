import type { PublishedRecord, Publisher } from '#shared/bus/publish/publisher.ts';
import { createReader, type Reader } from '#shared/bus/read/reader.ts';
import { createDigestSet } from '#shared/bus/records/digest.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { entryKey } from './follow-set.ts';
import type { TestBus } from './test-bus.ts';

const secrets = 200;
const changeIntervalMs = 5;

/** A set that a publisher changes all the time, and every state that it has wanted. */
export interface ChangingSet {
  /** Number of the state that is wanted now. */
  state(): number;
  /** Number of the state that has this digest; undefined when it was never wanted. */
  stateOf(digest: string): number | undefined;
  /** Has one more publisher want the same from now on. */
  join(publisher: Publisher): void;
  /** Stops the changes; `resume` goes on. */
  pause(): void;
  resume(): void;
  stop(): void;
}

/** Begins with a full set, then adds, changes or removes a secret every few milliseconds. No two states are the same. */
export function startChanges(first: Publisher, owner: string): ChangingSet {
  const digests = createDigestSet();
  const publishers: Publisher[] = [];
  const wanted = new Map<string, PublishedRecord>();
  const states = new Map<string, number>();
  let changes = 0;
  let paused = false;

  const put = (secret: string) => {
    const key = entryKey(owner, secret);
    const value = { schema: 1, value: changes };
    digests.set(key, Buffer.from(JSON.stringify(value)));
    wanted.set(key, { value });
    for (const publisher of publishers) publisher.put(key, value);
  };
  const remove = (secret: string) => {
    const key = entryKey(owner, secret);
    digests.delete(key);
    wanted.delete(key);
    for (const publisher of publishers) publisher.remove(key);
  };
  const join = (publisher: Publisher) => {
    publisher.replace(wanted);
    publishers.push(publisher);
  };
  const note = () => states.set(digests.digest(), changes);
  const change = () => {
    if (paused) return;
    changes += 1;
    const secret = `s${Math.floor(Math.random() * secrets)}`;
    if (changes % 5 === 0) remove(secret);
    else put(secret);
    // What makes each state one of its own.
    put('number');
    note();
  };

  const names = ['number', ...Array.from({ length: secrets }, (_, index) => `s${index}`)];
  for (const name of names) put(name);
  join(first);
  note();
  const timer = setInterval(change, changeIntervalMs);
  return {
    state: () => changes,
    join,
    stateOf: (digest) => states.get(digest),
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
    stop: () => clearInterval(timer),
  };
}

/** A consumer of the set that judges everything that comes into force for it. */
export interface JudgingReader {
  reader: Reader;
  /** Number of the state in force; -1 before the first. */
  state(): number;
  /** What came into force though it never may: a state never wanted, or one older than before. */
  wrong: readonly string[];
  /** Describes how far it has read, and from which server. */
  where(): string;
}

/** Starts reading. With `url` it knows that server at first, and the others from what the server tells it. */
export async function followChanges(
  testBus: TestBus,
  changing: ChangingSet,
  follow: { bucket: string; owner: string; name: string; user?: string; url?: string },
): Promise<JudgingReader> {
  const { bucket, owner, name, user, url } = follow;
  const bus = await testBus.connect(user, url === undefined ? {} : { url });
  const digests = createDigestSet();
  const wrong: string[] = [];
  let state = -1;
  const reader = createReader(bus, {
    bucket,
    owners: [owner],
    log: testBus.log.child({ reader: name }),
    clock: systemClock,
    onApply: ({ changes, epoch, seq }) => {
      for (const { key, value } of changes) {
        if (value === undefined) digests.delete(formatKey(key));
        else digests.set(formatKey(key), Buffer.from(JSON.stringify(value)));
      }
      const found = changing.stateOf(digests.digest());
      const at = `${name}, epoch ${epoch}, seq ${seq}, ${digests.count} records`;
      if (found === undefined) wrong.push(`${at}: never wanted`);
      else if (found < state) wrong.push(`${at}: state ${found} after ${state}`);
      state = found ?? state;
    },
  });
  const where = () => {
    const server = bus.connected() ? bus.link()?.nc.getServer() : 'no server';
    return `${name} read ${server} up to revision ${reader.revision(owner)}`;
  };
  return { reader, state: () => state, wrong, where };
}

/** Waits until every reader holds exactly what is wanted, which must not change meanwhile; resolves with the time, ms. */
export async function untilAllHold(
  readers: readonly JudgingReader[],
  changing: ChangingSet,
  timeoutMs: number,
): Promise<number> {
  const startMs = performance.now();
  const isThere = () => {
    const late = readers.filter(({ state }) => state() !== changing.state());
    if (late.length === 0) return true;
    const states = readers.map(({ state }) => state());
    const [wrong, where] = [readers.flatMap((reader) => reader.wrong), late.map((reader) => reader.where())];
    throw new Error(`states ${states} of ${changing.state()}; ${where.join('; ')}; ${wrong}`);
  };
  await waitFor(isThere, { timeoutMs, what: 'every reader to hold what is wanted', intervalMs: 5 });
  return Math.round(performance.now() - startMs);
}
