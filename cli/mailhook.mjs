#!/usr/bin/env node
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { runOnRequiredNode } from '../scripts/require-node.mjs';

// Kept compiled, a command starts in half the time. Not in the shared temporary folder, where others could put code.
nodeModule.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/mailhook', import.meta.url)));

await runOnRequiredNode(new URL('./mailhook.ts', import.meta.url));
