import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { keyRingSecret } from '#deploy/key-ring/key-ring-secret.ts';
import { inventoryBucket, rulesBucket } from '#shared/contracts/bus/bucket.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type BusRecorder, recordBus } from './bus-recorder.ts';
import { createPod, variablesOf } from './create-pod.ts';
import { globalEntries } from './global-entries.ts';
import { readSamples, sumOf } from './read-samples.ts';
import {
  type InstallationOptions,
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from './running-installation.ts';

const timeoutMs = 20_000;
export const inlineNamespace = 'inline-namespace';
/** The global secret that is asked for as a variable all over; `team/token` of the globals. */
export const askedToken: AskedSecret = { group: 'team', key: 'token', mount: 'ENV_VAR' };
export const askingPod = (name: string) => aTaskPod(inlineNamespace, name, [askedToken]);

/** An installation that delivers global secrets inline under a ring of one key, `k1`. */
export interface InlineInstallation {
  installation: RunningInstallation;
  recorder: BusRecorder;
  firstKey: string;
  stop(): Promise<void>;
}

/** Starts it with two gateways; nothing but network policy keeps callers away. */
export async function startInlineInstallation(
  globals: Readonly<Record<string, string>>,
  options: Pick<InstallationOptions, 'config' | 'globalVariables'> = {},
): Promise<InlineInstallation> {
  let recorder: BusRecorder | undefined;
  const secret = keyRingSecret('k1');
  const installation = await startInstallation({
    gateways: 2,
    ...options,
    config: {
      snapshot: { intervalSeconds: 1 },
      ...options.config,
      global: { delivery: 'inline', acceptNetworkPolicyOnly: true },
    },
    globals,
    environment: { LOG_LEVEL: 'trace' },
    prepare: async (cluster) => {
      recorder = await recordBus(cluster);
      await cluster.createNamespace(inlineNamespace, selectedLabels);
      await cluster.harness.core.createNamespacedSecret({ namespace: installationNamespace, body: secret });
    },
  });
  assert.ok(recorder);
  const recording = recorder;
  return {
    installation,
    recorder,
    firstKey: secret.stringData.k1 ?? '',
    stop: async () => {
      await recording.stop();
      await installation.stop();
    },
  };
}

/** Replaces the key ring: ids and keys, and the one that seals. */
export async function putRing(
  { harness }: Cluster,
  ring: Readonly<Record<string, string>>,
  current: string,
): Promise<void> {
  const { metadata } = keyRingSecret(current);
  const body = { metadata, stringData: { ...ring, current } };
  await harness.core.replaceNamespacedSecret({
    namespace: installationNamespace,
    name: metadata.name,
    body,
  });
}

/** Waits until the last ring that each process has loaded is this one. */
export async function untilLoaded(
  pods: readonly ServicePod[],
  kids: readonly string[],
  current: string,
): Promise<void> {
  for (const pod of pods) {
    const isLoaded = async (): Promise<boolean> => {
      const last = (await pod.readLog()).split('\n').findLast((line) => line.includes('"key ring loaded"'));
      const loaded = JSON.parse(last ?? '{}') as { kids?: string[]; current?: string };
      return loaded.kids?.join() === kids.join() && loaded.current === current;
    };
    await waitFor(isLoaded, { timeoutMs, what: `${pod.name} to load ${kids.join()}` });
  }
}

/** Waits until everything stored, and so what every gateway has applied, is sealed under one key. */
export async function untilSealedUnder(
  kid: string,
  { recorder, installation }: InlineInstallation,
): Promise<void> {
  for (const bucket of [inventoryBucket, rulesBucket]) {
    const isSealed = async (): Promise<boolean> => {
      const entries = [...(await globalEntries(recorder.nc, bucket)).values()];
      return entries.length > 0 && entries.every(({ kids }) => kids.join() === kid);
    };
    await waitFor(isSealed, { timeoutMs, what: `everything in ${bucket} to be sealed under ${kid}` });
  }
  const isApplied = async (): Promise<boolean> => {
    const subject = `$KV.${rulesBucket}.global.manifest`;
    const manifest = recorder.messages.findLast((message) => message.subject === subject);
    const { seq } = JSON.parse(Buffer.from(manifest?.data ?? []).toString()) as { seq: number };
    const applied = await Promise.all(installation.gateways.map(appliedSeq));
    return applied.every((own) => own === seq);
  };
  await waitFor(isApplied, { timeoutMs, what: 'every gateway to have applied it' });
}

async function appliedSeq({ ports }: ServicePod): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ports.health}/metrics`)).text();
  return sumOf(readSamples(text), 'latchkey_rules_seq', { manager: 'global' });
}

/** Asks for the secret all the time while something happens; `failed` says why each answer that was not the value. */
export async function whileAsking(
  cluster: Cluster,
  value: string,
  act: () => Promise<void>,
): Promise<{ answers: number; failed: string[] }> {
  const failed: string[] = [];
  let answers = 0;
  let done = false;
  const ask = async (): Promise<void> => {
    while (!done) {
      const answer = await createPod(cluster, askingPod('asks-on'), { dryRun: true });
      answers += 1;
      if (!answer.admitted) failed.push(answer.message);
      else if (variablesOf(answer.pod)._FSEC_TEAM_TOKEN !== value) failed.push('another value');
      await delay(20);
    }
  };
  const asking = ask();
  try {
    await act();
  } finally {
    done = true;
    await asking;
  }
  return { answers, failed };
}
