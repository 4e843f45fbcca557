import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notServing } from '../decide/not-serving.ts';
import { joinEndpoints, reportersAsEndpoints } from './join-endpoints.ts';
import type { ServedCertificates } from './served-certificates.ts';

/** Reports by UID: a leaf, and how long ago. */
const servedOf = (reports: Record<string, [leaf: string, ageMs: number]>): ServedCertificates => ({
  of: (uid) => reports[uid] && { leaf: reports[uid][0], ageMs: reports[uid][1] },
  all: () => Object.entries(reports).map(([uid, [leaf, ageMs]]) => ({ uid, leaf, ageMs })),
  onChange: () => undefined,
  stop: () => undefined,
});
const pod = (name: string, conditions: object = { ready: true }) => ({
  addresses: ['10.0.0.1'],
  conditions,
  targetRef: { name, uid: `uid-${name}` },
});
const slice = (...endpoints: ReturnType<typeof pod>[]) => ({ metadata: { name: 'slice' }, endpoints });
const waitingFor = (slices: ReturnType<typeof slice>[], reports: Parameters<typeof servedOf>[0]): string[] =>
  notServing({ endpoints: joinEndpoints(slices, servedOf(reports)) }, 'new');

test('every endpoint that is ready or serving has to have reported the leaf lately', () => {
  const serving = pod('c', { ready: false, serving: true });
  const slices = [slice(pod('a'), pod('b', {})), slice(serving, pod('a'))];
  assert.deepEqual(waitingFor(slices, {}), ['a', 'b', 'c']);
  const reports: Parameters<typeof servedOf>[0] = {
    'uid-a': ['new', 0],
    'uid-b': ['new', 10_001],
    'uid-c': ['old', 0],
  };
  assert.deepEqual(waitingFor(slices, reports), ['b', 'c']);
  assert.deepEqual(waitingFor(slices, { 'uid-a': ['new', 0], 'uid-b': ['new', 1], 'uid-c': ['new', 2] }), []);
});

test('an endpoint that is not ready counts when the last that it said was another leaf, however long ago', () => {
  const slices = [slice(pod('a'), pod('b', { ready: false, serving: false }))];
  const a: [string, number] = ['new', 0];
  assert.deepEqual(waitingFor(slices, { 'uid-a': a }), []);
  assert.deepEqual(waitingFor(slices, { 'uid-a': a, 'uid-b': ['old', 3_600_000] }), ['b']);
  assert.deepEqual(waitingFor(slices, { 'uid-a': a, 'uid-b': ['new', 3_600_000] }), []);
});

test('no ready endpoint is nobody who could have switched', () => {
  assert.deepEqual(waitingFor([], {}), ['no endpoint of the Service is ready']);
  assert.deepEqual(notServing({ endpoints: 'they cannot be read' }, 'new'), ['they cannot be read']);
});

test('without a Service whoever is heard stands for the endpoints', () => {
  const served = servedOf({ one: ['new', 0], two: ['old', 10_001] });
  assert.deepEqual(reportersAsEndpoints(served), [{ name: 'one', ready: true, leaf: 'new', fresh: true }]);
});
