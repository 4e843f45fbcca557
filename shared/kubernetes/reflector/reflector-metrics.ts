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
    description: 'Lists of a Kubernetes resource, one per start or restart of its watch',
  });
  const interruptions = meter.createCounter('latchkey.reflector.interruptions', {
    description: 'Failed lists and watches of a Kubernetes resource',
  });
  const handlerFailures = meter.createCounter('latchkey.reflector.handler.failures', {
    description: 'Changes of a Kubernetes resource that a handler failed on',
  });
  return {
    list: () => lists.add(1, { resource }),
    interruption: () => interruptions.add(1, { resource }),
    handlerFailure: () => handlerFailures.add(1, { resource }),
  };
}
