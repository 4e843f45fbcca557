/** Samplers by the names that the OpenTelemetry specification gives to `OTEL_TRACES_SAMPLER`. */
export const traceSamplers = [
  'parentbased_traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'traceidratio',
  'always_on',
  'always_off',
] as const;

/** Which spans are recorded and sent. */
export interface TraceSampling {
  sampler: (typeof traceSamplers)[number];
  /** Share of the traces for a sampler by ratio, 0 to 1. */
  ratio: number;
}
