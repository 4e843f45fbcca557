import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { parseProcessConfig } from '#shared/config/process-config.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { connectKubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { type Clock, systemClock } from '#shared/runtime/clock.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { absentBus } from '#testkit/nats/absent-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createCertManager } from '../../services/cert-manager/cert-manager.ts';
import type { ServedCertificates } from '../../services/cert-manager/observe/served-certificates.ts';

const timeoutMs = 15_000;
const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8');

/** The clock of the machine, which a test can set. */
interface MovableClock extends Clock {
  /** Moves the time and ends every sleep. */
  moveTo(nowMs: number): void;
}

function createMovableClock(): MovableClock {
  let offsetMs = 0;
  let moved = new AbortController();
  return {
    ...systemClock,
    now: () => systemClock.now() + offsetMs,
    sleep: (ms, signal) =>
      systemClock.sleep(ms, signal === undefined ? moved.signal : AbortSignal.any([signal, moved.signal])),
    moveTo: (nowMs) => {
      offsetMs = nowMs - systemClock.now();
      moved.abort();
      moved = new AbortController();
    },
  };
}

/** Gateways that are no processes: what they would report. */
function createReports() {
  const reports = new Map<string, string>();
  const listeners = new Set<() => void>();
  const served: ServedCertificates = {
    of: (uid) => (reports.has(uid) ? { leaf: reports.get(uid), ageMs: 0 } : undefined),
    all: () => Array.from(reports, ([uid, leaf]) => ({ uid, leaf, ageMs: 0 })),
    onChange: (listener) => listeners.add(listener),
    stop: () => undefined,
  };
  const report = (uid: string, leaf: string): void => {
    reports.set(uid, leaf);
    for (const listener of listeners) listener();
  };
  return { served, report };
}

/** A ready endpoint of the Service in that namespace; returns the UID of its pod. */
export async function createEndpoint({ harness }: Cluster, namespace: string, name: string): Promise<string> {
  const uid = randomUUID();
  await harness.discovery.createNamespacedEndpointSlice({
    namespace,
    body: {
      metadata: { name, labels: { 'kubernetes.io/service-name': 'flyte-pod-webhook' } },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.244.1.1'],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', namespace, name, uid },
        },
      ],
    },
  });
  return uid;
}

/** Waits of a rotation as short as a test can bear. */
const shortWaits = { trustWaitSeconds: 0.5, connectionWaitSeconds: 0.5, overlapHours: 0.5 / 3_600 };

export type Installation = Awaited<ReturnType<typeof anInstallation>>;

/** A cert-manager of its own namespace and webhook configuration, and what it keeps in the cluster. */
export async function anInstallation(cluster: Cluster, name: string, webhook: object = {}, tls: object = {}) {
  await cluster.createNamespace(name);
  const { core, admissionRegistration } = cluster.kubernetes;
  /** As deploy/certificate-secrets.yaml does. */
  const makeEmpty = (secret: string) =>
    core.createNamespacedSecret({ namespace: name, body: { metadata: { name: secret } } });
  const config = latchkeyConfigSchema.parse({
    webhook: { configurationName: name, ...webhook },
    tls: { rotation: shortWaits, ...tls },
  });
  const { issuer, caSecretName, servingSecretName } = config.tls;
  if (issuer === 'latchkey') for (const secret of [caSecretName, servingSecretName]) await makeEmpty(secret);
  const { served, report } = createReports();
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const clock = createMovableClock();
  let running: ReadyService[] = [];

  const start = async (): Promise<void> => {
    const kubernetes = connectKubernetes({ kubeconfigFile: cluster.kubeconfigFile, log });
    const end = (code: number, why: string) => assert.fail(`${code}: ${why}`);
    const context = { process: parseProcessConfig({ POD_NAMESPACE: name }), config, log, clock, end };
    const certManager = createCertManager(context, { bus: absentBus, kubernetes, served });
    running.push(certManager);
    await certManager.start();
  };
  const readSecret = async (secret: string) => {
    const { data, metadata, type } = await core.readNamespacedSecret({ namespace: name, name: secret });
    return {
      uid: metadata?.uid ?? '',
      type,
      bundle: decode(data?.['ca.crt']),
      certificate: decode(data?.['tls.crt']),
      key: decode(data?.['tls.key']),
    };
  };
  const readConfiguration = () => admissionRegistration.readMutatingWebhookConfiguration({ name });

  return {
    name,
    config,
    clock,
    logged,
    /** Says what a pod of the gateway serves. */
    report,
    /** Starts a cert-manager, beside those that run already. */
    start,
    stop: async () => {
      const stopping = running;
      running = [];
      await Promise.all(stopping.map((each) => each.stop()));
    },
    notReady: () => running.flatMap((each) => each.notReady()),
    remarks: () => running.flatMap((each) => each.remarks?.() ?? []),
    becomesReady: () =>
      waitFor(() => running.every((each) => each.notReady().length === 0), {
        timeoutMs,
        what: `${name} to be ready`,
      }),
    readCa: () => readSecret(config.tls.caSecretName),
    readServing: () => readSecret(config.tls.servingSecretName),
    readConfiguration,
    /** The bundle in our webhook, as PEM. */
    readTrusted: async () => {
      const { webhooks } = await readConfiguration();
      return decode(webhooks?.find((each) => each.name.startsWith('flyte-pod'))?.clientConfig.caBundle);
    },
    becomes: (what: string, condition: () => Promise<boolean>) =>
      waitFor(condition, { timeoutMs, what: `${what} in ${name}` }),
    /** Deletes a Secret and applies the manifest again, which makes it empty. */
    deleteSecret: async (secret: string) => {
      await core.deleteNamespacedSecret({ namespace: name, name: secret });
      await makeEmpty(secret);
    },
    patchSecret: (secret: string, patch: object) =>
      cluster.kubectl(['patch', 'secret', secret, '-n', name, '--type=merge', '-p', JSON.stringify(patch)]),
    patchConfiguration: (type: 'merge' | 'json', patch: object) =>
      cluster.kubectl([
        'patch',
        'mutatingwebhookconfiguration',
        name,
        `--type=${type}`,
        '-p',
        JSON.stringify(patch),
      ]),
  };
}
