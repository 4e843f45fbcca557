import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '#testkit/processes/free-ports.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import type { ServerPlace } from './nats-cluster.ts';
import type { NatsOperator } from './nats-operator.ts';
import { type NatsServer, runNatsServer } from './nats-server.ts';

/** Starts a nats-server that has accounts of an operator, and knows users by their JWT alone. */
export async function startOperatorServer(
  operator: NatsOperator,
  { program, folder, logFolder }: ServerPlace,
  guard: ProcessGuard,
): Promise<NatsServer> {
  const [port = 0, monitoringPort = 0] = await freePorts(2);
  await mkdir(folder, { recursive: true });
  const [file, store] = [join(folder, 'operator.conf'), join(folder, 'jetstream')];
  const configuration = `server_name: example\njetstream { store_dir: "${store}" }\n${operator.configuration}`;
  await writeFile(file, configuration, { mode: 0o600 });
  return runNatsServer(
    {
      name: 'nats-server',
      program,
      port,
      monitoringPort,
      folder,
      logFolder,
      file,
      env: {},
      passwords: {},
      store,
    },
    guard,
  );
}
