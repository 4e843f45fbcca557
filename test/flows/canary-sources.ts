import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { inventoryBucket, rulesBucket, streamOf } from '#shared/contracts/bus/bucket.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import type { BusRecorder } from '#testkit/installation/bus-recorder.ts';
import type { Source } from '#testkit/installation/canary-search.ts';
import { snapshotSources } from '#testkit/installation/stored-snapshot.ts';

/** What a pod's own author may write anything into: the request's body in the audit log. */
const requestBody = 'requestObject';

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Logs of every process of the cluster, those of the programs included. */
async function logSources({ logFolder }: Cluster): Promise<Source[]> {
  const files = await readdir(logFolder);
  return Promise.all(
    files.map(async (file) => ({ name: `log ${file}`, text: await readFile(join(logFolder, file), 'utf8') })),
  );
}

/** Every message that crossed the bus while it was listened to, and every one that is stored. */
async function busSources({ nc, messages }: BusRecorder): Promise<Source[]> {
  const crossed = messages.map(({ subject, reply, headers, data }) =>
    [subject, reply, ...headers.flat(), textOf(data)].join(' '),
  );
  const jsm = await jetstreamManager(nc);
  const stored: string[] = [];
  for (const stream of [inventoryBucket, rulesBucket].map(streamOf)) {
    const { state } = await jsm.streams.info(stream);
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      // A sequence that a newer record of its key has replaced is no longer there.
      const message = await jsm.streams.getMessage(stream, { seq }).catch(() => null);
      if (message === null) continue;
      const headers = [...(message.header ?? [])].flatMap(([name, values]) => [name, ...values]);
      stored.push([message.subject, ...headers, textOf(message.data)].join(' '));
    }
  }
  return [
    { name: 'messages on the bus', text: crossed.join('\n') },
    { name: 'records in the buckets', text: stored.join('\n') },
  ];
}

/** What each service says over HTTP of itself. */
async function healthSources(cluster: Cluster): Promise<Source[]> {
  const paths = ['metrics', 'readyz', 'livez'];
  const wanted = cluster
    .services()
    .flatMap(({ name, ports }) => paths.map((path) => ({ name, ports, path })));
  return Promise.all(
    wanted.map(async ({ name, ports, path }) => ({
      name: `/${path} of ${name}`,
      text: await fetch(`http://127.0.0.1:${ports.health}/${path}`).then((response) => response.text()),
    })),
  );
}

/** Everything exported over OTLP, as it came. */
const telemetrySources = ({ otlp }: Cluster): Source[] => [
  { name: 'exported spans', text: otlp.bodies().join('\n') },
];

/** What latchkey itself says, anywhere. */
export async function ownSources(cluster: Cluster, recorder: BusRecorder): Promise<Source[]> {
  return [
    ...(await logSources(cluster)),
    ...(await busSources(recorder)),
    ...(await healthSources(cluster)),
    ...telemetrySources(cluster),
    ...(await snapshotSources(cluster)),
  ];
}

/** Every object but Secrets: pods as patched, configuration, the webhook. */
export async function objectSources({ kubectl }: Cluster): Promise<Source[]> {
  const kinds = 'pods,configmaps,events,endpointslices,mutatingwebhookconfigurations,serviceaccounts';
  return [{ name: 'objects', text: await kubectl(['get', kinds, '--all-namespaces', '-o', 'json']) }];
}

/** The audit log with the patches of the webhook, decoded as far as the API server wrote them, without request bodies. */
export async function auditSources(cluster: Cluster): Promise<Source[]> {
  const events = await cluster.auditEvents();
  const text = events.map((event) =>
    JSON.stringify(event, (name, value: unknown) => (name === requestBody ? undefined : value)),
  );
  return [{ name: 'audit log', text: text.join('\n') }];
}
