import { runOnRequiredNode } from '../../scripts/require-node.mjs';

await runOnRequiredNode(new URL('./demo.ts', import.meta.url));
