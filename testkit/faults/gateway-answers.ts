import { askGateway } from '#testkit/gateway/ask-gateway.ts';
import type { RunningInstallation } from '#testkit/installation/running-installation.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { ProbedSecret } from './prober.ts';

interface Answer {
  code: number | undefined;
  message: string;
}

/** What the gateways of an installation answer about a secret, each asked by itself. */
export interface GatewayAnswers {
  /** All gateways at this moment. */
  gateways(): ServicePod[];
  /** Waits until every gateway gives this answer about the secret: 200 = injected. */
  untilEvery(secret: Pick<ProbedSecret, 'name' | 'pod'>, code: number): Promise<void>;
}

export function gatewayAnswers(installation: RunningInstallation, timeoutMs: number): GatewayAnswers {
  const gateways = () => installation.cluster.services().filter(({ name }) => name.startsWith('gateway-'));
  const answerOf = async (port: number, pod: ProbedSecret['pod']): Promise<Answer> => {
    const { response } = JSON.parse(await askGateway(installation, port, pod)) as {
      response: { allowed: boolean; status?: { code: number; message: string } };
    };
    return { code: response.allowed ? 200 : response.status?.code, message: response.status?.message ?? '' };
  };
  return {
    gateways,
    untilEvery: async ({ name, pod }, code) => {
      const agree = async () => {
        const answers = await Promise.all(gateways().map(({ ports }) => answerOf(ports.webhook, pod)));
        if (answers.length > 0 && answers.every((answer) => answer.code === code)) return true;
        throw new Error(answers.map((answer) => `${answer.code} ${answer.message}`).join('; '));
      };
      await waitFor(agree, { timeoutMs, what: `every gateway to say ${code} about ${name}` });
    },
  };
}
