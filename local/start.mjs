import { runOnRequiredNode } from '../scripts/require-node.mjs';

await runOnRequiredNode(new URL('./main.ts', import.meta.url));
