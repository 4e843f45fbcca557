import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuardedProcess } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import type { ProgramName } from '#tools/pinned-programs.ts';
import type { Program } from '#tools/programs.ts';
import { readCa, startApiServer } from './api-server.ts';
import { type UserName, writeApiServerFiles } from './api-server-files.ts';
import { startEtcd } from './etcd.ts';
import { createKubernetesClient, type KubernetesUser, kubeconfigOf } from './kubernetes-client.ts';
import { runKubectl } from './run-kubectl.ts';

/** One line of the API server's audit log (audit.k8s.io/v1 Event), as far as tests read it. */
export interface AuditEvent {
  verb: string;
  user: { username: string };
  objectRef?: {
    resource?: string;
    subresource?: string;
    namespace?: string;
    name?: string;
    apiGroup?: string;
  };
  responseStatus?: { code?: number };
  requestURI: string;
  annotations?: Record<string, string>;
}

interface ControlPlaneStart {
  programs: Record<ProgramName, Program>;
  ports: { etcd: number; etcdPeer: number; apiServer: number };
  serviceCidr: string;
  /** gRPC endpoint `host:port` of the API server's own spans; nobody needs to listen there. */
  tracingEndpoint: string;
  folder: string;
  logFolder: string;
  /** Admission plugins to enable besides those of kube-apiserver's defaults. */
  admissionPlugins?: readonly string[] | undefined;
}

/** Starts etcd and kube-apiserver; resolves with ways to talk to them when the API server is ready. */
export async function startControlPlane(start: ControlPlaneStart, guard: ProcessGuard) {
  const { programs, ports, folder, logFolder } = start;
  const files = await writeApiServerFiles(join(folder, 'kubernetes'), start.tracingEndpoint);
  const etcd = await startEtcd(
    { program: programs.etcd, clientPort: ports.etcd, peerPort: ports.etcdPeer, folder, logFolder },
    guard,
  );
  const launch = (admissionConfigurationFile?: string) =>
    startApiServer(
      {
        program: programs['kube-apiserver'],
        files,
        port: ports.apiServer,
        etcdUrl: `http://127.0.0.1:${ports.etcd}`,
        serviceCidr: start.serviceCidr,
        logFolder,
        admissionConfigurationFile,
        admissionPlugins: start.admissionPlugins,
      },
      guard,
    );
  let apiServer: GuardedProcess = await launch();
  const server = `https://127.0.0.1:${ports.apiServer}`;
  const authority = await readCa(files);
  const userOf = (user: UserName): KubernetesUser => ({ server, authority, user, token: files.tokens[user] });
  const kubeconfigFile = join(folder, 'kubeconfig');
  await writeFile(kubeconfigFile, JSON.stringify(kubeconfigOf(userOf('admin'))), { mode: 0o600 });

  return {
    server,
    authority,
    /** KUBECONFIG of the user `admin`. */
    kubeconfigFile,
    etcd,
    apiServer: () => apiServer,
    /** Typed clients that act as one of the static users. */
    clientOf: (user: UserName) => createKubernetesClient(userOf(user)),
    /** The same for a person: a command line that reaches this cluster. */
    kubectlLine: (): string => `${programs.kubectl.path} --kubeconfig=${kubeconfigFile} get pods -A`,
    /** Runs kubectl as `admin` and gives its standard output; throws with its standard error when it fails. */
    kubectl: (args: readonly string[], input = ''): Promise<string> =>
      runKubectl(
        { path: programs.kubectl.path, home: folder },
        [`--kubeconfig=${kubeconfigFile}`, ...args],
        input,
      ),
    stopApiServer: () => apiServer.stop('SIGTERM'),
    startApiServer: async (admissionConfigurationFile?: string) => {
      apiServer = await launch(admissionConfigurationFile);
    },
    /** Every request so far except those of the harness itself and of the API server to itself. */
    auditEvents: async (): Promise<AuditEvent[]> => {
      const lines = (await readFile(files.auditLogFile, 'utf8')).split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEvent);
    },
  };
}
