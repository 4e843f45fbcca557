import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import type { ConfigInput } from '#testkit/cluster/installation.ts';
import { type PodAnswer, untilAnswered } from '#testkit/installation/create-pod.ts';
import { readSamples, sumOf } from '#testkit/installation/read-samples.ts';
import { selectedLabels } from '#testkit/installation/running-installation.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type ProviderProgram, type RunningProvider, startProvider } from './provider-program.ts';

const namespace = 'flytesnacks-development';
const recoveryMs = 60_000;
const staleAfterSeconds = 5;

/** A cluster on which one manager has a closed inventory, and its provider. */
export interface ClosedInstallation {
  manager: string;
  environment: Record<string, string>;
  cluster: Cluster;
  provider: RunningProvider;
  stop(): Promise<void>;
}

/** Starts a cluster, the provider, and the manager's resolver with `config` in latchkey.yaml. */
export async function startClosedInstallation(options: {
  manager: string;
  program: ProviderProgram;
  /** Starts the provider with the lasting secret. */
  start(provider: RunningProvider): Promise<void>;
  config(provider: RunningProvider, cluster: Cluster): ConfigInput;
  prepare?(cluster: Cluster): Promise<void>;
  /** Variables of the resolver. */
  environment?: Record<string, string>;
}): Promise<ClosedInstallation> {
  const { manager, environment = {} } = options;
  let provider: RunningProvider | undefined;
  const cluster = await startCluster({ managers: [manager] });
  const stop = async (): Promise<void> => {
    await provider?.stop();
    await cluster.stop();
  };
  try {
    await cluster.createNamespace(namespace, selectedLabels);
    await options.prepare?.(cluster);
    provider = await startProvider(options.program, cluster);
    await options.start(provider);
    await cluster.configure({
      chain: ['global', 'k8s', manager],
      gateway: { staleAfterSeconds },
      ...options.config(provider, cluster),
    });
    const names = ['cert-manager', 'discovery', 'resolver-global', 'resolver-k8s', 'gateway'];
    await Promise.all(names.map((name) => cluster.startService(name)));
    await cluster.startService(`resolver-${manager}`, { environment });
    await Promise.all(cluster.services().map((service) => service.untilReady()));
    return { manager, environment, cluster, provider, stop };
  } catch (err) {
    await stop();
    throw err;
  }
}

/** What a test asks for, and how it has the provider in its hands. */
interface ExistenceFlow {
  running(): ClosedInstallation;
  /** Starts the provider with the lasting secret alone. */
  start(provider: RunningProvider): Promise<void>;
  /** The secret that is there from the start. */
  lasting(): AskedSecret;
  /** The same with a letter missing, and the name that a denial suggests for it. */
  misspelt(): { asked: AskedSecret; suggested: string };
  /** Creates a secret that was not there before, and says how a task asks for it. */
  create(provider: RunningProvider): Promise<AskedSecret>;
  /** Removes what `create` made. */
  remove(provider: RunningProvider): Promise<void>;
}

const isAdmitted = ({ admitted }: PodAnswer): boolean => admitted;
const isDenied =
  (code: number, words = '') =>
  (answer: PodAnswer): boolean =>
    !answer.admitted && answer.code === code && answer.message.includes(words);

/** Declares the tests of one provider; they run in this order. */
export function provesExistence(flow: ExistenceFlow): void {
  const pod = (name: string, asked: AskedSecret): V1Pod => aTaskPod(namespace, name, [asked]);
  const until = (asked: AskedSecret, what: string, is: (answer: PodAnswer) => boolean): Promise<PodAnswer> =>
    untilAnswered(flow.running().cluster, pod('asks', asked), { what, is }, recoveryMs);
  const resolver = (): ServicePod => {
    const found = flow
      .running()
      .cluster.services()
      .find(({ name }) => name === `resolver-${flow.running().manager}-0`);
    assert.ok(found);
    return found;
  };
  const metric = async (name: string, labels: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${resolver().ports.health}/metrics`);
    return sumOf(readSamples(await response.text()), name, labels);
  };
  let passing: AskedSecret;

  test('a secret that exists is injected, one that does not is denied with 404 and the name that was meant', async () => {
    await until(flow.lasting(), 'the secret to be injected', isAdmitted);
    const { asked, suggested } = flow.misspelt();
    await until(asked, 'the misspelt secret to be denied with a suggestion', isDenied(404, suggested));
    assert.equal(await metric('latchkey_provider_secrets', { manager: flow.running().manager }), 1);
  });

  test('a secret that is created is injected, and when it is removed denied again', async () => {
    passing = await flow.create(flow.running().provider);
    await until(passing, 'the new secret to be injected', isAdmitted);
    await flow.remove(flow.running().provider);
    await until(passing, 'the removed secret to be denied', isDenied(404));
  });

  test('while the provider is away what is known is injected, the rest is not known, and that is told', async () => {
    await flow.running().provider.kill();
    await until(passing, 'a secret that may exist by now to be unknown', isDenied(503));
    await until(flow.lasting(), 'a known secret to be injected all the same', isAdmitted);
    assert.ok((await metric('latchkey_provider_listings_total', { outcome: 'failed' })) > 0);
    assert.match(await resolver().readLog(), /PROVIDER_UNREACHABLE/);
  });

  test('a resolver that starts while the provider is away takes nothing from the gateways', async () => {
    await resolver().stop('SIGKILL');
    await flow.running().cluster.startService(`resolver-${flow.running().manager}`, {
      environment: flow.running().environment,
    });
    await waitFor(async () => (await metric('latchkey_provider_listings_total')) > 0, {
      timeoutMs: recoveryMs,
      what: 'the resolver to try the provider',
    });
    await until(passing, 'a secret that may exist by now to be unknown', isDenied(503));
    await until(flow.lasting(), 'a known secret to be injected all the same', isAdmitted);
  });

  test('when the provider is back, so are the answers, and nothing secret is in the log', async () => {
    await flow.start(flow.running().provider);
    await until(passing, 'the secret that does not exist to be denied', isDenied(404));
    await until(flow.lasting(), 'the known secret to be injected', isAdmitted);
    await waitFor(async () => (await metric('latchkey_provider_failures')) === 0, {
      timeoutMs: recoveryMs,
      what: 'a listing to succeed',
    });
    assert.doesNotMatch(await resolver().readLog(), /value of|X-Vault-Token|testing/);
  });
}
