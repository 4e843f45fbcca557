import type { Msg } from '@nats-io/transport-node';

type SizedMessage = Msg & { size(): number };

/**
 * A message as the client gives it: its data begins where the headers end, and both are within a longer buffer. Its own
 * reading of the headers throws, as it does in the client's read loop at headers that no client would send.
 */
export function aMessage(headers: Uint8Array, data: Uint8Array): SizedMessage {
  const payload = Buffer.concat([Buffer.from('MSG before'), headers, data, Buffer.from('\r\nMSG after')]);
  const start = 'MSG before'.length + headers.length;
  const subject = '_INBOX.x';
  const given: Partial<SizedMessage> = {
    subject,
    data: payload.subarray(start, start + data.length),
    size: () => subject.length + headers.length + data.length,
    get headers(): never {
      throw new Error('the client decodes them in its read loop');
    },
  };
  return given as SizedMessage;
}
