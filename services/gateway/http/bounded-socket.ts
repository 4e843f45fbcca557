import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

type Done = (error?: Error | null) => void;

/**
 * Takes the bytes of a TCP connection through JavaScript, which sees them before OpenSSL does: TLS on a plain socket
 * reads them by itself. A server of node:tls accepts any Duplex as a connection. An error closes it like its end.
 */
export class BoundedSocket extends Duplex {
  readonly #socket: Socket;

  /** @param feed receives what was read, to hand it on with `push` or to destroy the stream */
  constructor(socket: Socket, feed: (chunk: Buffer) => void) {
    super({ allowHalfOpen: socket.allowHalfOpen });
    this.#socket = socket;
    socket.on('data', feed);
    socket.once('end', () => this.push(null));
    socket.on('error', () => this.destroy());
    socket.once('close', () => this.destroy());
  }

  override push(chunk: Buffer | null): boolean {
    const wantsMore = super.push(chunk);
    if (!wantsMore) this.#socket.pause();
    return wantsMore;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#socket.write(chunk, (error) => this.#finish(error, done));
  }

  override _writev(writes: { chunk: Buffer }[], done: Done): void {
    this.#socket.write(Buffer.concat(writes.map(({ chunk }) => chunk)), (error) => this.#finish(error, done));
  }

  override _final(done: Done): void {
    this.#socket.end(() => done());
  }

  override _destroy(_error: Error | null, done: Done): void {
    this.#socket.destroy();
    done();
  }

  #finish(error: Error | null | undefined, done: Done): void {
    if (error) this.destroy();
    else done();
  }
}
