import {
  type Heartbeat,
  heartbeatSchema,
  heartbeatSubject,
  heartbeatSubjects,
  maxHeartbeatBytes,
  reasonCharacters,
} from '#shared/contracts/bus/heartbeat.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import type { Bus } from './bus.ts';

/** Sends one heartbeat; without a connection it is dropped, since an old one would be a lie. */
export function publishHeartbeat(bus: Bus, heartbeat: Heartbeat): void {
  if (!bus.connected()) return;
  const { reason } = heartbeat;
  const cut = reason === undefined ? {} : { reason: reason.slice(0, reasonCharacters) };
  bus.link()?.nc.publish(heartbeatSubject(heartbeat), JSON.stringify({ ...heartbeat, ...cut }));
}

function decode(data: Uint8Array): Heartbeat | undefined {
  if (data.length > maxHeartbeatBytes) return undefined;
  try {
    return checkShape(heartbeatSchema, JSON.parse(new TextDecoder().decode(data))).data;
  } catch {
    return undefined;
  }
}

/** Reads the heartbeat of a message; undefined for what is none, and for one that speaks for another than its sender. */
export function readHeartbeat(data: Uint8Array, subject: string): Heartbeat | undefined {
  const heartbeat = decode(data);
  return heartbeat !== undefined && isHonest(heartbeat, subject) ? heartbeat : undefined;
}

/** Tells whether a heartbeat speaks for its sender alone: the subject, which NATS's permissions bind, is that of the body. */
function isHonest(heartbeat: Heartbeat, subject: string): boolean {
  const { service, manager, applied } = heartbeat;
  if (heartbeatSubject(heartbeat) !== subject) return false;
  return service !== 'resolver' || applied.every(({ owner }) => owner === manager);
}

/**
 * Calls back for every heartbeat of a service's processes, or of one manager's resolvers, from the first connection on.
 * One that is malformed, or whose body names another process or manager than its subject, is dropped. A throw of the
 * callback ends the process (`Bus.fail`). Returns the function that ends it.
 */
export function subscribeHeartbeats(
  bus: Bus,
  from: Heartbeat['service'] | { manager: string },
  onHeartbeat: (heartbeat: Heartbeat) => void,
): () => void {
  const subjects =
    typeof from === 'string' ? heartbeatSubjects(from) : heartbeatSubjects('resolver', from.manager);
  let ended = false;
  const subscription = bus.linked().then(({ nc }) => {
    if (ended) return undefined;
    return nc.subscribe(subjects, {
      callback: (err, message) => {
        // A refused subscription stands in the log as a connection status.
        const heartbeat = err ? undefined : readHeartbeat(message.data, message.subject);
        if (heartbeat === undefined) return;
        try {
          onHeartbeat(heartbeat);
        } catch (failure) {
          bus.fail(failure);
        }
      },
    });
  });
  subscription.catch(() => undefined);
  return () => {
    ended = true;
    void subscription.then(
      (open) => open?.unsubscribe(),
      () => undefined,
    );
  };
}
