import { metrics } from '@opentelemetry/api';

/** Instruments of the reflectors of one resource. */
interface ReflectorMetrics {
  list(): void;
  interruption(): void;
  handlerFailure(): void;
}

/** @param resource plural name of the resource that is watched */
export function createReflectorMetrics(resource: string): ReflectorMetrics {
  const meter = metrics.getMeter('latchkey');
  const lists = meter.createCounter('latchkey.reflector.lists', {
    description: 'Lists of a Kubernetes resource begun, each a start or a restart of its watch from nothing',
  });
  const interruptions = meter.createCounter('latchkey.reflector.interruptions', {
    description: 'Lists and watches of a Kubernetes resource that failed',
  });
  const handlerFailures = meter.createCounter('latchkey.reflector.handler.failures', {
    description: 'Changes of a Kubernetes resource that could not be handled',
  });
  return {
    list: () => lists.add(1, { resource }),
    interruption: () => interruptions.add(1, { resource }),
    handlerFailure: () => handlerFailures.add(1, { resource }),
  };
}
