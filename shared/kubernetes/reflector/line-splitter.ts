import { LatchkeyError } from '#shared/contracts/error-registry.ts';

const newline = 0x0a;

/**
 * Cuts a byte stream into lines, however they are split over chunks. A last line without its newline is never given
 * out: it may be torn. Bytes are joined before they are decoded, so that a character split over chunks survives.
 * `push` throws KUBERNETES_REFUSED for a line that is longer than `mostBytes`, as soon as it is.
 */
export function createLineSplitter(mostBytes: number): { push(chunk: Buffer): Generator<string> } {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const hold = (piece: Buffer): void => {
    pendingBytes += piece.length;
    if (pendingBytes > mostBytes) {
      throw new LatchkeyError('KUBERNETES_REFUSED', `a line of a watch is longer than ${mostBytes} bytes`);
    }
    pending.push(piece);
  };
  const take = (): string => {
    const line = Buffer.concat(pending).toString('utf8');
    pending = [];
    pendingBytes = 0;
    return line;
  };
  return {
    // One line at a time, so that none is held while the one before it is worked on.
    *push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        hold(chunk.subarray(start, end));
        start = end + 1;
        yield take();
      }
      if (start < chunk.length) hold(chunk.subarray(start));
    },
  };
}
