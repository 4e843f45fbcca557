import { z } from 'zod';
import { maxVersionNumber } from './bucket.ts';
import { escapeKeyToken } from './key-token.ts';

/** More bytes are no heartbeat, and not parsed: 30 sets and the longest reason that a sender writes have fewer. */
export const maxHeartbeatBytes = 8_192;
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
  schema: z.literal(1).describe('Version of the message.'),
  service: z.enum(['gateway', 'discovery', 'resolver', 'cert-manager']).describe('Service of the sender.'),
  uid: name.describe("UID of the sender's pod, as in the targetRef of an EndpointSlice."),
  manager: name.optional().describe('Manager of a resolver.'),
  epoch: z
    .int()
    .positive()
    .max(maxVersionNumber)
    .optional()
    .describe('Epoch under which a resolver publishes; absent while it stands by, and when it leaves.'),
  ready: z.boolean().describe('Whether the sender is ready.'),
  reason: z
    .string()
    .max(4_096)
    .optional()
    .describe('Why the sender is not ready, for an operator; a sender cuts it at 1,000 characters.'),
  applied: z
    .array(
      z.object({
        owner: name.describe('Owner of the set.'),
        epoch: z.int().nonnegative().max(maxVersionNumber).describe('Epoch of its manifest.'),
        seq: z.int().nonnegative().max(maxVersionNumber).describe('Number of its manifest.'),
      }),
    )
    .max(100)
    .describe('Sets that a gateway has in force, or that discovery or a resolver has published.'),
  servingCertificate: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .meta({ title: 'SHA-256, hex' })
    .optional()
    .describe("Digest of a gateway's serving certificate (DER)."),
  sourceAgeMs: z
    .number()
    .nonnegative()
    .describe(
      'How old what it publishes may be: since its source was last heard, or since a change waits to be stored; 0 where it publishes nothing.',
    ),
});

export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** Who a heartbeat comes from. */
export type HeartbeatSender = Pick<Heartbeat, 'service' | 'uid' | 'manager'>;

const senders = ({ service, manager }: Pick<HeartbeatSender, 'service' | 'manager'>): string =>
  ['latchkey.heartbeat', service, ...(manager === undefined ? [] : [escapeKeyToken(manager)])].join('.');

/** Subject of one process's heartbeat. */
export const heartbeatSubject = (sender: HeartbeatSender): string =>
  `${senders(sender)}.${escapeKeyToken(sender.uid)}`;
/** Subscription for all heartbeats of a service; of the resolvers of one manager when it is given, else of all. */
export const heartbeatSubjects = (service: Heartbeat['service'], manager?: string): string =>
  service === 'resolver' && manager === undefined
    ? `${senders({ service })}.*.*`
    : `${senders({ service, manager })}.*`;
export const heartbeatIntervalMs = 2_000;
