import { podRangeOf } from './node-addresses.ts';
import { inNodeFolder } from './node-folder.ts';

/** CNI configuration of a node: each pod is one end of a pair of interfaces, with an address of the node's range. */
export const podNetworkConfiguration = (node: string, position: number) => ({
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: {
        type: 'host-local',
        dataDir: inNodeFolder(node, 'cni-addresses'),
        ranges: [[{ subnet: podRangeOf(position) }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});
