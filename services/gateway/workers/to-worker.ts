import { z } from 'zod';
import { heartbeatSchema } from '#shared/contracts/bus/heartbeat.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const slot = z.int().positive();
const setVersion = heartbeatSchema.shape.applied.element;

/** One record that differs, as it is stored: without bytes it is gone. */
const recordSchema = z.tuple([
  z.string(),
  bytes.optional(),
  z.custom<TraceCarrier>((value) => typeof value === 'object' && value !== null).optional(),
]);

/** A record in the message `records`. */
export type SentRecord = z.infer<typeof recordSchema>;

/**
 * Messages from the primary of a gateway to a worker, in order, over the channel of `fork`. Both are of one version: a
 * message of another shape is a fault, and ends the worker.
 */
export const toWorkerSchema = z.discriminatedUnion('kind', [
  /** First of all: what does not change while the worker runs. */
  z.object({
    kind: z.literal('begin'),
    config: latchkeyConfigSchema,
    workers: slot,
    snapshotTakenAt: z.string().optional(),
  }),
  z.object({ kind: z.literal('config'), config: latchkeyConfigSchema }),
  z.object({ kind: z.literal('certificate'), certificate: z.string(), key: z.string() }),
  z.object({ kind: z.literal('client-ca'), pem: z.string() }),
  z.object({ kind: z.literal('keys'), keys: z.array(z.tuple([z.string(), bytes])) }),
  /** A slice of a set; its set follows. */
  z.object({ kind: z.literal('records'), manager: z.string(), records: z.array(recordSchema) }),
  /** Puts the slices sent before in force. */
  z.object({ kind: z.literal('set'), ...setVersion.shape }),
  z.object({ kind: z.literal('keep'), managers: z.array(z.string()) }),
  /** Says how fresh rules were at a moment of the machine's monotonic clock. */
  z.object({
    kind: z.literal('heard'),
    ...heartbeatSchema.pick({ applied: true, sourceAgeMs: true }).shape,
    atMs: z.number(),
  }),
  /** Asks for `serving`, once all that came before is in force. */
  z.object({ kind: z.literal('serve') }),
  /** Comes with a connection; says how many others wait for a worker. */
  z.object({ kind: z.literal('connection'), id: z.int().nonnegative(), waiting: z.int().nonnegative() }),
  z.object({ kind: z.literal('metrics'), id: z.int().nonnegative() }),
  z.object({ kind: z.literal('drain') }),
]);

export type ToWorker = z.infer<typeof toWorkerSchema>;
