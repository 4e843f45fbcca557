import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { followProvider } from './follow-provider.ts';
import { longPauseFrom } from './provider-backoff.ts';
import type { ListedSecret, Provider } from './providers/provider.ts';

const timeoutMs = 20_000;
const refreshMs = 10_000;
const mostBytes = 1_024 * 1_024;

/** A provider in memory; `answer` gives its pages, and may throw between them. */
function follow(answer: Provider['listSecrets']) {
  const lines: string[] = [];
  const lists: RecordChange[][] = [];
  let attempts = 0;
  const provider: Provider = {
    listSecrets: (listing) => {
      attempts += 1;
      return answer(listing);
    },
  };
  const inventory = followProvider(
    { provider, refreshMs },
    {
      source: 'aws',
      mostBytes,
      log: pino({ level: 'debug' }, { write: (line) => void lines.push(line) }),
      clock: acceleratedClock(1_000),
      onList: (changes) => void lists.push(changes),
    },
  );
  return { ...inventory, lists, attempts: () => attempts, log: () => lines.join('') };
}

async function* names(...secrets: string[]): AsyncIterable<ListedSecret> {
  for (const secret of secrets) yield { secret, keys: [] };
}

const told = (changes: RecordChange[] | undefined): string[] =>
  (changes ?? []).map(
    ({ key, value }) => `${value === undefined ? '-' : '+'}${'secret' in key && key.secret}`,
  );

test('the first list is handed over whole, later ones as what has changed', async () => {
  let current = ['a', 'b'];
  const followed = follow(() => names(...current));
  try {
    await waitFor(() => followed.lists.length > 1, { timeoutMs, what: 'two lists' });
    current = ['b', 'c'];
    const changed = await waitFor(() => followed.lists.find((changes, at) => at > 0 && changes.length > 0), {
      timeoutMs,
      what: 'a change',
    });
    assert.deepEqual(told(followed.lists[0]), ['+a', '+b']);
    assert.deepEqual(told(followed.lists[1]), []);
    assert.deepEqual(told(changed), ['-a', '+c']);
  } finally {
    await followed.stop();
  }
});

test('a list that breaks off is not handed over, and makes what is known older', async () => {
  let breaks = false;
  const followed = follow(async function* () {
    yield* names('a');
    if (breaks) throw new Error('the second page is not to be had');
    yield* names('b');
  });
  try {
    await waitFor(() => followed.lists.length > 0, { timeoutMs, what: 'a list' });
    breaks = true;
    const before = followed.attempts();
    await waitFor(() => followed.attempts() > before + longPauseFrom + 1, {
      timeoutMs,
      what: 'failures with long pauses',
    });
    assert.ok(followed.lists.slice(1).every((changes) => changes.length === 0));
    assert.ok(followed.overdueMs() > 0);
    breaks = false;
    await waitFor(() => followed.overdueMs() === 0, { timeoutMs, what: 'a complete list' });
  } finally {
    await followed.stop();
  }
});

test('what a provider leaves out is logged once, counted and named, and keeps no other secret from the list', async () => {
  const provider: Provider = {
    async *listSecrets({ leaveOut }) {
      for (let number = 0; number < 7; number++) leaveOut(`folder-${number}/`, 'refused');
      yield* names('a', '');
    },
  };
  const followed = follow(provider.listSecrets);
  try {
    await waitFor(() => followed.lists.length > 1, { timeoutMs, what: 'two lists' });
    assert.deepEqual(told(followed.lists[0]), ['+a']);
    const lines = followed
      .log()
      .split('\n')
      .filter((line) => line.includes('left out'));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /"count":8,"names":\["folder-0\/: refused",.*"folder-4\/: refused"\]/);
  } finally {
    await followed.stop();
  }
});

test('before the first complete list nothing is known at all', async () => {
  const followed = follow(() => {
    throw new Error('away');
  });
  try {
    await waitFor(() => followed.attempts() > 1, { timeoutMs, what: 'attempts that fail' });
    assert.equal(followed.overdueMs(), Number.POSITIVE_INFINITY);
    assert.deepEqual(followed.lists, []);
  } finally {
    await followed.stop();
  }
});

test('a provider that neither answers nor heeds the signal does not keep the resolver from stopping', async () => {
  const followed = follow(async function* () {
    await new Promise(() => undefined);
    yield* names('never');
  });
  await waitFor(() => followed.attempts() === 1, { timeoutMs, what: 'the attempt' });
  await followed.stop();
  assert.deepEqual(followed.lists, []);
});

test('what an SDK puts beside the words of its error is not logged', async () => {
  const followed = follow(() => {
    throw Object.assign(new Error('denied'), { request: { headers: { authorization: 'a-credential' } } });
  });
  try {
    await waitFor(() => followed.log().includes('PROVIDER_UNREACHABLE'), {
      timeoutMs,
      what: 'a line of log',
    });
    assert.match(followed.log(), /listing the secrets of aws failed with Error: denied/);
    assert.doesNotMatch(followed.log(), /a-credential/);
  } finally {
    await followed.stop();
  }
});

test('a list that does not end says after five minutes how far it had come', async () => {
  const followed = follow(async function* ({ enter }) {
    enter('secret/data/');
    yield* names('secret/data/hers/a');
    await new Promise(() => undefined);
  });
  try {
    await waitFor(() => followed.log().includes('was not complete'), { timeoutMs, what: 'a line of log' });
    const told =
      /the list of aws was not complete after 300 s: it had come to \\"secret\/data\/hers\/a\\" with 1 secrets/;
    assert.match(followed.log(), told);
    assert.deepEqual(followed.lists, []);
  } finally {
    await followed.stop();
  }
});

test("while one tenant's folder is too much for the list, all others' changes arrive, and hers once it fits again", async () => {
  const hers = Array.from({ length: 5_000 }, (_, number) => `hers/${number}`);
  let current = ['hers/0', 'his/a'];
  const followed = follow(async function* ({ enter }) {
    enter('');
    yield* names(...current);
  });
  const changed = (what: string): Promise<RecordChange[]> =>
    waitFor(() => followed.lists.find((changes) => told(changes).includes(what)), { timeoutMs, what });
  try {
    await changed('+hers/0');
    current = [...hers, 'his/a', 'his/b'];
    assert.deepEqual(told(await changed('+his/b')), ['+his/b']);
    assert.match(followed.log(), /left out of the provider's list/);
    current = ['hers/0', 'hers/1', 'his/b'];
    assert.deepEqual(told(await changed('+hers/1')), ['-his/a', '+hers/1']);
  } finally {
    await followed.stop();
  }
});
