// One turn in which a scripted model calls one tool of an MCP server: what the tests of MCP share.
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { FakeLlm } from '../fake/llm/fake.js';
import { agentYaml } from './agent_yaml.js';
import { Api, Visitor } from './api.js';
import { ADMIN, startRapport } from './rapport.js';

export const MODEL = 'claude-sonnet-5-5';
export const NODE = execPath;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const EVERYTHING = here(
  'node_modules/@modelcontextprotocol/server-everything/dist/index.js',
);
export const MODERN = here('mcp_modern.js');

/** The program with a scripted model; `programs` are those the installation allows. */
export class Bench {
  static async start({ programs = {}, ...more } = {}) {
    const bench = new Bench();
    bench.llm = await FakeLlm.start();
    bench.config = {
      llm: {
        providers: [
          {
            name: 'anthropic',
            kind: 'anthropic',
            base_url: bench.llm.url,
            key_env: 'WIRE_KEY',
            allow_private: true,
            models: [{ name: MODEL, class: 'balanced' }],
          },
        ],
      },
      tools: { allow_private: true },
      mcp: { programs },
    };
    bench.env = { WIRE_KEY: 'sk-wire' };
    await bench.open(more);
    return bench;
  }

  async open(more = {}) {
    this.store = more.store ?? this.store;
    this.server = await startRapport({ config: this.config, env: this.env, ...more });
    this.admin = await Api.login(this.server, ADMIN);
  }

  async stop() {
    await this.server?.stop();
    await this.llm?.close();
  }

  yaml(slug, servers, more = {}) {
    const llm = { provider: 'anthropic', model: MODEL };
    return (
      agentYaml({ slug, llm, ...more }) + `mcp_servers: ${JSON.stringify([].concat(servers))}\n`
    );
  }

  async apply(slug, servers, more = {}) {
    return this.admin.post('/agents', { yaml: this.yaml(slug, servers, more), message: 'wire' });
  }

  /** What the model is told to do when the contact writes. */
  script(name, args) {
    this.llm.load({
      rules: [
        { when: { last: 'tool_result' }, reply: { text: 'It said: {{result}}' } },
        { when: { last: 'user' }, reply: { tool_calls: [{ name, arguments: args }] } },
      ],
    });
  }

  async visitor(slug) {
    const agent = `brightwell/${slug}`;
    return Visitor.start(this.server, { agent, contact: this.server.visitor });
  }

  async run(answer) {
    return this.admin.get(`/runs/${answer.run_id}`);
  }

  /** The answer to one message, the journaled call, and what the model was told of it. */
  async use(slug, name, args, { yes = false } = {}) {
    this.script(name, args);
    const visitor = await this.visitor(slug);
    let answer = await visitor.ask('please do it');
    let question;
    if (yes) {
      question = answer.text;
      answer = await visitor.ask('yes');
    }
    const run = await this.run(answer);
    const call = run.steps.flatMap((step) => step.tool_calls)[0];
    return { answer, question, call, run, visitor };
  }

  /** What a model's request offered as tools. */
  offered() {
    const last = this.llm.requests().at(-1);
    return (last.body.tools ?? []).map((tool) => tool.name);
  }
}
