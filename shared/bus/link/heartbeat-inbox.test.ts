import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeartbeatInbox, heardPerTick } from './heartbeat-inbox.ts';
import { KnownSenders } from './known-senders.ts';

/** An inbox whose time passes when told, and what was heard: the subject's end and the text. */
function anInbox() {
  const heard: string[] = [];
  const due: (() => void)[] = [];
  const hear = (data: Uint8Array, subject: string) =>
    heard.push(`${subject.split('.').slice(-2).join('.')} ${new TextDecoder().decode(data)}`);
  const inbox = new HeartbeatInbox(hear, (run) => due.push(run));
  return {
    heard,
    take: (sender: string, text: string) =>
      inbox.take(new TextEncoder().encode(text), `latchkey.heartbeat.resolver.${sender}`),
    tick: () => due.splice(0).forEach((run) => void run()),
    isResting: () => due.length === 0,
  };
}

test('a heartbeat is heard at once, and nothing is done where none comes', () => {
  const { heard, take, tick, isResting } = anInbox();
  take('k8s.a', '1');
  take('k8s.b', '1');
  assert.deepEqual(heard, ['k8s.a 1', 'k8s.b 1']);
  tick();
  assert.ok(isResting());
});

test('input 68: of ten thousand heartbeats of one process the newest of a tick is heard', () => {
  const { heard, take, tick, isResting } = anInbox();
  for (let index = 0; index < 10_000; index += 1) take('k8s.a', String(index));
  tick();
  for (let index = 0; index < 10_000; index += 1) take('k8s.a', `late ${index}`);
  tick();
  tick();
  assert.deepEqual(heard, ['k8s.a 0', 'k8s.a 9999', 'k8s.a late 9999']);
  assert.ok(isResting());
});

test('input 68: a manager that speaks for ten thousand processes is heard so often, and silences no other', () => {
  const { heard, take, tick } = anInbox();
  for (let index = 0; index < 10_000; index += 1) take(`k8s.${index}`, 'flood');
  assert.equal(heard.length, heardPerTick);
  take('aws.a', 'beat');
  tick();
  assert.equal(heard.length, 2 * heardPerTick);
  assert.ok(heard.includes('aws.a beat'));
  for (let round = 0; round < 1_000; round += 1) tick();
  assert.ok(heard.length < 1_000, `${heard.length} were kept`);
});

test('managers without end take no memory', () => {
  const { heard, take, tick } = anInbox();
  for (let index = 0; index < 10_000; index += 1) take(`m${index}.a`, 'flood');
  for (let round = 0; round < 1_000; round += 1) tick();
  assert.equal(heard.length, heardPerTick + 64);
});

test('input 68: a process that was heard is heard through the flood of whoever shares its login', () => {
  const { heard, take, tick } = anInbox();
  take('k8s.standby', 'beat');
  tick();
  for (let round = 0, other = 0; round < 600; round += 1, tick()) {
    for (let index = 0; index < 600; index += 1, other += 1) take(`k8s.${other}`, 'flood');
    if (round % 20 === 0) take('k8s.standby', 'beat');
  }
  // Of 30 beats a newer one replaces one that still waits behind the flood.
  const beats = heard.filter((text) => text === 'k8s.standby beat').length;
  assert.ok(beats >= 15, `${beats}`);
});

test('a name that was heard once is a new one after half a minute', () => {
  const known = new KnownSenders();
  known.noteHeard('k8s', 'k8s.a');
  assert.equal(known.has('k8s', 'k8s.a'), true);
  for (let tick = 0; tick < 301; tick += 1) known.nextTick();
  assert.equal(known.has('k8s', 'k8s.a'), false);
});
