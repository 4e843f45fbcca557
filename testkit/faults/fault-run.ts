import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { ConfigInput } from '#testkit/cluster/installation.ts';
import { askGateway } from '#testkit/gateway/gateway-call.ts';
import { sumOf } from '#testkit/installation/prometheus-text.ts';
import {
  type InstallationOptions,
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import type { ServicePod } from '#testkit/kubelet/kubelet.ts';
import { asDeployed } from '#testkit/nats/nats-server.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { startChurn } from './churn.ts';
import type { Disturbance } from './probe-judgement.ts';
import { type ChangingSecret, kubernetesSecret, stableGlobal } from './probed-secret.ts';
import { type Prober, startProber } from './prober.ts';
import { metricsOf, ruleAges } from './rule-ages.ts';

const namespace = 'faults';
/** Smaller than the default, so that a test sees knowledge grow old; larger than the steps of two heartbeats. */
const shortStaleSeconds = 8;
const convergenceTimeoutMs = 45_000;
const chain = ['global', 'k8s'];

/** One fault: what strikes, and what heals it when it does not heal by itself. */
interface Fault extends Omit<Disturbance, 'sinceMs'> {
  strike(): Promise<unknown>;
  /** While it lasts, after a Secret was created and one deleted. */
  meanwhile?(created: ChangingSecret, deleted: ChangingSecret): Promise<unknown>;
  heal?(): Promise<unknown>;
}

/** ms from the strike until it was healed, until every gateway answered rightly, and until from knowledge gained then. */
interface Recovery {
  healedMs: number;
  convergedMs: number;
  freshMs: number;
}

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
  const { cluster } = installation;
  await cluster.createNamespace(namespace, selectedLabels);
  const stable = kubernetesSecret(cluster, namespace, 'stable');
  const churning = kubernetesSecret(cluster, namespace, 'churning');
  await stable.create();
  await churning.create();
  const global = await stableGlobal(namespace, 'team', 'token');
  let named = 0;

  const answerOf = async (port: number, pod: ChangingSecret['pod']) => {
    const { response } = JSON.parse(await askGateway(installation, port, pod)) as {
      response: { allowed: boolean; status?: { code: number; message: string } };
    };
    return { code: response.allowed ? 200 : response.status?.code, message: response.status?.message ?? '' };
  };
  const podsOf = (service: string) => cluster.services().filter(({ name }) => name.startsWith(`${service}-`));
  const untilEveryGateway = async (secret: Pick<ChangingSecret, 'name' | 'pod'>, code: number) => {
    const agree = async () => {
      const answers = await Promise.all(
        podsOf('gateway').map(({ ports }) => answerOf(ports.webhook, secret.pod)),
      );
      if (answers.length > 0 && answers.every((answer) => answer.code === code)) return true;
      throw new Error(answers.map((answer) => `${answer.code} ${answer.message}`).join('; '));
    };
    await waitFor(agree, {
      timeoutMs: convergenceTimeoutMs,
      what: `every gateway to say ${code} about ${secret.name}`,
    });
  };

  const busiestGateway = async (): Promise<ServicePod> => {
    const gateways = podsOf('gateway');
    const count = () =>
      Promise.all(gateways.map(async (each) => sumOf(await metricsOf(each), 'latchkey_admissions_total')));
    const before = await count();
    await prober.observe(3);
    // Metrics are as of a moment up to a second ago.
    const asked = await waitFor(
      async () => {
        const grown = (await count()).map((after, index) => after - (before[index] ?? 0));
        return Math.max(...grown) > 0 ? grown : undefined;
      },
      { timeoutMs: 5_000, what: 'a gateway that is asked' },
    );
    const busiest = gateways[asked.indexOf(Math.max(...asked))];
    assert.ok(busiest !== undefined && Math.max(...asked) > 0);
    return busiest;
  };
  const ages = ruleAges({ gateways: () => podsOf('gateway'), chain, timeoutMs: convergenceTimeoutMs });

  const never = kubernetesSecret(cluster, namespace, 'never');
  await Promise.all([
    untilEveryGateway(stable, 200),
    untilEveryGateway(churning, 200),
    untilEveryGateway(global, 200),
    untilEveryGateway(never, 404),
  ]);
  const prober = startProber(cluster, {
    secrets: [stable, global, never, churning],
    staleAfterMs,
  });
  const churn = startChurn(churning);

  const aSecret = (purpose: string): ChangingSecret => {
    const secret = kubernetesSecret(cluster, namespace, `${purpose}-${named++}`);
    prober.probe(secret);
    return secret;
  };
  const nothingWentWrong = async (): Promise<void> => {
    await prober.observe(10);
    assert.deepEqual(prober.wrong(), []);
  };

  const untilConverged = async (): Promise<void> => {
    const sinceMs = performance.now();
    await Promise.all([untilEveryGateway(stable, 200), untilEveryGateway(never, 404)]);
    await ages.untilFreshSince(sinceMs);
  };
  const takesChanges = async (): Promise<void> => {
    const secret = aSecret('undisturbed');
    await secret.create();
    await untilEveryGateway(secret, 200);
    await secret.delete();
    await untilEveryGateway(secret, 404);
    await nothingWentWrong();
    prober.forget(secret);
  };

  const recover = async (fault: Fault): Promise<Recovery> => {
    const [created, deleted] = [aSecret('created'), aSecret('deleted')];
    await deleted.create();
    await untilEveryGateway(deleted, 200);
    const recovery = await prober.disturbed(fault, async () => {
      const struckMs = performance.now();
      const sinceStruckMs = () => performance.now() - struckMs;
      await fault.strike();
      await Promise.all([created.create(), deleted.delete()]);
      await fault.meanwhile?.(created, deleted);
      await fault.heal?.();
      const healedMs = sinceStruckMs();
      await Promise.all([untilEveryGateway(created, 200), untilEveryGateway(deleted, 404)]);
      const convergedMs = sinceStruckMs();
      await ages.untilFreshSince(struckMs + healedMs);
      return { healedMs, convergedMs, freshMs: sinceStruckMs() };
    });
    await nothingWentWrong();
    for (const secret of [created, deleted]) prober.forget(secret);
    return recovery;
  };

  return {
    ...installation,
    prober,
    config,
    namespace,
    never,
    untilConverged,
    busiestGateway,
    pods: podsOf,
    pod: (service) => {
      const [pod, ...others] = podsOf(service);
      assert.ok(pod !== undefined && others.length === 0, `${service} has not one pod`);
      return pod;
    },
    takesChanges,
    untilEveryGateway,
    untilRulesAreOld: ages.untilOlderThan,
    aSecret,
    nothingWentWrong,
    recover,
    survives: async (t, fault) => {
      const { healedMs, convergedMs, freshMs } = await recover(fault);
      t.diagnostic(
        `${fault.what}: converged ${Math.round(convergedMs - healedMs)} ms after it ended, ` +
          `${Math.round(convergedMs)} ms after it began, every gateway fresh after ${Math.round(freshMs)} ms; ` +
          `${prober.answers()} answers so far`,
      );
    },
    stop: async () => {
      await churn.stop();
      await prober.stop();
      await installation.stop();
    },
  };
}
