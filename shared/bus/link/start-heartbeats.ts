import {
  type Heartbeat,
  type HeartbeatSender,
  heartbeatIntervalMs,
} from '#shared/contracts/bus/heartbeat.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { Bus } from './bus.ts';
import { publishHeartbeat } from './heartbeats.ts';

/** Says how a process is at the moment of a heartbeat; the fields are those of the message. */
export interface HeartbeatReport extends Pick<Heartbeat, 'applied'> {
  /** Says why the process is not ready, one sentence each; it is ready when there is none. */
  notReady: readonly string[];
  epoch?: number | undefined;
  servingCertificate?: string | undefined;
  /** Defaults to 0, for a process that publishes nothing; Infinity for a source that was never heard. */
  sourceAgeMs?: number;
}

/** Sends the heartbeats of a process. */
export interface Heartbeats {
  /** Sends one at once, also after the stop. */
  beat(): void;
  stop(): void;
}

/** Sends a heartbeat every {@link heartbeatIntervalMs}, each with a new report. */
export function startHeartbeats(
  bus: Bus,
  options: { sender: HeartbeatSender; clock: Pick<Clock, 'every'>; report: () => HeartbeatReport },
): Heartbeats {
  const beat = (): void => publishHeartbeat(bus, heartbeatOf(options.sender, options.report()));
  return { beat, stop: options.clock.every(heartbeatIntervalMs, beat) };
}

/** Builds the message of a report. */
export function heartbeatOf(sender: HeartbeatSender, report: HeartbeatReport): Heartbeat {
  const { notReady, applied, epoch, servingCertificate, sourceAgeMs = 0 } = report;
  const isReady = notReady.length === 0;
  return {
    schema: 1,
    ...sender,
    ready: isReady,
    ...(isReady ? {} : { reason: notReady.join('; ') }),
    applied,
    ...(epoch === undefined ? {} : { epoch }),
    ...(servingCertificate === undefined ? {} : { servingCertificate }),
    // JSON has no Infinity.
    sourceAgeMs: Math.min(sourceAgeMs, Number.MAX_SAFE_INTEGER),
  };
}
