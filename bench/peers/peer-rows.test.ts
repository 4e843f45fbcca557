import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PeerRound, peerRows } from './peer-rows.ts';

const of = (server: string, round: number, perSecond: number, more: Partial<PeerRound> = {}): PeerRound => ({
  ...{ body: 'b', connections: 16, server, round, perSecond, shed: 1, p50Ms: 1, p99Ms: 2, clientShare: 0.5 },
  ...more,
});

test('a row has the median of its rounds, the least and the most', () => {
  const [row] = peerRows(
    [of('gateway', 1, 4_000), of('gateway', 2, 5_000), of('gateway', 3, 3_500)],
    'gateway',
  );
  assert.equal(row?.['requests/s'], '4,000 [3,500-5,000]');
});

test('ratios are those of servers in the same round', () => {
  const rounds = [
    ...[of('gateway', 1, 100, { cpuMs: 4 }), of('bare', 1, 200, { cpuMs: 1 })],
    // A slow round, for both.
    ...[of('gateway', 2, 10, { cpuMs: 40 }), of('bare', 2, 20, { cpuMs: 10 })],
  ];
  const [gateway, bare] = peerRows(rounds, 'gateway');
  assert.equal(bare?.['gateway, requests/s'], '0.5x [0.5-0.5]');
  assert.equal(bare?.['gateway, CPU'], '4x [4-4]');
  assert.equal(gateway?.['gateway, CPU'], undefined);
});

test('bodies and numbers of connections are not mixed', () => {
  const rounds = [of('gateway', 1, 100), of('gateway', 1, 300, { connections: 64 }), of('bare', 1, 200)];
  const rows = peerRows(rounds, 'gateway');
  assert.deepEqual(
    rows.map(({ connections, server }) => [connections, server]),
    [
      [16, 'gateway'],
      [64, 'gateway'],
      [16, 'bare'],
    ],
  );
  assert.equal(rows[2]?.['gateway, requests/s'], '0.5x [0.5-0.5]');
});

test('what is not known of a server is not a number', () => {
  const [row] = peerRows([of('peer', 1, 100)], 'gateway');
  assert.equal(row?.['CPU ms/request'], '-');
  assert.equal(row?.['gateway, CPU'], '-');
});
