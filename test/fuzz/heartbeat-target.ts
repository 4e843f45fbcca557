import assert from 'node:assert/strict';
import { readHeartbeat } from '#shared/bus/link/heartbeats.ts';
import { createPublisherElection } from '#shared/bus/link/publisher-election.ts';
import { createFreshness } from '#shared/bus/records/freshness.ts';
import { type Heartbeat, heartbeatSubject, maxHeartbeatBytes } from '#shared/contracts/bus/heartbeat.ts';
import type { Random } from '#testkit/properties/random.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { below, jsonBytes, listOf, mutateBytes, mutateJson, mutateText, oddText } from './mutate.ts';

const managers = ['k8s', 'global', 'own'];
const applied = managers.map((owner) => ({ owner, epoch: 3, seq: 7 }));

function aHeartbeat(random: Random): Heartbeat {
  const service = random.pick(['resolver', 'resolver', 'discovery', 'gateway', 'cert-manager'] as const);
  const manager = random.pick(managers);
  const position = (owner: string) => ({ owner, epoch: 1 + below(random, 5), seq: below(random, 12) });
  return {
    schema: 1,
    service,
    uid: random.pick(['me', 'a', 'b', 'c']),
    ready: random.chance(0.8),
    applied: service === 'resolver' ? [position(manager)] : managers.map(position),
    sourceAgeMs: random.pick([0, 12, 5_000, 1e12]),
    ...(service === 'resolver' ? { manager } : {}),
    ...(random.chance(0.7) ? { epoch: 1 + below(random, 5) } : {}),
    ...(random.chance(0.2) ? { reason: oddText(random) } : {}),
  };
}

function aMessage(random: Random): { data: Uint8Array; subject: string } {
  const heartbeat = aHeartbeat(random);
  const subject = heartbeatSubject(heartbeat);
  if (random.chance(0.4)) mutateJson(random, heartbeat);
  if (random.chance(0.02)) {
    heartbeat.applied = listOf(random.pick([100, 101, 2_000]), () => ({ owner: 'k8s', epoch: 3, seq: 1 }));
  }
  const sound = jsonBytes(heartbeat);
  return {
    data: random.chance(0.15) ? mutateBytes(random, sound) : sound,
    subject: random.chance(0.1) ? mutateText(random, subject) : subject,
  };
}

/**
 * What arrives on the subjects of the heartbeats, one process's worth of it: only what is well formed and speaks for its
 * sender is taken, and what is kept of it can be used whatever it says.
 */
export const heartbeatTarget: FuzzTarget = {
  name: 'heartbeat',
  share: 10,
  open: () => ({
    run: (random, notes) => {
      const messages = listOf(1 + below(random, 12), () => aMessage(random));
      notes.input(messages.map(({ data, subject }) => `${subject} ${Buffer.from(data).toString('latin1')}`));
      const election = createPublisherElection('me');
      const freshness = createFreshness();
      const senders = new Set<string>();
      let nowMs = 0;
      for (const { data, subject } of messages) {
        nowMs += random.upTo(4_000);
        const heartbeat = readHeartbeat(data, subject);
        notes.outcome(heartbeat === undefined ? 'dropped' : 'taken');
        if (heartbeat === undefined) continue;
        checkTaken(heartbeat, { data, subject });
        senders.add(heartbeat.uid);
        freshness.heard(heartbeat, applied, nowMs);
        election.heard(heartbeat, nowMs);
        for (const owner of [...managers, '__proto__']) {
          const ageMs = freshness.ageMs(owner, nowMs);
          assert.ok(ageMs >= 0, `knowledge of ${owner} is ${ageMs} ms old`);
        }
        const leader = election.leader();
        assert.ok(leader === undefined || senders.has(leader.uid), 'a leader that was never heard');
        assert.equal(typeof election.mayClaim(random.pick([undefined, 1, 4]), nowMs), 'boolean');
      }
    },
  }),
};

function checkTaken(heartbeat: Heartbeat, { data, subject }: { data: Uint8Array; subject: string }): void {
  assert.ok(data.length <= maxHeartbeatBytes);
  assert.equal(heartbeatSubject(heartbeat), subject, 'it speaks for another process');
  assert.ok(heartbeat.applied.length <= 100 && heartbeat.uid.length <= 253);
  if (heartbeat.service !== 'resolver') return;
  for (const { owner } of heartbeat.applied) assert.equal(owner, heartbeat.manager, 'it speaks for another');
}
