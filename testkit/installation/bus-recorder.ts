import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { unlimitedUser } from '#testkit/nats/nats-server.ts';

/** A message of the bus as somebody who may read everything sees it. */
interface RecordedMessage {
  subject: string;
  reply: string;
  /** Name and value of each header. */
  headers: readonly (readonly [string, string])[];
  data: Uint8Array;
}

/** Everything that crosses the bus: records, requests to JetStream and their answers, heartbeats. */
export interface BusRecorder {
  nc: NatsConnection;
  messages: readonly RecordedMessage[];
  stop(): Promise<void>;
}

/** Listens as the user without limits, from before the services start when called in `prepare`. */
export async function recordBus({ nats }: Pick<Cluster, 'nats'>): Promise<BusRecorder> {
  const nc = await connect({
    servers: nats.url,
    user: unlimitedUser,
    pass: nats.passwords[unlimitedUser] ?? '',
    maxReconnectAttempts: -1,
  });
  const messages: RecordedMessage[] = [];
  nc.subscribe('>', {
    callback: (_err, { subject, reply = '', headers, data }) => {
      const pairs = [...(headers ?? [])].flatMap(([name, values]) =>
        values.map((value) => [name, value] as const),
      );
      messages.push({ subject, reply, headers: pairs, data: Uint8Array.from(data) });
    },
  });
  await nc.flush();
  return { nc, messages, stop: () => nc.close() };
}
