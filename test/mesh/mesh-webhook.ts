import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { V1Pod } from '@kubernetes/client-node';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';

const hourMs = 3_600_000;

/** Container that the mesh adds; not one of `gateway.skippedContainers`. */
export const meshProxy = 'a-mesh-proxy';

/** The webhook of a mesh: it appends a container to every pod, as injectors of meshes do. */
export interface MeshWebhook {
  /** Makes the API server call it, by a configuration of this name alone. */
  register(configurationName: string): Promise<void>;
  stop(): void;
}

interface Review {
  apiVersion: string;
  kind: string;
  request: { uid: string; object: V1Pod };
}

/** Starts the webhook; the API server does not call it before it is registered. */
export async function startMeshWebhook({ harness }: Cluster): Promise<MeshWebhook> {
  const nowMs = Date.now();
  const authority = issueCaCertificate(await generateRsaKeys(2048), nowMs, hourMs);
  const leaf = issueLeafCertificate(await generateRsaKeys(2048), authority, ['localhost'], nowMs, hourMs);
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, async (request, response) => {
    response.end(JSON.stringify(answer(JSON.parse(await text(request)))));
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { admissionRegistration } = harness;
  let registered: string | undefined;
  return {
    register: async (name) => {
      if (registered !== undefined) {
        await admissionRegistration.deleteMutatingWebhookConfiguration({ name: registered });
      }
      registered = name;
      await admissionRegistration.createMutatingWebhookConfiguration({
        body: {
          metadata: { name },
          webhooks: [
            {
              name: 'sidecar-injector.mesh.example',
              admissionReviewVersions: ['v1'],
              sideEffects: 'None',
              clientConfig: {
                url: `https://localhost:${port}/`,
                caBundle: Buffer.from(authority.certificate).toString('base64'),
              },
              rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
            },
          ],
        },
      });
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer({ apiVersion, kind, request: { uid, object } }: Review): object {
  const isThere = object.spec?.containers.some(({ name }) => name === meshProxy) === true;
  const proxy = { name: meshProxy, image: 'docker.io/library/proxy:1' };
  const patch = isThere ? [] : [{ op: 'add', path: '/spec/containers/-', value: proxy }];
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
  return { apiVersion, kind, response: { uid, allowed: true, patchType: 'JSONPatch', patch: encoded } };
}
