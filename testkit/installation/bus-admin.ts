import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type NatsServer, unlimitedUser } from '#testkit/nats/nats-server.ts';

/** Does to the streams of the bus what an operator could do, as the user without limits. */
export async function asBusAdmin<T>(
  nats: NatsServer,
  act: (streams: JetStreamManager['streams']) => Promise<T>,
): Promise<T> {
  const connection = await connect({
    servers: nats.url,
    user: unlimitedUser,
    pass: nats.passwords[unlimitedUser] ?? '',
  });
  try {
    const { streams } = await jetstreamManager(connection);
    return await act(streams);
  } finally {
    await connection.close();
  }
}
