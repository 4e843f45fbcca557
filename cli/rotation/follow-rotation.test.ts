import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { caStateAnnotation, rotateAnnotation } from '#shared/contracts/kubernetes/rotation-state.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { type Clock, systemClock } from '#shared/runtime/clock.ts';
import { createPrinter } from '../printer.ts';
import { followRotation } from './follow-rotation.ts';
import { jsonWriter, lineWriter, screenWriter } from './progress-writer.ts';

const startMs = Date.UTC(2026, 10, 24, 12);
const since = new Date(startMs).toISOString();

function caSecret(state: object): Secret {
  const full = { version: 1, phase: 'stable', handled: 'ours', ...state };
  return {
    metadata: {
      name: 'latchkey-ca',
      annotations: { [rotateAnnotation]: 'ours', [caStateAnnotation]: JSON.stringify(full) },
    },
  };
}

const running = (phase: string, waitingFor: string[]): Secret =>
  caSecret({ phase, since, waitingFor, rotation: { id: 'ours', reason: 'requested', startedAt: since } });

/** The clock goes on by each sleep alone. */
function steppingClock(): Clock {
  let nowMs = startMs;
  return {
    ...systemClock,
    now: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  };
}

/** Follows the answers one after the other and gives what was shown. */
async function follow(
  answers: readonly (Secret | LatchkeyError)[],
  options: { writer?: 'json' | 'lines' | 'screen'; interrupted?: AbortSignal; timeoutMs?: number } = {},
) {
  const clock = steppingClock();
  const output = new PassThrough();
  const onInterrupt = () => options.interrupted ?? new AbortController().signal;
  const printer = createPrinter(output);
  const terminal = {
    input: Readable.from([]),
    output: printer,
    errors: printer,
    environment: {},
    clock,
    onInterrupt,
  };
  const writers = {
    json: () => jsonWriter(terminal, { target: 'ca', id: 'ours' }),
    lines: () => lineWriter(terminal, 'ca'),
    screen: () => screenWriter(terminal, 'ca'),
  };
  const writer = writers[options.writer ?? 'lines']();
  let looks = 0;
  const end = await followRotation({
    readSecret: async () => {
      const answer = answers[Math.min(looks, answers.length - 1)];
      looks += 1;
      if (answer instanceof LatchkeyError) throw answer;
      return answer;
    },
    target: 'ca',
    followed: { id: 'ours', requested: true },
    timeoutMs: options.timeoutMs ?? 60_000,
    interrupted: onInterrupt(),
    onStatus: writer.show,
    clock,
  });
  writer.end(end);
  output.end();
  return { end: end.outcome, shown: String(output.read()) };
}

const story = [
  running('distributing', ['the API servers']),
  running('distributing', ['the API servers']),
  running('switching', ['gateway-0', 'gateway-1']),
  running('switching', ['gateway-1']),
  caSecret({}),
];

test('each change is one line, with what is waited for', async () => {
  assert.deepEqual(await follow(story), {
    end: 'done',
    shown: [
      '12:00:00Z distributing: waits for the API servers',
      '12:00:02Z switching: waits for gateway-0, gateway-1',
      '12:00:03Z switching: waits for gateway-1',
      'done: every gateway serves a leaf of the new CA, and the old CA is no longer trusted\n',
    ].join('\n'),
  });
});

test('a screen shows one line a phase, which goes on', async () => {
  const { shown } = await follow(story, { writer: 'screen' });
  const lines = shown.split('\n').map((line) => line.split('\r\u001b[2K').at(-1));
  assert.deepEqual(lines, [
    'distributing for less than 10 s: waits for the API servers',
    'switching for less than 10 s: waits for gateway-1',
    'done: every gateway serves a leaf of the new CA, and the old CA is no longer trusted',
    '',
  ]);
});

test('a machine gets one object a line', async () => {
  const { shown } = await follow(story, { writer: 'json' });
  const facts = shown
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    facts.map(({ outcome, phase }) => phase ?? outcome),
    ['distributing', 'switching', 'switching', 'done'],
  );
  assert.deepEqual(facts[1], {
    at: '2026-11-24T12:00:02.000Z',
    target: 'ca',
    id: 'ours',
    outcome: 'underWay',
    phase: 'switching',
    since,
    waitingFor: ['gateway-0', 'gateway-1'],
  });
});

test('a request that is refused meanwhile does not hide the end of the rotation that runs', async () => {
  const refused = { handled: 'theirs', refused: { id: 'theirs', reason: 'a rotation is under way' } };
  assert.equal((await follow([running('switching', []), caSecret(refused)])).end, 'done');
});

test('an API server that is away is waited for, one that forbids is not', async () => {
  const failure = (statusCode: number) =>
    new LatchkeyError('KUBERNETES_REFUSED', 'cannot get secrets', { fields: { statusCode } });
  const { end, shown } = await follow([failure(0), failure(503), ...story]);
  assert.equal(end, 'done');
  assert.match(shown, /^12:00:00Z unknown: waits for the API server: cannot get secrets\n/);
  await assert.rejects(follow([failure(403)]), { code: 'KUBERNETES_REFUSED' });
});

test('time that is over and an interruption end the watching, and say that the rotation continues', async () => {
  const late = await follow([running('switching', ['gateway-0'])], { timeoutMs: 5_000 });
  assert.equal(late.end, 'timedOut');
  assert.match(late.shown, /the rotation continues/);
  const interrupted = await follow([running('switching', [])], { interrupted: AbortSignal.abort() });
  assert.equal(interrupted.end, 'interrupted');
});

test('what a Secret says of a rotation forges no line, whoever shows it', async () => {
  const hostile = 'gw\u001b[2J\u202e\u009b\nFORGED: done';
  for (const writer of ['json', 'lines', 'screen'] as const) {
    for (const last of [
      caSecret({ refused: { id: 'ours', reason: hostile } }),
      caSecret({
        handled: 'no',
        phase: 'switching',
        waitingFor: [],
        rotation: { id: hostile, reason: 'requested', startedAt: since },
      }),
    ]) {
      const { shown } = await follow([running('switching', [hostile]), last], { writer });
      const own = shown.replaceAll('\r\u001b[2K', '');
      assert.doesNotMatch(own, /[^\P{C}\n]|^FORGED/mu);
    }
  }
});
