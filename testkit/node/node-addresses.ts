/** Where everything is in the network of a real cluster, which no other network namespace sees. */
export const serviceRange = '10.96.0.0/16';
export const podRange = '10.244.0.0/16';
/** First address of the Services: the API server itself. */
export const apiServiceAddress = '10.96.0.1';
export const apiServerPort = 6443;

/** Nodes are counted from 1; the first one runs the control plane and the cluster's DNS. */
export const nodeNameOf = (position: number): string => `node${position}`;
export const nodeAddressOf = (position: number): string => `10.89.0.${position + 1}`;
export const podRangeOf = (position: number): string => `10.244.${position - 1}.0/24`;

export const controlPlaneAddress = nodeAddressOf(1);
export const apiServerUrl = `https://${controlPlaneAddress}:${apiServerPort}`;
