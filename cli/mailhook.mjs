#!/usr/bin/env node
import { runOnRequiredNode } from '../scripts/require-node.mjs';

await runOnRequiredNode(new URL('./mailhook.ts', import.meta.url));
