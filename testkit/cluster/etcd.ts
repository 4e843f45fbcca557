import { join } from 'node:path';
import { type GuardedProcess, startGuardedProcess } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import type { Program } from '#tools/programs.ts';

interface EtcdStart {
  program: Program;
  clientPort: number;
  peerPort: number;
  folder: string;
  logFolder: string;
}

/** Starts etcd on loopback; kube-apiserver waits for it by itself. Writes are not synced: the data dies with the test. */
export function startEtcd(start: EtcdStart, guard: ProcessGuard): Promise<GuardedProcess> {
  const clientUrl = `http://127.0.0.1:${start.clientPort}`;
  const peerUrl = `http://127.0.0.1:${start.peerPort}`;
  return startGuardedProcess(
    {
      name: 'etcd',
      command: start.program.path,
      args: [
        `--data-dir=${join(start.folder, 'etcd')}`,
        `--listen-client-urls=${clientUrl}`,
        `--advertise-client-urls=${clientUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
      env: {},
      folder: start.folder,
      logFolder: start.logFolder,
    },
    guard,
  );
}
