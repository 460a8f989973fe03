// Everything a recorded conversation needs around the program: the model that says what was said,
// and the tools with their databases.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeLlm } from '../fake/llm/fake.js';
import { FakeTau } from '../fake/tau/fake.js';
import { scriptOf } from './script.js';

const MODEL = 'gpt-5.4';
const KEY_NAME = 'REPLAY_KEY';

export const SECRET = `whsec_${Buffer.alloc(32, 11).toString('base64')}`;
/** What an agent says of its model. */
export const LLM = { provider: 'recorded', model: MODEL, max_tokens: 4000, tool_rounds: 16 };
export const ENV = { [KEY_NAME]: 'sk-replay' };

export class World {
  /** `bases` and `more` as FakeTau takes them. */
  static async start(recordings, bases, more = {}) {
    const world = new World();
    const { script, seen } = scriptOf(recordings);
    world.seen = seen;
    world.llm = await FakeLlm.start({ script });
    world.tools = await FakeTau.start({ bases, secrets: [SECRET], ...more });
    world.folder = await mkdtemp(join(tmpdir(), 'rapport-replay-'));
    return world;
  }

  /** Settings of the program: the model, and leave to call tools on this machine. */
  get config() {
    const provider = {
      name: 'recorded',
      kind: 'openai',
      base_url: `${this.llm.url}/v1`,
      key_env: KEY_NAME,
      allow_private: true,
      models: [{ name: MODEL, class: 'balanced', price_in: 3, price_out: 15 }],
    };
    return { llm: { providers: [provider] }, tools: { allow_private: true } };
  }

  /** A file of recordings for the command. */
  async file(name, text) {
    const path = join(this.folder, name);
    await writeFile(path, text);
    return path;
  }

  async close() {
    await Promise.all([this.llm.close(), this.tools.close()]);
    await rm(this.folder, { recursive: true });
  }
}
