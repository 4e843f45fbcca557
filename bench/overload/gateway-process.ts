import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewayArguments } from '#bench/gateway-arguments.ts';
import { type ProcessUsage, processUsage } from '#bench/process-usage.ts';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import { createPublisher } from '#shared/bus/publish/publisher.ts';
import { formatKey, rulesBucket } from '#shared/contracts/bus/bucket.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import { startTestBus } from '#testkit/nats/test-bus.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import { startProcessGuard } from '#testkit/processes/process-guard.ts';

/** One real gateway that is ready, and what it needs: a bus with the rules of a k8s manager, open unless it is told. */
export interface GatewayProcess extends ProcessUsage {
  pid: number;
  webhookPort: number;
  healthPort: number;
  bus: Bus;
  /** Publishes these rules in place of those before; the recipe stays. */
  publish(rules: ReadonlyMap<string, { value: unknown }>): void;
  /** Mounts another serving certificate. */
  mountCertificate(pair: { certificate: string; key: string }): Promise<void>;
  /** Processes of its workers, the longest running first. */
  workerPids(): Promise<number[]>;
  openFiles(): Promise<number>;
  /** Of its metric, summed over the labels. */
  metric(name: string): Promise<number>;
  signal(signal: NodeJS.Signals): void;
  exited: Promise<{ code: number | null }>;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '../..');

/** What may differ from how the manifests run it. */
interface GatewayVariation {
  inventory?: 'open' | 'closed';
  workers?: number;
}

async function writeMounts(folder: string, configuration: object): Promise<{ config: string; tls: string }> {
  const [config, tls] = [join(folder, 'latchkey.yaml'), join(folder, 'tls')];
  await mkdir(tls);
  // JSON is YAML.
  await writeFile(config, JSON.stringify(configuration));
  await writePair(tls, aSelfSignedPair(Date.now()));
  return { config, tls };
}

async function writePair(tls: string, { certificate, key }: { certificate: string; key: string }) {
  await Promise.all([
    writeFile(join(tls, 'tls.crt'), certificate),
    writeFile(join(tls, 'tls.key'), key),
    writeFile(join(tls, 'ca.crt'), certificate),
  ]);
}

export async function startGatewayProcess({
  inventory = 'open',
  workers = 1,
}: GatewayVariation = {}): Promise<GatewayProcess> {
  const configuration = { chain: ['k8s'], k8s: { inventory }, gateway: { readyGraceSeconds: 0, workers } };
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
  const guard = startProcessGuard(folder);
  const testBus = await startTestBus();
  const bus = await testBus.connect();
  const { log } = testBus;
  await ensureBuckets(bus, { log });
  const owner = k8sManager.name;
  const publisher = createPublisher(bus, {
    bucket: rulesBucket,
    owner,
    log,
    clock: systemClock,
    onSuperseded: () => undefined,
  });
  const recipe = k8sManager.recipe(latchkeyConfigSchema.parse(configuration));
  const publish: GatewayProcess['publish'] = (rules) =>
    publisher.replace(new Map([[formatKey({ owner, kind: 'recipe' }), { value: recipe }], ...rules]));
  publish(new Map());
  // Rules that no resolver confirms are stale, and plans made of stale rules are not remembered.
  const heartbeats = startHeartbeats(bus, {
    sender: { service: 'resolver', uid: 'bench', manager: owner },
    clock: systemClock,
    report: () => ({
      notReady: [],
      applied: [publisher.published() ?? []].flat(),
      epoch: publisher.epoch(),
    }),
  });

  const { config, tls } = await writeMounts(folder, configuration);
  const [webhookPort = 0, healthPort = 0] = await freePorts(2);
  const gateway = await startGuardedProcess(
    {
      name: 'gateway',
      command: process.execPath,
      args: await gatewayArguments(),
      env: {
        LATCHKEY_CONFIG: config,
        TLS_DIR: tls,
        NATS_URL: testBus.nats.url,
        NATS_CREDENTIALS: await testBus.credentials('gateway'),
        WEBHOOK_PORT: `${webhookPort}`,
        HEALTH_PORT: `${healthPort}`,
        POD_UID: 'bench',
      },
      folder: root,
      logFolder: folder,
    },
    guard,
  );
  const url = `http://127.0.0.1:${healthPort}`;
  const isUp = async (): Promise<boolean> => (await fetch(`${url}/readyz`)).ok;
  await waitUntilUp(gateway, isUp, { timeoutMs: 30_000, what: 'the gateway to be ready' });
  return {
    pid: gateway.pid,
    webhookPort,
    healthPort,
    bus,
    publish,
    mountCertificate: (pair) => writePair(tls, pair),
    workerPids: async () => {
      const children = await readFile(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8');
      return children.trim().split(' ').filter(Boolean).map(Number);
    },
    exited: gateway.exited,
    signal: gateway.signal,
    ...processUsage(gateway.pid),
    openFiles: async () => (await readdir(`/proc/${gateway.pid}/fd`)).length,
    metric: async (name) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Array.from(text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'gm')))
        .map(([, value]) => Number(value))
        .reduce((sum, value) => sum + value, 0);
    },
    stop: async () => {
      await gateway.stop('SIGKILL');
      heartbeats.stop();
      await publisher.stop();
      await testBus.stop();
      await guard.close();
    },
  };
}
