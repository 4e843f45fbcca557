import { z } from 'zod';
import { escapeToken } from './key-token.ts';

/**
 * Message: who is alive and what it holds, core NATS, every 2 s, subject `latchkey.heartbeat.<service>.<pod uid>`.
 * Producers: gateway, discovery, resolvers. Consumers: gateways (staleness), resolvers (is discovery alive),
 * cert-manager (serving certificates).
 */
export const heartbeatSchema = z.object({
  schema: z.literal(1),
  service: z.enum(['gateway', 'discovery', 'resolver', 'cert-manager']),
  /** UID of the pod; joins with the EndpointSlice's targetRef. */
  uid: z.string(),
  /** The resolver's manager. */
  manager: z.string().optional(),
  ready: z.boolean(),
  /** Why it is not ready, for an operator. */
  reason: z.string().optional(),
  /** What a gateway (or a resolver, for its inventory) has swapped in. */
  applied: z.array(z.object({ owner: z.string(), epoch: z.number(), seq: z.number() })),
  /** SHA-256 of the serving certificate's DER bytes, hex; gateways only. */
  servingCertificate: z.string().optional(),
  /** How long ago this process last heard from what it reads (the Kubernetes watch, discovery), in ms. */
  sourceAgeMs: z.number().nonnegative(),
});

export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** Subject of one process's heartbeat. */
export const heartbeatSubject = (service: Heartbeat['service'], uid: string): string =>
  `latchkey.heartbeat.${service}.${escapeToken(uid)}`;
/** Subscription for all heartbeats of a service. */
export const heartbeatSubjects = (service: Heartbeat['service']): string => `latchkey.heartbeat.${service}.*`;
export const heartbeatIntervalMs = 2_000;
