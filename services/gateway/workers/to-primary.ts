import { z } from 'zod';
import { heartbeatSchema } from '#shared/contracts/bus/heartbeat.ts';

const count = z.int().nonnegative();

/** Messages from a worker to the primary. */
export const toPrimarySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started') }),
  z.object({ kind: z.literal('serving') }),
  /** Sent whenever something in it changes, and every second as a sign of life. */
  z.object({
    kind: z.literal('report'),
    /** More than a heartbeat takes, while the chain changes. */
    applied: z.array(heartbeatSchema.shape.applied.element),
    usable: z.array(z.string()),
    /** PEM of the certificate that is served. */
    certificate: z.string().optional(),
  }),
  z.object({ kind: z.literal('took'), id: count }),
  /** Connections that have ended since the last such message. */
  z.object({ kind: z.literal('ended'), connections: count }),
  z.object({ kind: z.literal('metrics'), id: count, text: z.string() }),
  /** Takes no connection from now on, and ends. */
  z.object({ kind: z.literal('leaving') }),
]);

export type ToPrimary = z.infer<typeof toPrimarySchema>;
export type WorkerReport = Extract<ToPrimary, { kind: 'report' }>;

export const reportIntervalMs = 1_000;
