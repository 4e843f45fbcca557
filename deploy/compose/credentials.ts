import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadLatchkeyFile } from '#shared/config/latchkey-file.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import { isInUse, passwordFor, passwordVariables } from '../nats/credentials.ts';

// Program of the Compose service `credentials`: fills the folder (a volume that the others share) once.
// Usage: credentials.ts <folder>
//   kubernetes/service-account.key, tokens.csv   for kube-apiserver
//   kubeconfig/<user>                            for admin and the services with Kubernetes rights
//   nats/environment, nats/<user>/{username,password} of the users in use
const [folder = ''] = process.argv.slice(2);
const configurationFile = join(import.meta.dirname, '../nats/nats.conf');
/** RBAC knows a service account by its user name, so that the manifests' bindings hold for these tokens. */
const serviceAccount = (name: string): string => `system:serviceaccount:latchkey:${name}`;
const users: Record<string, { name: string; groups: string }> = {
  admin: { name: 'admin', groups: 'system:masters' },
  'cert-manager': { name: serviceAccount('cert-manager'), groups: 'system:serviceaccounts' },
  discovery: { name: serviceAccount('discovery'), groups: 'system:serviceaccounts' },
};

const newSecret = (): string => `s${randomBytes(24).toString('hex')}`;

/** Written for everybody in the containers: kube-apiserver, nats-server and the services run as different users. */
async function write(path: string, content: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), content, { mode: 0o644 });
}

/** kube-apiserver makes a certificate for the host name `kubernetes`, an alias of its own in docker-compose.yml. */
const kubeconfig = (token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'compose',
        cluster: {
          server: 'https://kubernetes:6443',
          'certificate-authority': `${folder}/kubernetes/certificates/apiserver.crt`,
        },
      },
    ],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'compose', context: { cluster: 'compose', user: 'user' } }],
    'current-context': 'compose',
  });

async function writeKubernetes(): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await write(
    'kubernetes/service-account.key',
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  const lines: string[] = [];
  for (const [user, { name, groups }] of Object.entries(users)) {
    const token = newSecret();
    lines.push(`${token},${name},${name},"${groups}"\n`);
    await write(`kubeconfig/${user}`, kubeconfig(token));
  }
  await write('kubernetes/tokens.csv', lines.join(''));
}

async function writeNats(): Promise<void> {
  const { chain } = await loadLatchkeyFile(join(import.meta.dirname, 'latchkey.yaml'), serviceProblems);
  const lines: string[] = [];
  for (const [user, variable] of passwordVariables(await readFile(configurationFile, 'utf8'))) {
    const password = passwordFor(user, chain);
    // A shell reads this file.
    lines.push(`${variable}='${password}'\n`);
    if (!isInUse(user, chain)) continue;
    await write(`nats/${user}/username`, user);
    await write(`nats/${user}/password`, password);
  }
  await write('nats/environment', lines.join(''));
}

const complete = join(folder, 'complete');
if ((await stat(complete).catch(() => undefined)) === undefined) {
  await writeKubernetes();
  await writeNats();
  await mkdir(join(folder, 'tls'), { recursive: true });
  await chmod(join(folder, 'tls'), 0o777);
  await writeFile(complete, '');
}
