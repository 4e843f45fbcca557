import {
  type Heartbeat,
  heartbeatSchema,
  heartbeatSubject,
  heartbeatSubjects,
  maxHeartbeatBytes,
  reasonCharacters,
} from '#shared/contracts/bus/heartbeat.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { findJsonExcess, type JsonLimits } from '#shared/core/text/json-excess.ts';
import type { Bus } from './bus.ts';
import { HeartbeatInbox } from './heartbeat-inbox.ts';

/** What is parsed of a heartbeat at most: one of 100 sets has 500 parts, 120 strings and 15 beginnings of objects. */
const heartbeatLimits: JsonLimits = { strings: 400, parts: 800, shapes: 50 };
const senderSchema = heartbeatSchema.pick({ service: true, uid: true, manager: true });

/** Sends one heartbeat; without a connection it is dropped, since an old one would be a lie. */
export function publishHeartbeat(bus: Bus, heartbeat: Heartbeat): void {
  if (!bus.connected()) return;
  bus.link()?.nc.publish(heartbeatSubject(heartbeat), formatHeartbeat(heartbeat));
}

/**
 * Writes a heartbeat that readers take. A long reason is cut; where it has no room at all it is left out, and then what is
 * applied: a gateway alone can have so much, and of that nobody asks.
 */
export function formatHeartbeat({ reason, ...heartbeat }: Heartbeat): string {
  const cut = reason === undefined ? {} : { reason: reason.slice(0, reasonCharacters) };
  const texts = [{ ...heartbeat, ...cut }, heartbeat, { ...heartbeat, applied: [] }].map((body) =>
    JSON.stringify(body),
  );
  return texts.find((text) => Buffer.byteLength(text) <= maxHeartbeatBytes) ?? texts.at(-1) ?? '';
}

/**
 * Reads the heartbeat of a message; undefined for what is none, and for one that speaks for another than its sender. Each
 * step costs more than the one before, and whoever may send heartbeats may send anything.
 */
export function readHeartbeat(data: Uint8Array, subject: string): Heartbeat | undefined {
  if (data.length > maxHeartbeatBytes || findJsonExcess(data, heartbeatLimits) !== undefined)
    return undefined;
  const body = parseJson(data);
  if (!isFrom(body, subject)) return undefined;
  const heartbeat = checkShape(heartbeatSchema, body).data;
  return heartbeat !== undefined && isHonest(heartbeat) ? heartbeat : undefined;
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch {
    return undefined;
  }
}

/** Tells whether the subject, which NATS's permissions bind, is that of the body. */
function isFrom(body: unknown, subject: string): boolean {
  const sender = checkShape(senderSchema, body).data;
  return sender !== undefined && heartbeatSubject(sender) === subject;
}

/** Tells whether a heartbeat says one thing of each set, and a resolver nothing of another manager's. */
function isHonest({ service, manager, applied }: Heartbeat): boolean {
  const owners = new Set(applied.map(({ owner }) => owner));
  if (owners.size < applied.length) return false;
  return service !== 'resolver' || [...owners].every((owner) => owner === manager);
}

/**
 * Calls back for heartbeats of a service's processes, or of one manager's resolvers, from the first connection on, as
 * `HeartbeatInbox` lets them through. One that is malformed, or whose body names another process or manager than its
 * subject, is dropped. A throw of the callback ends the process (`Bus.fail`). Returns the function that ends it.
 */
export function subscribeHeartbeats(
  bus: Bus,
  from: Heartbeat['service'] | { manager: string },
  onHeartbeat: (heartbeat: Heartbeat) => void,
): () => void {
  const subjects =
    typeof from === 'string' ? heartbeatSubjects(from) : heartbeatSubjects('resolver', from.manager);
  let ended = false;
  const inbox = new HeartbeatInbox(
    (data, subject) => {
      const heartbeat = ended ? undefined : readHeartbeat(data, subject);
      if (heartbeat === undefined) return;
      try {
        onHeartbeat(heartbeat);
      } catch (failure) {
        bus.fail(failure);
      }
    },
    (run, delayMs) => setTimeout(run, delayMs).unref(),
  );
  const subscription = bus.linked().then(({ nc }) => {
    if (ended) return undefined;
    return nc.subscribe(subjects, {
      callback: (err, message) => {
        // A refused subscription stands in the log as a connection status.
        if (err || message.data.length > maxHeartbeatBytes) return;
        inbox.take(message.data, message.subject);
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
