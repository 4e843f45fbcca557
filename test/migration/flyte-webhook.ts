import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { V1MutatingWebhookConfiguration, V1Pod } from '@kubernetes/client-node';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import { decodeAnnotation } from '#shared/core/flyte/secret-request.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { startServiceProxy } from '#testkit/cluster/service-proxy.ts';

const namespace = 'flyte';
const name = 'flyte-pod-webhook';
const port = 9443;
const hourMs = 3_600_000;

/** A stand-in for Flyte's own webhook, with the objects that it makes in its namespace. */
export interface FlyteWebhook {
  /** Name of its MutatingWebhookConfiguration. */
  name: string;
  /** Registers itself as Flyte does at every start: the whole object is replaced (entrypoint.go). */
  register(): Promise<void>;
  readConfiguration(): Promise<V1MutatingWebhookConfiguration>;
  /** resourceVersion of its immutable Secret. */
  secretVersion(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Starts it behind a Service of its own, with a CA of its own, and registers it. */
export async function startFlyteWebhook(cluster: Cluster): Promise<FlyteWebhook> {
  const { core, admissionRegistration } = cluster.harness;
  const nowMs = Date.now();
  const authority = issueCaCertificate(await generateRsaKeys(2048), nowMs, hourMs);
  const leaf = issueLeafCertificate(
    await generateRsaKeys(2048),
    authority,
    [`${name}.${namespace}.svc`],
    nowMs,
    hourMs,
  );
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `${cluster.serviceRange}.0.101`;
  const target = (server.address() as AddressInfo).port;
  const proxy = await startServiceProxy(address, port, () => [target]);

  await cluster.createNamespace(namespace);
  await core.createNamespacedService({
    namespace,
    body: { metadata: { name }, spec: { clusterIP: address, ports: [{ port }] } },
  });
  const secret = await core.createNamespacedSecret({
    namespace,
    body: {
      metadata: { name },
      immutable: true,
      stringData: { 'ca.crt': authority.certificate, 'tls.crt': leaf.certificate, 'tls.key': leaf.key },
    },
  });
  const configuration = configurationOf(authority.certificate);
  await admissionRegistration.createMutatingWebhookConfiguration({ body: configuration });
  const readConfiguration = () => admissionRegistration.readMutatingWebhookConfiguration({ name });

  return {
    name,
    register: async () => {
      const resourceVersion = (await readConfiguration()).metadata?.resourceVersion ?? '';
      const body = { ...configuration, metadata: { name, resourceVersion } };
      await admissionRegistration.replaceMutatingWebhookConfiguration({ name, body });
    },
    readConfiguration,
    secretVersion: async () => {
      const { metadata } = await core.readNamespacedSecret({ namespace, name: secret.metadata?.name ?? '' });
      return metadata?.resourceVersion;
    },
    close: async () => {
      await proxy.close();
      await closeServer(server);
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

/** The object that Flyte's webhook makes (flytepropeller/pkg/webhook/pod.go). */
const configurationOf = (authority: string): V1MutatingWebhookConfiguration => ({
  metadata: { name },
  webhooks: [
    {
      name: 'flyte-pod-webhook.flyte.org',
      clientConfig: {
        caBundle: Buffer.from(authority).toString('base64'),
        service: { namespace, name, path: '/mutate--v1-pod', port },
      },
      rules: [{ operations: ['CREATE'], apiGroups: ['*'], apiVersions: ['v1'], resources: ['pods'] }],
      failurePolicy: 'Ignore',
      sideEffects: 'NoneOnDryRun',
      admissionReviewVersions: ['v1', 'v1beta1'],
      objectSelector: { matchLabels: { 'inject-flyte-secrets': 'true' } },
    },
  ],
});

/** Injects every request as a variable, as Flyte's manager `k8s` does for ENV_VAR. */
const answer: Parameters<typeof createServer>[1] = async (request, response) => {
  const review = (await json(request)) as { request: { uid: string; object: V1Pod } };
  const { uid, object } = review.request;
  const requests = Object.entries(object.metadata?.annotations ?? {}).filter(([key]) =>
    key.startsWith('flyte.secrets/s'),
  );
  const env = requests.map(([key, value]) => {
    const { group, key: secretKey } = decodeAnnotation(key, value);
    return {
      name: `_FSEC_${group}_${secretKey}`.toUpperCase(),
      valueFrom: { secretKeyRef: { name: group, key: secretKey, optional: true } },
    };
  });
  const patch = [
    {
      op: 'add',
      path: '/spec/containers/0/env',
      value: [...(object.spec?.containers[0]?.env ?? []), ...env],
    },
  ];
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid,
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      },
    }),
  );
};
