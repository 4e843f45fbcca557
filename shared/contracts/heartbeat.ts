import { z } from 'zod';
import { escapeToken } from './key-token.ts';

/** More bytes are no heartbeat, and not parsed. */
export const maxHeartbeatBytes = 32_768;
/** What a sender tells of its reason; a reader takes more, from a later version. */
export const reasonCharacters = 1_000;
const name = z.string().min(1).max(253);

/**
 * Message: who is alive and what it holds, core NATS, every 2 s, subject `latchkey.heartbeat.<service>.<pod uid>`, of a
 * resolver `latchkey.heartbeat.resolver.<manager>.<pod uid>`, so that a login speaks for its own manager only.
 * Producers: gateway, discovery, resolvers, cert-manager. Consumers: gateways (staleness), discovery (which rules the
 * snapshot may take), resolvers (is discovery alive, does another one publish the manager), cert-manager (serving
 * certificates).
 */
export const heartbeatSchema = z.object({
  schema: z.literal(1),
  service: z.enum(['gateway', 'discovery', 'resolver', 'cert-manager']),
  /** UID of the pod; joins with the EndpointSlice's targetRef. */
  uid: name,
  /** The resolver's manager. */
  manager: name.optional(),
  /** Under which a resolver holds its manager's prefix; absent while it stands by, and when it leaves. */
  epoch: z.int().positive().optional(),
  ready: z.boolean(),
  /** Why it is not ready, for an operator. */
  reason: z.string().max(4_096).optional(),
  /** What a gateway has applied; of discovery and a resolver, what it has published. */
  applied: z.array(z.object({ owner: name, epoch: z.number(), seq: z.number() })).max(100),
  /** SHA-256 of the serving certificate's DER bytes, hex; gateways only. */
  servingCertificate: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** How old what it publishes may be, ms: since its source was last heard, or since a change waits to be stored. */
  sourceAgeMs: z.number().nonnegative(),
});

export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** Who a heartbeat comes from. */
export type HeartbeatSender = Pick<Heartbeat, 'service' | 'uid' | 'manager'>;

const senders = ({ service, manager }: Pick<HeartbeatSender, 'service' | 'manager'>): string =>
  ['latchkey.heartbeat', service, ...(manager === undefined ? [] : [escapeToken(manager)])].join('.');

/** Subject of one process's heartbeat. */
export const heartbeatSubject = (sender: HeartbeatSender): string =>
  `${senders(sender)}.${escapeToken(sender.uid)}`;
/** Subscription for all heartbeats of a service; of the resolvers of one manager when it is given, else of all. */
export const heartbeatSubjects = (service: Heartbeat['service'], manager?: string): string =>
  service === 'resolver' && manager === undefined
    ? `${senders({ service })}.*.*`
    : `${senders({ service, manager })}.*`;
export const heartbeatIntervalMs = 2_000;
