import { nodeAddressOf, nodeNameOf, podRangeOf } from './node-addresses.ts';

const routesToPods = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => index + 1)
    .filter((to) => to !== from)
    .map((to) => `ip route add ${podRangeOf(to)} via ${nodeAddressOf(to)}`);

/**
 * Shell lines that set up the network namespace of the first node: a bridge, with the node's address, to which the
 * others are connected. A kernel may lack dummy interfaces; every one that runs containers has bridges.
 */
export const firstNodeNetwork = (count: number): string =>
  [
    'ip link set lo up',
    'ip link add node0 type bridge',
    `ip addr add ${nodeAddressOf(1)}/24 dev node0`,
    'ip link set node0 up',
    // Gives Services a route, without which the kernel refuses a packet before kube-proxy's rules see it.
    'ip route add default dev node0',
    ...Array.from({ length: count - 1 }, (_, index) => nodeNameOf(index + 2)).flatMap((other) => [
      `ip link set ${other} master node0`,
      `ip link set ${other} up`,
    ]),
    ...routesToPods(1, count),
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
  ].join('\n');

/** The same for any other node, whose interface `node0` has been connected to the bridge. */
export const otherNodeNetwork = (position: number, count: number): string =>
  [
    'ip link set lo up',
    `ip addr add ${nodeAddressOf(position)}/24 dev node0`,
    'ip link set node0 up',
    `ip route add default via ${nodeAddressOf(1)}`,
    ...routesToPods(position, count),
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
  ].join('\n');

/** Shell line, run in the network of a further node alone, that connects it to the first one; `$1` is the latter's process 1. */
export const connectionLine = (position: number): string =>
  `ip link add node0 type veth peer name ${nodeNameOf(position)} netns "$1"`;
