// How the checks connect: one client with the library's own defaults but for the protocol version.

import Redis from 'ioredis';

import { address, protocol } from './harness.mjs';

// What every client is made with.
export const options = { ...address('RESP'), ...(protocol && { protocol }) };

// The protocol that is spoken: the library's default is 3.
export const spoken = protocol ?? 3;

// A client with its own connection. What goes wrong is told by the calls too.
export function newClient(more = {}) {
  const client = new Redis({ ...options, ...more });
  client.on('error', () => {});
  return client;
}

// The client that most checks use.
export const redis = newClient();
