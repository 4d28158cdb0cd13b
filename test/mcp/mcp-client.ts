import { Client } from '@modelcontextprotocol/client';
import type { ClientOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { childEnvironment } from '../support/child-environment.ts';

export const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

interface McpOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly client?: ClientOptions;
}

/** What a tool answered: its value, or the sentence why there is none. */
interface ToolAnswer {
  readonly value: Record<string, unknown>;
  readonly refusal: string | undefined;
}

/** `dbconn mcp` as an MCP client starts it. */
export interface Mcp {
  readonly client: Client;
  readonly pid: number;
  readonly call: (name: string, given?: Record<string, unknown>) => Promise<ToolAnswer>;
  /** Closes its standard input, and says what it wrote to standard error. */
  close(): Promise<string>;
}

const Text = z.tuple([z.object({ type: z.literal('text'), text: z.string() })]);

/** The SDK's own client over standard input and output; it is closed with the test at the latest. */
export async function startMcp({ folder, env = {}, client: options }: McpOptions): Promise<Mcp> {
  const { PATH = '', NODE_COMPILE_CACHE } = childEnvironment;
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [cli, 'mcp'],
    cwd: folder,
    env: { PATH, NODE_COMPILE_CACHE, ...env },
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  const client = new Client({ name: 'test', version: '1.0.0' }, options);
  onTestFinished(() => client.close());
  await client.connect(transport);
  const pid = transport.pid ?? 0;
  return {
    client,
    pid,
    async call(name, given = {}) {
      const { content, isError, structuredContent } = await client.callTool({
        name,
        arguments: given,
      });
      const [{ text: said }] = Text.parse(content);
      if (isError === true) return { value: {}, refusal: said };
      return { value: z.looseObject({}).parse(structuredContent), refusal: undefined };
    },
    async close() {
      await client.close();
      return stderr;
    },
  };
}
