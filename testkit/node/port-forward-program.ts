import { connect, type Server, type Socket } from 'node:net';
import process from 'node:process';

/**
 * Runs in a node's network and serves a listening socket of the machine's, which its parent hands over: connections to
 * it go on to the address and port given as arguments. Ends with its parent.
 */
const [host = '', port = ''] = process.argv.slice(2);

process.on('disconnect', () => process.exit());
process.on('message', (_message, server) => {
  (server as Server).on('connection', (client) => {
    const upstream = connect(Number(port), host);
    join(client, upstream);
    join(upstream, client);
  });
});

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroySoon());
}
