import {
  type Heartbeat,
  heartbeatSchema,
  heartbeatSubject,
  heartbeatSubjects,
} from '#shared/contracts/heartbeat.ts';
import type { Bus } from './bus.ts';

/** Sends one heartbeat; without a connection it is dropped, since an old one would be a lie. */
export function publishHeartbeat(bus: Bus, heartbeat: Heartbeat): void {
  if (!bus.connected()) return;
  bus.link()?.nc.publish(heartbeatSubject(heartbeat.service, heartbeat.uid), JSON.stringify(heartbeat));
}

function decode(data: Uint8Array): Heartbeat | undefined {
  try {
    return heartbeatSchema.safeParse(JSON.parse(new TextDecoder().decode(data))).data;
  } catch {
    return undefined;
  }
}

/**
 * Calls back for every heartbeat of a service's processes, from the first connection on. One that is malformed, or
 * whose body names another process than its subject, is dropped. A throw of the callback ends the process (`Bus.fail`).
 * Returns the function that ends it.
 */
export function subscribeHeartbeats(
  bus: Bus,
  service: Heartbeat['service'],
  onHeartbeat: (heartbeat: Heartbeat) => void,
): () => void {
  let ended = false;
  const subscription = bus.linked().then(({ nc }) => {
    if (ended) return undefined;
    return nc.subscribe(heartbeatSubjects(service), {
      callback: (err, message) => {
        // A refused subscription stands in the log as a connection status.
        const heartbeat = err ? undefined : decode(message.data);
        if (heartbeat === undefined) return;
        if (heartbeatSubject(heartbeat.service, heartbeat.uid) !== message.subject) return;
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
