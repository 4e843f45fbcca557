import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino } from 'pino';

/** More that nobody takes off stdout is dropped, bytes. */
const mostWaiting = 4 * 1024 * 1024;

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** The ids of the active span, under the names that the OpenTelemetry log data model uses. */
function traceIds(): Record<string, string> {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return {};
  return { trace_id: context.traceId, span_id: context.spanId };
}

/**
 * The one root logger of a process: JSON lines on stdout (or `destination`). Components get `log.child({ component })`.
 * Values of secrets never reach it: the services hold names only. The redaction is the second lock on that door.
 */
export function createLog(options: {
  service: string;
  level: (typeof logLevels)[number];
  destination?: DestinationStream;
}): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: traceIds,
      redact: {
        paths: ['*.data', '*.password', '*.token', '*.privateKey', '*["tls.key"]'],
        censor: '[redacted]',
      },
    },
    // Written by a thread of its own: a node whose log is stuck (disk full, reader hung) must not hold up admissions. The
    // lifecycle waits for it before it exits; without a minLength there is nothing to wait for.
    options.destination ?? pino.destination({ sync: false, minLength: 1, maxLength: mostWaiting }),
  );
}
