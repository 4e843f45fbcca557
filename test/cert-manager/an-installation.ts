import { pino } from 'pino';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import { connectKubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { type Clock, systemClock } from '#shared/runtime/clock.ts';
import type { ReadyService } from '#shared/runtime/program.ts';
import { createCertManager } from '../../services/cert-manager/cert-manager.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { waitFor } from '../cluster/wait-for.ts';

const timeoutMs = 15_000;
const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8');

/** The clock of the machine, which a test can set and whose ticks it can strike. */
interface MovableClock extends Clock {
  /** Moves the time and lets every periodic task run once. */
  moveTo(nowMs: number): void;
}

function createMovableClock(): MovableClock {
  let offsetMs = 0;
  const tasks = new Set<() => void>();
  return {
    ...systemClock,
    now: () => systemClock.now() + offsetMs,
    every: (_, task) => {
      tasks.add(task);
      return () => void tasks.delete(task);
    },
    moveTo: (nowMs) => {
      offsetMs = nowMs - systemClock.now();
      for (const task of tasks) task();
    },
  };
}

export type Installation = Awaited<ReturnType<typeof anInstallation>>;

/** A cert-manager of its own namespace and webhook configuration, and what it keeps in the cluster. */
export async function anInstallation(cluster: Cluster, name: string, webhook: object = {}) {
  await cluster.createNamespace(name);
  const { core, admissionRegistration } = cluster.kubernetes;
  const config = latchkeyConfigSchema.parse({ webhook: { configurationName: name, ...webhook } });
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const clock = createMovableClock();
  let running: ReadyService[] = [];

  const start = async (): Promise<void> => {
    const kubernetes = connectKubernetes({ kubeconfigFile: cluster.kubeconfigFile, log });
    const certManager = createCertManager({ kubernetes, config, namespace: name, log, clock });
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
    /** Starts a cert-manager, beside those that run already. */
    start,
    stop: async () => {
      const stopping = running;
      running = [];
      await Promise.all(stopping.map((each) => each.stop()));
    },
    notReady: () => running.flatMap((each) => each.notReady()),
    becomesReady: () =>
      waitFor(() => running.every((each) => each.notReady().length === 0), {
        timeoutMs,
        what: `${name} to be ready`,
      }),
    readAuthority: () => readSecret(config.tls.caSecretName),
    readServing: () => readSecret(config.tls.servingSecretName),
    readConfiguration,
    /** The bundle in our webhook, as PEM. */
    readTrusted: async () => {
      const { webhooks } = await readConfiguration();
      return decode(webhooks?.find((each) => each.name.startsWith('flyte-pod'))?.clientConfig.caBundle);
    },
    becomes: (what: string, condition: () => Promise<boolean>) =>
      waitFor(condition, { timeoutMs, what: `${what} in ${name}` }),
    deleteSecret: (secret: string) => core.deleteNamespacedSecret({ namespace: name, name: secret }),
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
