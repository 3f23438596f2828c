// How the checks connect: one client with the library's own defaults but for the protocol version.

import { RESP_TYPES, createClient } from 'redis';

import { address, protocol } from './harness.mjs';

// What every client is made with.
export const options = { socket: address('RESP'), ...(protocol && { RESP: protocol }) };

// The protocol that is spoken: the library's default is 3.
export const spoken = protocol ?? 3;

// A client with its own connection, not connected yet. What goes wrong is told by the calls too.
export function newClient(more = {}) {
  const client = createClient({ ...options, ...more, socket: { ...options.socket, ...more.socket } });
  client.on('error', () => {});
  return client;
}

// The client that most checks use, and the same with answers in bytes.
export const client = newClient();
export const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
