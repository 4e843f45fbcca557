import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GuardedProcess, startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import type { Program } from '#tools/programs.ts';
import type { ApiServerFiles } from './api-server-files.ts';
import { isApiServerReady } from './api-server-ready.ts';

const readyTimeoutMs = 60_000;

interface ApiServerStart {
  program: Program;
  files: ApiServerFiles;
  port: number;
  etcdUrl: string;
  serviceCidr: string;
  logFolder: string;
  /** An AdmissionConfiguration: how the server introduces itself to webhooks. */
  admissionConfigurationFile?: string | undefined;
  /** Admission plugins to enable besides those of kube-apiserver's defaults. */
  admissionPlugins?: readonly string[] | undefined;
}

/** Starts kube-apiserver; resolves when `/readyz` says ok. Throws with the end of its log when it dies before. */
export async function startApiServer(start: ApiServerStart, guard: ProcessGuard): Promise<GuardedProcess> {
  const server = await startGuardedProcess(
    {
      name: 'kube-apiserver',
      command: start.program.path,
      args: flags(start),
      env: {},
      folder: start.files.folder,
      logFolder: start.logFolder,
    },
    guard,
  );
  await waitUntilUp(server, () => isApiServerReady(start.port, start.files.tokens.harness), {
    timeoutMs: readyTimeoutMs,
    what: 'kube-apiserver to be ready',
  });
  return server;
}

/** The certificate authority that clients trust; kube-apiserver has made it by the time it is ready. */
export const readCa = (files: ApiServerFiles): Promise<string> =>
  readFile(join(files.certificateFolder, 'apiserver.crt'), 'utf8');

function flags(start: ApiServerStart): string[] {
  const { files, port, etcdUrl, serviceCidr, admissionConfigurationFile: admission } = start;
  const { admissionPlugins: plugins = [] } = start;
  return [
    ...(admission === undefined ? [] : [`--admission-control-config-file=${admission}`]),
    ...(plugins.length === 0 ? [] : [`--enable-admission-plugins=${plugins.join()}`]),
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${files.certificateFolder}`,
    // Gives Services addresses in 127.0.0.0/8: Linux delivers those to our balancer, which stands in for kube-proxy.
    `--service-cluster-ip-range=${serviceCidr}`,
    // A loopback address is refused as an endpoint of the Service `kubernetes`, which nobody here uses.
    '--endpoint-reconciler-type=none',
    '--authorization-mode=RBAC',
    `--token-auth-file=${files.tokenFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${files.serviceAccountKeyFile}`,
    `--audit-policy-file=${files.auditPolicyFile}`,
    `--audit-log-path=${files.auditLogFile}`,
    `--tracing-config-file=${files.tracingFile}`,
  ];
}
