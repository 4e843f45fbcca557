import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { projectFolder } from './projected-folder.ts';

// Program of the Compose service `secret-mount`: there is no kubelet, so this one mounts the serving Secret for the
// gateway, with the same atomic swap. Usage: secret-mount.ts <kubeconfig> <namespace> <secret> <folder>
const [kubeconfigFile = '', namespace, secret, folder = ''] = process.argv.slice(2);
const pollIntervalMs = 1_000;

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority': string } }];
  users: [{ user: { token: string } }];
}
interface Secret {
  metadata: { resourceVersion: string };
  /** Absent until cert-manager has filled it. */
  data?: Record<string, string>;
}

const kubeconfig = JSON.parse(await readFile(kubeconfigFile, 'utf8')) as Kubeconfig;
const { cluster } = kubeconfig.clusters[0];

async function readSecret(): Promise<Secret | undefined> {
  const options = {
    ca: await readFile(cluster['certificate-authority']),
    headers: { authorization: `Bearer ${kubeconfig.users[0].user.token}` },
  };
  const url = new URL(`/api/v1/namespaces/${namespace}/secrets/${secret}`, cluster.server);
  const body = await new Promise((resolve, reject) => {
    request(url, options, (response) => {
      json(response).then((body) => resolve(response.statusCode === 200 ? body : undefined), reject);
    })
      .on('error', reject)
      .end();
  });
  return body as Secret | undefined;
}

let projectedVersion: string | undefined;
for (;;) {
  // Absent Secret or absent API server: what is mounted stays.
  const found = await readSecret().catch((error: Error) => {
    process.stderr.write(`cannot read ${namespace}/${secret}: ${error.message}\n`);
    return undefined;
  });
  if (found !== undefined && found.metadata.resourceVersion !== projectedVersion) {
    const files = Object.entries(found.data ?? {}).map(
      ([name, value]) => [name, Buffer.from(value, 'base64')] as const,
    );
    await projectFolder(folder, new Map(files));
    projectedVersion = found.metadata.resourceVersion;
    process.stdout.write(`mounted ${namespace}/${secret} at ${folder}\n`);
  }
  await delay(pollIntervalMs);
}
