import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createPublisherMetrics } from '#shared/bus/publish/publisher-metrics.ts';
import { createReaderMetrics } from '#shared/bus/read/reader-metrics.ts';
import { createReflectorMetrics } from '#shared/kubernetes/reflector/reflector-metrics.ts';
import { startTelemetry } from '#shared/runtime/telemetry.ts';
import { readSamples } from '#testkit/installation/read-samples.ts';
import { createCertificateMetrics } from '../../services/cert-manager/certificate-metrics.ts';
import { createBucketMetrics } from '../../services/discovery/inventory/bucket-metrics.ts';
import { createLeftOutMetrics } from '../../services/discovery/kubernetes/left-out-metrics.ts';
import { createSnapshotMetrics } from '../../services/discovery/snapshot/snapshot-metrics.ts';
import { createAdmissionMetrics } from '../../services/gateway/admission-metrics.ts';
import { createGatewayMetrics } from '../../services/gateway/gateway-metrics.ts';
import { createWorkersMetrics } from '../../services/gateway/workers/workers-metrics.ts';
import { createProviderMetrics } from '../../services/resolver/provider-metrics.ts';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/metrics.md'), 'utf8');
/** Name -> its row in the tables of our metrics. */
const rows = new Map(
  Array.from(
    page.matchAll(/^\| `(latchkey_\w+)` *\| *([^|]*?) *\| ([^|]*?) *\|$/gm),
    ([, name = '', labels = '', meaning = '']) => [
      name,
      { labels: Array.from(labels.matchAll(/`(\w+)`/g), ([, label = '']) => label), meaning },
    ],
  ),
);

/** What a scrape says when every instrument has been used once. */
async function scrape(): Promise<string> {
  const telemetry = startTelemetry({ service: 't', instance: 'i', namespace: 'n', traces: undefined });
  createGatewayMetrics(() => ({
    rules: [{ manager: 'k8s', complete: true, epoch: 1, seq: 1, ageMs: 1 }],
    busConnected: true,
    certificateNotAfterMs: 1,
    snapshotAgeMs: 1,
  }));
  const gateway = createAdmissionMetrics(() => 1);
  gateway.admission({ outcome: 'denied', code: 'SECRET_NOT_FOUND' }, 1);
  gateway.secrets({ manager: 'k8s', verdict: 'lacks' }, 1);
  gateway.ruleFault('k8s');
  gateway.shed('late');
  gateway.evicted('idle');
  gateway.handshakeRefused('long');
  createWorkersMetrics(() => 2)('crashed');
  createCertificateMetrics(() => ({
    phase: 'stable',
    notServing: ['gateway-0'],
    unmanagedReason: undefined,
    isCalled: true,
    problems: [],
    unwritable: [],
    refused: [{ write: 'repair-webhook', count: 1 }],
    undone: [{ field: 'webhooks.namespaceSelector', count: 4, writer: undefined }],
    expiresMs: { ca: 1, leaf: 1 },
  }));
  createProviderMetrics('aws', () => ({ ageMs: 1, secrets: 1, failures: 0, leftOut: 0 }))('complete');
  createLeftOutMetrics(() => ({ keys: 1 }));
  createBucketMetrics(() => [
    { bucket: 'latchkey_rules', bytes: 1, mostBytes: 2, records: 1, mostRecords: 2 },
  ]);
  createSnapshotMetrics(() => ({ unsavedMs: 1, bytes: 1, leftOut: 1 }));
  createPublisherMetrics('latchkey_rules', 'k8s').oversizedRecord();
  const reader = createReaderMetrics('latchkey_rules');
  reader.rejected('k8s', 'malformed', 1);
  reader.resync('k8s');
  reader.tooLarge('k8s');
  const reflector = createReflectorMetrics('secrets');
  reflector.list();
  reflector.interruption();
  reflector.handlerFailure();
  const text = await telemetry.metricsText();
  await telemetry.shutdown();
  return text;
}

const text = await scrape();
const ofHistogram = /_(bucket|sum|count)$/;
const histograms = Array.from(text.matchAll(/^# TYPE (\w+) histogram$/gm), ([, name = '']) => name);
const nameOf = (sample: string): string => {
  const base = sample.replace(ofHistogram, '');
  return histograms.includes(base) ? base : sample;
};
/** Name -> the labels of its samples. */
const scraped = new Map(
  readSamples(text)
    .filter(({ name }) => name.startsWith('latchkey_'))
    .map(({ name, labels }) => [
      nameOf(name),
      Object.keys(labels).filter((label) => label !== 'le' && !label.startsWith('otel_scope_')),
    ]),
);

test('the page lists every metric of a scrape, and no other, with its labels', () => {
  assert.deepEqual([...rows.keys()].toSorted(), [...scraped.keys()].toSorted());
  for (const [name, labels] of scraped) {
    assert.deepEqual(rows.get(name)?.labels.toSorted(), labels.toSorted(), name);
  }
});

test('each meaning on the page is the description of the metric', () => {
  const helps = new Map(
    Array.from(text.matchAll(/^# HELP (\w+) (.+)$/gm), ([, name = '', help = '']) => [name, help]),
  );
  for (const [name, { meaning }] of rows) assert.equal(helps.get(name), meaning, name);
});

test('instruments are made in the metrics files only, and all of them are in the scrape', async () => {
  const names: string[] = [];
  for await (const path of glob('{services,shared,cli}/**/*.ts', { cwd: root })) {
    const source = await readFile(join(root, path), 'utf8');
    if (!/\.create\w*(Counter|Gauge|Histogram)\(/.test(source)) continue;
    assert.match(path, /-metrics\.ts$/);
    names.push(...Array.from(source.matchAll(/'(latchkey\.[a-z.]+)'/g), ([, name = '']) => name));
  }
  const used = Array.from(scraped.keys(), (name) => name.replace(/_total$/, ''));
  assert.deepEqual(names.map((name) => name.replaceAll('.', '_')).toSorted(), used.toSorted());
});
