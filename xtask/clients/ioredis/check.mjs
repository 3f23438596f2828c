// ioredis against the server: every supported family of commands, exact answers.

import { readFileSync } from 'node:fs';

import { main, version } from './harness.mjs';
import { redis, spoken } from './connection.mjs';

// What these list is checked.
import './values.mjs';
import './keys.mjs';
import './server.mjs';
import './transport.mjs';

const { version: installed } = JSON.parse(readFileSync(new URL('node_modules/ioredis/package.json', import.meta.url)));
version(`ioredis ${installed} (node ${process.versions.node}, RESP${spoken})`);
await main(() => redis.flushall());
