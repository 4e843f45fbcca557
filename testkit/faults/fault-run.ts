import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import type { ConfigInput } from '#testkit/cluster/installation.ts';
import {
  type InstallationOptions,
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { asDeployed } from '#testkit/nats/nats-server.ts';
import { busiestGateway } from './busiest-gateway.ts';
import { type ChangingSecret, kubernetesSecret, stableGlobal } from './changing-secret.ts';
import { startChurn } from './churn.ts';
import { type GatewayAnswers, gatewayAnswers } from './gateway-answers.ts';
import { type Prober, startProber } from './prober.ts';
import { describeRecovery, type Fault, type Recovery, recoverFrom } from './recover-from.ts';
import { ruleAges } from './rule-ages.ts';

const namespace = 'faults';
/** Smaller than the default, so that a test sees knowledge grow old; larger than the steps of two heartbeats. */
const shortStaleSeconds = 8;
const convergenceTimeoutMs = 45_000;
const chain = ['global', 'k8s'];

/** An installation under observation by a prober while a test breaks parts of it. */
export interface FaultRun extends RunningInstallation {
  prober: Prober;
  /** latchkey.yaml as it began, for a test that changes it. */
  config: ConfigInput;
  /** Where the probed pods are. */
  namespace: string;
  /** A Secret that never exists. */
  never: ChangingSecret;
  /** The one pod that a service has at this moment. */
  pod(service: string): ServicePod;
  /** All of a service's pods at this moment. */
  pods(service: string): ServicePod[];
  /** The gateway that the API server asks most (it keeps its connections), so that its fate concerns somebody. */
  busiestGateway(): Promise<ServicePod>;
  /** Waits until every gateway gives this answer about the secret: 200 = injected. */
  untilEveryGateway(secret: ChangingSecret, code: number): Promise<void>;
  /** Waits until nothing has been heard of any manager for so long. */
  untilRulesAreOld(olderThanMs: number): Promise<void>;
  /** A new Secret's name, probed from now on until `forget`. */
  aSecret(purpose: string): ChangingSecret;
  /**
   * Strikes, creates one Secret and deletes another one, heals, and waits until every gateway says what Kubernetes
   * says. Fails when anything was answered wrongly meanwhile or for a while after it.
   */
  recover(fault: Fault): Promise<Recovery>;
  /** The same as a test, which tells how long it took. */
  survives(t: TestContext, fault: Fault): Promise<void>;
  /** Waits until every gateway answers as Kubernetes is, from knowledge gained after this call. */
  untilConverged(): Promise<void>;
  /** Creates and deletes a Secret with nothing broken: the answers keep up and none is wrong. */
  takesChanges(): Promise<void>;
  /** Fails when an answer was wrong, now or within the next answers. */
  nothingWentWrong(): Promise<void>;
}

export async function startFaultRun(
  options: Pick<InstallationOptions, 'adaptNats' | 'natsServers'> & {
    staleAfterSeconds?: number;
    readyGraceSeconds?: number;
  } = {},
): Promise<FaultRun> {
  const { staleAfterSeconds = shortStaleSeconds, readyGraceSeconds = 15 } = options;
  const { adaptNats = asDeployed, natsServers = 1 } = options;
  const config: ConfigInput = {
    gateway: { staleAfterSeconds, readyGraceSeconds },
    snapshot: { intervalSeconds: 1 },
    bus: { replicas: natsServers },
  };
  const installation = await startInstallation({
    gateways: 2,
    config,
    adaptNats,
    natsServers,
    globals: { 'team/token': 'a-global-value' },
  });
  try {
    return await observe(installation, config, staleAfterSeconds * 1_000);
  } catch (err) {
    await installation.stop();
    throw err;
  }
}

/** Waits until the probed secrets are known, then lets the prober and the churn begin. */
async function observe(
  installation: RunningInstallation,
  config: ConfigInput,
  staleAfterMs: number,
): Promise<FaultRun> {
  const answers = gatewayAnswers(installation, convergenceTimeoutMs);
  const secrets = await createProbedSecrets(installation.cluster);
  const { stable, churning, global, never } = secrets;
  await Promise.all([
    ...[stable, churning, global].map((secret) => answers.untilEvery(secret, 200)),
    answers.untilEvery(never, 404),
  ]);
  const prober = startProber(installation.cluster, { secrets: Object.values(secrets), staleAfterMs });
  const churn = startChurn(churning);
  return {
    ...installation,
    ...observed(installation, { prober, answers, stable, never }),
    prober,
    config,
    namespace,
    never,
    stop: async () => {
      await churn.stop();
      await prober.stop();
      await installation.stop();
    },
  };
}

async function createProbedSecrets(cluster: Cluster) {
  await cluster.createNamespace(namespace, selectedLabels);
  const [stable, churning, never] = [
    kubernetesSecret(cluster, namespace, 'stable'),
    kubernetesSecret(cluster, namespace, 'churning'),
    kubernetesSecret(cluster, namespace, 'never'),
  ];
  await stable.create();
  await churning.create();
  return { stable, global: await stableGlobal(namespace, 'team', 'token'), never, churning };
}

/** What a test asks of an installation that is observed. */
type Observed = Omit<FaultRun, keyof RunningInstallation | 'prober' | 'config' | 'namespace' | 'never'>;

function observed(
  { cluster }: RunningInstallation,
  parts: { prober: Prober; answers: GatewayAnswers; stable: ChangingSecret; never: ChangingSecret },
): Observed {
  const { prober, answers, stable, never } = parts;
  const ages = ruleAges({ gateways: answers.gateways, chain, timeoutMs: convergenceTimeoutMs });
  const pods = (service: string) => cluster.services().filter(({ name }) => name.startsWith(`${service}-`));
  const nothingWentWrong = async (): Promise<void> => {
    await prober.observe(10);
    assert.deepEqual(prober.wrong(), []);
  };
  let named = 0;
  const aSecret = (purpose: string): ChangingSecret => {
    const secret = kubernetesSecret(cluster, namespace, `${purpose}-${named++}`);
    prober.probe(secret);
    return secret;
  };
  const recover = async (fault: Fault): Promise<Recovery> => {
    const secrets = { created: aSecret('created'), deleted: aSecret('deleted') };
    const recovery = await recoverFrom(fault, secrets, { prober, answers, ages });
    await nothingWentWrong();
    for (const secret of Object.values(secrets)) prober.forget(secret);
    return recovery;
  };
  return {
    pods,
    pod: (service) => {
      const [pod, ...others] = pods(service);
      assert.ok(pod !== undefined && others.length === 0, `${service} has not one pod`);
      return pod;
    },
    busiestGateway: () => busiestGateway(answers.gateways(), prober),
    untilEveryGateway: answers.untilEvery,
    untilRulesAreOld: ages.untilOlderThan,
    untilConverged: async () => {
      const sinceMs = performance.now();
      await Promise.all([answers.untilEvery(stable, 200), answers.untilEvery(never, 404)]);
      await ages.untilFreshSince(sinceMs);
    },
    takesChanges: async () => {
      const secret = aSecret('undisturbed');
      await takeChange(secret, answers);
      await nothingWentWrong();
      prober.forget(secret);
    },
    aSecret,
    nothingWentWrong,
    recover,
    survives: async (t, fault) => {
      const recovery = await recover(fault);
      t.diagnostic(`${describeRecovery(fault, recovery)}; ${prober.answers()} answers so far`);
    },
  };
}

async function takeChange(secret: ChangingSecret, answers: GatewayAnswers): Promise<void> {
  await secret.create();
  await answers.untilEvery(secret, 200);
  await secret.delete();
  await answers.untilEvery(secret, 404);
}
