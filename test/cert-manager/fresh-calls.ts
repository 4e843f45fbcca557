import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { usualConfigurationName } from '#shared/installation/webhook-configuration.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { webhookServicePort } from '#testkit/cluster/installation.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';

/** A client that opens a connection for each call and verifies it with the caBundle of that moment. */
export interface FreshCalls {
  /** Ends it; says how many handshakes succeeded, what refused ones said, and how many met no server. */
  stop(): Promise<{ verified: number; refused: string[]; unreachable: number }>;
}

const intervalMs = 20;
const handshakeTimeoutMs = 2_000;

/** Calls the Service of the webhook until it is stopped, each time as the API server would after a restart. */
export function startFreshCalls(cluster: Cluster): FreshCalls {
  const host = `${cluster.serviceRange}.0.100`;
  const servername = `flyte-pod-webhook.${installationNamespace}.svc`;
  const result = { verified: 0, refused: [] as string[], unreachable: 0 };
  let stopped = false;

  const readBundle = async (): Promise<string> => {
    const { webhooks = [] } = await cluster.harness.admissionRegistration.readMutatingWebhookConfiguration({
      name: usualConfigurationName,
    });
    return Buffer.from(webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();
  };
  const callOnce = async (): Promise<void> => {
    const ca = await readBundle();
    await new Promise<void>((resolve) => {
      const socket = connect({ host, port: webhookServicePort, servername, ca, rejectUnauthorized: false });
      const end = (): void => {
        socket.destroy();
        resolve();
      };
      socket.setTimeout(handshakeTimeoutMs, () => socket.destroy(new Error('timeout')));
      socket.once('secureConnect', () => {
        if (socket.authorized) result.verified += 1;
        else result.refused.push(String(socket.authorizationError));
        end();
      });
      socket.once('error', () => {
        result.unreachable += 1;
        end();
      });
    });
  };
  const loop = async (): Promise<void> => {
    while (!stopped) {
      await callOnce();
      await delay(intervalMs);
    }
  };
  const running = loop();
  return {
    stop: async () => {
      stopped = true;
      await running;
      return result;
    },
  };
}
