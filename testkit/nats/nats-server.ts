import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { passwordVariables } from '#deploy/nats/credentials.ts';
import { copyForManager } from '#testkit/cluster/manifests.ts';
import { type GuardedProcess, startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import type { Program } from '#tools/programs.ts';

const readyTimeoutMs = 20_000;
const configurationFolder = join(import.meta.dirname, '../../deploy/nats');
const configurationFile = join(configurationFolder, 'nats.conf');
/** A user of the harness beside those of the services, without limits, so that a test can read the whole bus. */
export const unlimitedUser = 'harness';

/** By user name. */
export type NatsPasswords = Readonly<Record<string, string>>;

/** What makes a server one of a cluster: the places of deploy/nats/cluster/nats-cluster.conf that are filled at start. */
interface Membership {
  name: string;
  port: number;
  routes: readonly string[];
}

/** The bus of a cluster; its data outlives a stop and a start. */
export interface NatsServer {
  url: string;
  monitoringUrl: string;
  /** User name to password, those of deploy/nats/nats.conf and {@link unlimitedUser}. */
  passwords: NatsPasswords;
  /** Folder of its data. */
  store: string;
  process: () => GuardedProcess;
  kill9: () => Promise<void>;
  sigstop: () => void;
  sigcont: () => void;
  /** Starts it again on the same port with the same data; resolves when JetStream is up. */
  start: () => Promise<void>;
}

/** nats.conf without a change. */
export const asDeployed = (configuration: string): string => configuration;

/** Managers of the operator's own, and of whose NATS user theirs is a copy: an open one of aws, a closed one of k8s. */
export type OwnManagers = Readonly<Record<string, 'aws' | 'k8s'>>;

export interface NatsStart {
  program: Program;
  port: number;
  monitoringPort: number;
  folder: string;
  logFolder: string;
  ownManagers?: OwnManagers;
  /** What a test changes in deploy/nats/nats.conf. */
  adaptNats?: (configuration: string) => string;
  /** Of a cluster, where every server has the same. */
  passwords?: NatsPasswords;
  membership?: Membership;
}

/** A password for every user of deploy/nats/nats.conf and {@link unlimitedUser}. */
export const newPasswords = async (): Promise<NatsPasswords> =>
  passwordsFor(await readFile(configurationFile, 'utf8'));

function passwordsFor(configuration: string): NatsPasswords {
  const users = [...passwordVariables(configuration).keys(), unlimitedUser];
  // nats-server parses a variable's value: one that begins like a number or a date would not be text.
  return Object.fromEntries(users.map((user) => [user, `password-${randomUUID()}`]));
}

/**
 * Starts nats-server with deploy/nats/nats.conf, or as a member of a cluster with nats-cluster.conf; flags move its
 * ports and its store, passwords come by environment.
 */
export async function startNatsServer(start: NatsStart, guard: ProcessGuard): Promise<NatsServer> {
  const { membership, adaptNats = asDeployed } = start;
  const deployed = adaptNats(await readFile(configurationFile, 'utf8'));
  const configuration = withOwnManagers(deployed, start.ownManagers ?? {});
  const passwords = start.passwords ?? passwordsFor(configuration);
  const variables = [...passwordVariables(configuration)];
  const env = {
    ...Object.fromEntries(variables.map(([user, variable]) => [variable, passwords[user]])),
    ...(membership === undefined ? {} : memberVariables(membership)),
  };
  await mkdir(start.folder, { recursive: true });
  const file = join(start.folder, 'nats.conf');
  const store = join(start.folder, 'jetstream');
  await writeFile(file, adapt(configuration, store, passwords[unlimitedUser] ?? ''), { mode: 0o600 });
  if (membership !== undefined) await writeMemberFile(start.folder, membership.port);
  const main = membership === undefined ? file : join(start.folder, 'nats-cluster.conf');
  return runNatsServer(
    { ...start, name: membership?.name ?? 'nats-server', file: main, env, passwords, store },
    guard,
  );
}

/** A server whose configuration is written. */
interface NatsRun extends Pick<NatsStart, 'program' | 'port' | 'monitoringPort' | 'folder' | 'logFolder'> {
  name: string;
  /** The configuration. */
  file: string;
  env: Record<string, string | undefined>;
  passwords: NatsPasswords;
  store: string;
}

/** Starts nats-server with a configuration; flags move its ports. */
export async function runNatsServer(run: NatsRun, guard: ProcessGuard): Promise<NatsServer> {
  const { name, program, folder, logFolder, env, passwords, store } = run;
  const monitoringUrl = `http://127.0.0.1:${run.monitoringPort}`;
  const args = ['-c', run.file, '-a', '127.0.0.1', '-p', `${run.port}`, '-m', `${run.monitoringPort}`];
  const launch = async () => {
    const launched = await startGuardedProcess(
      { name, command: program.path, args, env, folder, logFolder },
      guard,
    );
    await waitUntilUp(launched, () => isHealthy(monitoringUrl), {
      timeoutMs: readyTimeoutMs,
      what: 'nats-server to be up',
    });
    return launched;
  };
  let current = await launch();
  return {
    url: `nats://127.0.0.1:${run.port}`,
    monitoringUrl,
    passwords,
    store,
    process: () => current,
    kill9: async () => {
      await current.stop('SIGKILL');
    },
    sigstop: () => current.signal('SIGSTOP'),
    sigcont: () => current.signal('SIGCONT'),
    start: async () => {
      current = await launch();
    },
  };
}

/** In a cluster the password of the routes is the same for all; it protects nothing here. */
const routePassword = 'password-of-the-routes';

const memberVariables = ({ name, routes }: Membership): Record<string, string> => ({
  NATS_SERVER_NAME: name,
  NATS_ROUTE_PASSWORD: routePassword,
  ...Object.fromEntries(
    routes.map((address, index) => [`NATS_ROUTE_${index}`, `nats://route:${routePassword}@${address}`]),
  ),
});

async function writeMemberFile(folder: string, port: number): Promise<void> {
  const text = await readFile(join(configurationFolder, 'cluster/nats-cluster.conf'), 'utf8');
  const listen = text.replace(/\bport: \d+/, `listen: "127.0.0.1:${port}"`);
  if (listen === text) throw new Error('nats-cluster.conf needs a port');
  await writeFile(join(folder, 'nats-cluster.conf'), listen);
}

const userList = /\busers\s*[:=]?\s*\[/;

function withOwnManagers(configuration: string, managers: OwnManagers): string {
  const copies = Object.entries(managers).map(([manager, model]) => {
    const user = new RegExp(`^ {4}\\{\\n {6}user: resolver-${model},.*?\\n {4}\\}\\n`, 'ms').exec(
      configuration,
    );
    return copyForManager(user?.[0] ?? '', model, manager);
  });
  return configuration.replace(userList, (list) => `${list}\n${copies.join('')}`);
}

/** The configuration with its data in `storeFolder` (the flag for that is refused beside one in the file) and the user. */
function adapt(configuration: string, storeFolder: string, password: string): string {
  const store = /\bstore_dir\s*[:=]?\s*"?[^\s"}]+"?/;
  if (!userList.test(configuration) || !store.test(configuration)) {
    throw new Error(`${configurationFile} needs a list of users and a store_dir`);
  }
  return configuration
    .replace(store, `store_dir: "${storeFolder}"`)
    .replace(userList, (list) => `${list}\n    { user: "${unlimitedUser}", password: "${password}" }`);
}

async function isHealthy(monitoringUrl: string): Promise<boolean> {
  return (await fetch(`${monitoringUrl}/healthz`)).ok;
}
