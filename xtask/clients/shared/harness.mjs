// What the Node checks share: checks that are listed and counted, and the way to the program that runs them.
//
// A script talks to `cargo xtask clients` by its standard streams, as harness.py beside this file tells.

import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { basename } from 'node:path';

// Whether the server is kv; else it is Redis, against which the checks themselves are proved.
export const isKv = process.env.KV_CLIENTS_SERVER === 'kv';

// The protocol version of RESP to speak: 2 or 3, or undefined for the library's default.
export const protocol = process.argv[2] === '--protocol' ? Number(process.argv[3]) : undefined;

const checks = [];
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Host and port of a listener, for example of `RESP`.
export function address(name) {
  const [host, port] = process.env[`KV_CLIENTS_${name}`].split(':');
  return { host, port: Number(port) };
}

// Lists a check.
export function check(name, run) {
  checks.push({ name, run });
}

// Lists a check of what Redis 7.0 does not have.
export function kvOnly(name, run) {
  if (isKv) check(name, run);
}

// Fails unless both are equal, of one type too, all the way down; a map and an object with its entries
// are the same: which of them a library gives depends on the protocol version.
export function equal(actual, expected, what) {
  assert.deepStrictEqual(plain(actual), plain(expected), what);
}

function plain(value) {
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value) || value instanceof Error) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

// Fails unless `low <= actual <= high`.
export function within(actual, low, high, what = '') {
  assert.ok(actual >= low && actual <= high, `${what} expected ${low} to ${high}, got ${actual}`);
}

// Fails unless the promise is refused with an error that has `text` in its message, and gives that error.
export async function raises(text, promise) {
  let answer;
  try {
    answer = await promise;
  } catch (error) {
    assert.ok(error instanceof Error, `${error} is no Error`);
    assert.ok(error.message.includes(text), `expected an error with '${text}', got '${error.message}'`);
    return error;
  }
  assert.fail(`expected an error with '${text}', got ${JSON.stringify(answer)}`);
}

// Kills the server as `kill -9` does.
export const kill = () => tell('@kill');

// Starts the killed server again, on the same addresses and data, and waits until it is ready.
export const start = () => tell('@start');

async function tell(order) {
  process.stdout.write(`${order}\n`);
  const { value } = await input.next();
  if (value !== 'done') throw new Error(`the runner did not carry out ${order}`);
}

// Tells what software was tried.
export function version(text) {
  process.stdout.write(`@version ${text}\n`);
}

// Runs all checks, those after a failed one too, and ends the process.
export async function main(beforeEach) {
  let failed = 0;
  for (const { name, run } of checks) {
    try {
      await beforeEach();
      await run();
    } catch (error) {
      failed += 1;
      const frames = String(error.stack).split('\n').filter((line) => line.includes('.mjs'));
      const place = frames.find((line) => !line.includes('harness')) ?? frames[0] ?? '';
      console.log(`FAILED ${name} at ${basename(place.replace(/\)$/, ''))}: ${error.message}`);
    }
  }
  console.log(`${checks.length - failed} of ${checks.length} checks passed`);
  process.exit(failed === 0 ? 0 : 1);
}
