import type { KubernetesObject, V1ConfigMap, V1Service } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import type { z } from 'zod';
import { credentialsSecret } from '#deploy/nats/credentials.ts';
import type { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { findManifest, installationNamespace, type Manifests } from './manifests.ts';

/** latchkey.yaml as a test writes it: any part of it. */
export type ConfigInput = z.input<typeof latchkeyConfigSchema>;

/** Port of the webhook's Service here: 443 would need root. */
export const webhookServicePort = 9443;
/** Where deploy/ mounts the key ring; stated in latchkey.yaml so that the harness can move it. */
const keyRingMount = '/etc/latchkey/keyring';
export const configMapName = 'latchkey-config';
export const webhookServiceName = 'flyte-pod-webhook';

export interface Installation {
  manifests: Manifests;
  config: ConfigInput;
  /** Files beside latchkey.yaml in its ConfigMap. */
  files?: Readonly<Record<string, string>>;
  /** Folder of this machine in which discovery looks for `<group>/<key>`. */
  globalSecretsFolder: string;
  webhookAddress: string;
  natsPasswords: Readonly<Record<string, string>>;
}

/** deploy/latchkey.yaml with what this machine needs and the test's own fields, section by section. */
function latchkeyYaml({ manifests, config, globalSecretsFolder }: Installation): string {
  const file = findManifest(manifests, 'ConfigMap', configMapName).data?.['latchkey.yaml'] ?? '';
  const deployed = parse(file) as ConfigInput;
  return stringify({
    ...deployed,
    ...config,
    global: { ...deployed.global, dir: globalSecretsFolder, keyRingDir: keyRingMount, ...config.global },
    webhook: { ...deployed.webhook, servicePort: webhookServicePort, ...config.webhook },
  });
}

/** What the ConfigMap of latchkey.yaml holds. */
export const configMapData = (installation: Installation): Record<string, string> => ({
  ...installation.files,
  'latchkey.yaml': latchkeyYaml(installation),
});

/** Everything to be created, in order: the manifests as they are but for addresses, then the NATS users. */
export function installationObjects(installation: Installation): KubernetesObject[] {
  const { manifests, webhookAddress, natsPasswords } = installation;
  const objects = manifests.map((object) => {
    if (object.kind === 'Service' && object.metadata?.name === webhookServiceName) {
      return withAddress(object as V1Service, webhookAddress);
    }
    if (object.kind === 'ConfigMap' && object.metadata?.name === configMapName) {
      return { ...(object as V1ConfigMap), data: configMapData(installation) };
    }
    return object;
  });
  const users = Object.entries(natsPasswords).map(([user, password]) => credentialsSecret(user, password));
  const defaultAccount = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: installationNamespace },
  };
  return [...objects, ...users, defaultAccount];
}

const withAddress = (service: V1Service, clusterIP: string): V1Service => ({
  ...service,
  spec: {
    ...service.spec,
    clusterIP,
    ports: (service.spec?.ports ?? []).map((port) => ({ ...port, port: webhookServicePort })),
  },
});
