import type { NatsConnection, Status } from '@nats-io/transport-node';
import type { Logger } from 'pino';

const levels: Partial<Record<Status['type'], 'debug' | 'info'>> = {
  ping: 'debug',
  update: 'debug',
  reconnect: 'info',
  close: 'info',
};

/** Logs every status event of the connection until it is closed, and says when it goes down and comes back. */
export async function followConnectionStatus(
  nc: NatsConnection,
  log: Logger,
  onState: (up: boolean) => void,
): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === 'disconnect' || status.type === 'staleConnection') onState(false);
    if (status.type === 'reconnect') onState(true);
    const err = 'error' in status ? status.error : undefined;
    log[levels[status.type] ?? 'warn'](
      { status: status.type, ...(err === undefined ? {} : { err }) },
      'NATS connection status',
    );
  }
}
